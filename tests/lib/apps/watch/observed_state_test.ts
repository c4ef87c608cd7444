import assert from "node:assert/strict";
import type { ObservedApp } from "../../../../lib/apps/state/observed_app.ts";
import type { AppState } from "../../../../lib/model/app.ts";
import {
  type ComposeFacts,
  correctedState,
  observedState,
  wasKilledOutside,
} from "../../../../lib/apps/watch/observed_state.ts";
import { projectNeeds } from "../../../../lib/apps/watch/project_state.ts";

const none: ObservedApp = { containers: [], tags: [] };
const image: ObservedApp = { containers: [], tags: ["1"] };
const container = (status: string): ObservedApp => ({
  ...image,
  containers: [{ id: "a", name: "prod_7_shop", status }],
});

Deno.test("M15: correctedState() follows what the engine has", () => {
  const cases: [string, AppState, ObservedApp, AppState][] = [
    ["no container, image: an interrupted download", "DOWNLOADING", image, "PRESENT"],
    ["no container, no image: an interrupted download", "DOWNLOADING", none, "REMOVED"],
    ["no container, image: an interrupted update", "UPDATING", image, "PRESENT"],
    ["no container, no image: an interrupted update", "UPDATING", none, "REMOVED"],
    ["no container, no image: uninstalled before", "UNINSTALLED", none, "UNINSTALLED"],
    ["no container, image: uninstalled before", "UNINSTALLED", image, "PRESENT"],
    ["no container, no image: anything else", "RUNNING", none, "REMOVED"],
    ["no container, image: it ran", "RUNNING", image, "PRESENT"],
    ["no container, image: it had failed", "FAILED", image, "PRESENT"],
    ["no container, image: an interrupted removal", "DELETING", image, "PRESENT"],
    ["container: an interrupted download", "DOWNLOADING", container("running"), "REMOVED"],
    ["container: an interrupted build", "BUILDING", container("exited"), "REMOVED"],
    ["container runs: an interrupted update has not touched it", "UPDATING", container("running"), "RUNNING"],
    ["container has ended: an interrupted update", "UPDATING", container("exited"), "FAILED"],
    ["container runs: an interrupted start", "STARTING", container("running"), "RUNNING"],
    ["container was only created: an interrupted start", "STARTING", container("created"), "PRESENT"],
    ["container has ended: an interrupted stop", "STOPPING", container("exited"), "FAILED"],
    ["container has ended: it ran", "RUNNING", container("exited"), "FAILED"],
    ["container is dead: it ran", "RUNNING", container("dead"), "FAILED"],
    ["container restarts: it ran", "RUNNING", container("restarting"), "FAILED"],
    ["container is paused: it counts as running", "RUNNING", container("paused"), "RUNNING"],
    ["container is paused: it had failed", "FAILED", container("paused"), "RUNNING"],
    ["container is being removed", "DELETING", container("removing"), "STOPPING"],
    ["an unknown status says nothing", "RUNNING", container("dreaming"), "RUNNING"],
  ];
  for (const [name, current, observed, expected] of cases) {
    assert.equal(correctedState(current, observed), expected, name);
  }
});

Deno.test("observedState() is undefined when nothing has changed", () => {
  const cases: [string, AppState, ObservedApp, AppState | undefined][] = [
    ["it still runs", "RUNNING", container("running"), undefined],
    ["it has ended", "RUNNING", container("exited"), "FAILED"],
    ["it is dead", "RUNNING", container("dead"), "FAILED"],
    ["it is paused", "RUNNING", container("paused"), undefined],
    ["it is being removed", "RUNNING", container("removing"), undefined],
    ["somebody has started it", "PRESENT", container("running"), "RUNNING"],
    ["somebody has started it after a failure", "FAILED", container("running"), "RUNNING"],
    ["a known failure", "FAILED", container("exited"), undefined],
    ["a container that could not be started", "FAILED", container("created"), undefined],
    ["it was removed by hand", "RUNNING", image, "PRESENT"],
    ["it was removed by hand with its image", "RUNNING", none, "REMOVED"],
    ["a failed app has no container", "FAILED", image, undefined],
    ["a stopped app has no container", "PRESENT", image, undefined],
    ["a transient state is left to its transition", "STARTING", container("exited"), undefined],
    ["an unknown status", "RUNNING", container("dreaming"), undefined],
  ];
  for (const [name, current, observed, expected] of cases) {
    assert.equal(observedState(current, observed), expected, name);
  }
});

