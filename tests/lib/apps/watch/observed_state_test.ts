import assert from "node:assert/strict";
import type { ObservedApp } from "../../../../lib/apps/state/observed_app.ts";
import type { AppState } from "../../../../lib/model/app.ts";
import { correctedState, observedState, wasKilledOutside } from "../../../../lib/apps/watch/observed_state.ts";

const none: ObservedApp = { containers: [], tags: [] };
const image: ObservedApp = { containers: [], tags: ["1"] };
const container = (status: string): ObservedApp => ({
  ...image,
  containers: [{ id: "a", name: "prod_7_shop", status }],
});

Deno.test("correctedState() follows what the engine has", () => {
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