Deno.test("wasKilledOutside() is true after a signal, unless the container had used too much memory", () => {
  const cases: [number, boolean, boolean][] = [
    [0, false, false],
    [1, false, false],
    [137, false, true],
    [143, false, true],
    [137, true, false],
    [139, false, false],
  ];
  for (const [exitCode, oomKilled, expected] of cases) {
    assert.equal(wasKilledOutside({ exitCode, oomKilled }), expected, `${exitCode} ${oomKilled}`);
  }
});

const needs = projectNeeds({ services: { web: { image: "w:1" }, db: { image: "d:1" } } });
const folder = { needs, hasFolder: true };
const noFolder = { needs, hasFolder: false };

/** `running exited:3`: the services web and db. */
function project(services: string, images: string[] = ["w:1", "d:1"]): ObservedApp {
  const parts = services.split(" ").filter(Boolean).map((part) => part.split(":"));
  return {
    ...none,
    project: {
      services: parts.map(([status = "", code], index) => {
        const service = ["web", "db"][index] ?? "more";
        return { id: service, name: service, service, number: 1, status, ...(code ? { exitCode: Number(code) } : {}) };
      }),
      images: Object.fromEntries(images.map((name) => [name, "sha256:1"])),
    },
  };
}

Deno.test("#13: correctedState() follows the project of a compose app", () => {
  const cases: [string, AppState, [ObservedApp, ComposeFacts], AppState][] = [
    ["no project, no folder", "RUNNING", [project(""), noFolder], "REMOVED"],
    ["no project, no folder: uninstalled before", "UNINSTALLED", [project(""), noFolder], "UNINSTALLED"],
    ["no project, folder, all images", "DOWNLOADING", [project(""), folder], "PRESENT"],
    ["no project, folder, all images: it ran", "RUNNING", [project(""), folder], "PRESENT"],
    ["no project, folder, one image missing", "PRESENT", [project("", ["w:1"]), folder], "UNINSTALLED"],
    ["no project, folder, one image missing: an interrupted build", "BUILDING", [
      project("", ["w:1"]),
      folder,
    ], "REMOVED"],
    ["no project, folder, one image missing: before its build", "REMOVED", [project("", ["w:1"]), folder], "REMOVED"],
    ["project: an interrupted download", "DOWNLOADING", [project("running running"), folder], "REMOVED"],
    ["project: an interrupted upload", "TRANSFERING", [project("running running"), folder], "REMOVED"],
    ["project: an interrupted build", "BUILDING", [project("exited:0 running"), folder], "REMOVED"],
    ["project: an interrupted publish", "PUBLISHING", [project("running running"), folder], "REMOVED"],
    ["project: an interrupted update has not touched it", "UPDATING", [project("running running"), folder], "RUNNING"],
    ["all run", "FAILED", [project("running running"), folder], "RUNNING"],
    ["one has done its work", "STARTING", [project("running exited:0"), folder], "RUNNING"],
    ["one has failed", "RUNNING", [project("running exited:3"), folder], "FAILED"],
    ["an interrupted up", "STARTING", [project("running created"), folder], "PRESENT"],
    ["an interrupted up of the first service", "STARTING", [project("running"), folder], "PRESENT"],
    ["all have done their work", "RUNNING", [project("exited:0 exited:0"), folder], "PRESENT"],
  ];
  for (const [name, current, [observed, facts], expected] of cases) {
    assert.equal(correctedState(current, observed, { compose: facts }), expected, name);
  }
});

Deno.test("#13: observedState() of a compose app is undefined when nothing has changed", () => {
  const cases: [string, AppState, ObservedApp, AppState | undefined][] = [
    ["it still runs", "RUNNING", project("running running"), undefined],
    ["one has failed", "RUNNING", project("running exited:1"), "FAILED"],
    ["one was removed by hand", "RUNNING", project("running"), "PRESENT"],
    ["all have done their work", "RUNNING", project("exited:0 exited:0"), "PRESENT"],
    ["it is gone", "RUNNING", project(""), "PRESENT"],
    ["it is gone with an image", "RUNNING", project("", []), "UNINSTALLED"],
    ["somebody has started it", "PRESENT", project("running running"), "RUNNING"],
    ["a known failure", "FAILED", project("running exited:1"), undefined],
    ["what could not be started", "FAILED", project("created created"), undefined],
    ["it runs again after a failure", "FAILED", project("running running"), "RUNNING"],
    ["a transient state is left to its transition", "STARTING", project("running exited:1"), undefined],
    ["a stopped app has no project", "PRESENT", project(""), undefined],
    ["an app that is gone", "UNINSTALLED", project(""), undefined],
  ];
  for (const [name, current, observed, expected] of cases) {
    assert.equal(observedState(current, observed, { compose: folder }), expected, name);
  }
});
