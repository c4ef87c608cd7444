import assert from "node:assert/strict";
import type { AppState } from "../../../../lib/model/app.ts";
import {
  correctedState,
  type Found,
  observedState,
  wasKilledOutside,
} from "../../../../lib/apps/watch/observed_state.ts";

const none: Found = { status: undefined, hasImage: false, run: "", exitCode: 0, wasKilled: false };
const image: Found = { ...none, hasImage: true };
const container = (status: string): Found => ({ ...image, status, run: "a 1" });

Deno.test("correctedState() goes by what the engine has", () => {
  const cases: [string, AppState, Found, AppState][] = [
    ["no container, image: a cut download", "DOWNLOADING", image, "PRESENT"],
    ["no container, no image: a cut download", "DOWNLOADING", none, "REMOVED"],
    ["no container, image: a cut update", "UPDATING", image, "PRESENT"],
    ["no container, no image: a cut update", "UPDATING", none, "REMOVED"],
    ["no container, no image: uninstalled before", "UNINSTALLED", none, "UNINSTALLED"],
    ["no container, image: uninstalled before", "UNINSTALLED", image, "PRESENT"],
    ["no container, no image: anything else", "RUNNING", none, "REMOVED"],
    ["no container, image: it ran", "RUNNING", image, "PRESENT"],
    ["no container, image: it had failed", "FAILED", image, "PRESENT"],
    ["no container, image: a cut removal", "DELETING", image, "PRESENT"],
    ["container: a cut download", "DOWNLOADING", container("running"), "REMOVED"],
    ["container: a cut build", "BUILDING", container("exited"), "REMOVED"],
    ["container runs: a cut update has not touched it", "UPDATING", container("running"), "RUNNING"],
    ["container has ended: a cut update", "UPDATING", container("exited"), "FAILED"],
    ["container runs: a cut start", "STARTING", container("running"), "RUNNING"],
    ["container was only created: a cut start", "STARTING", container("created"), "PRESENT"],
    ["container has ended: a cut stop", "STOPPING", container("exited"), "FAILED"],
    ["container has ended: it ran", "RUNNING", container("exited"), "FAILED"],
    ["container is dead: it ran", "RUNNING", container("dead"), "FAILED"],
    ["container restarts: it ran", "RUNNING", container("restarting"), "FAILED"],
    ["container is paused: it counts as running", "RUNNING", container("paused"), "RUNNING"],
    ["container is paused: it had failed", "FAILED", container("paused"), "RUNNING"],
    ["container is being removed", "DELETING", container("removing"), "STOPPING"],
    ["a word that nobody knows says nothing", "RUNNING", container("dreaming"), "RUNNING"],
  ];
  for (const [name, current, found, expected] of cases) assert.equal(correctedState(current, found), expected, name);
});

Deno.test("observedState() tells only what is news", () => {
  const cases: [string, AppState, Found, AppState | undefined][] = [
    ["it still runs", "RUNNING", container("running"), undefined],
    ["it has ended", "RUNNING", container("exited"), "FAILED"],
    ["it is dead", "RUNNING", container("dead"), "FAILED"],
    ["it is paused", "RUNNING", container("paused"), undefined],
    ["it is being removed", "RUNNING", container("removing"), undefined],
    ["somebody has started it", "PRESENT", container("running"), "RUNNING"],
    ["somebody has started it after a failure", "FAILED", container("running"), "RUNNING"],
    ["a failure that is known", "FAILED", container("exited"), undefined],
    ["a container that could not be started", "FAILED", container("created"), undefined],
    ["it was removed by hand", "RUNNING", image, "PRESENT"],
    ["it was removed by hand with its image", "RUNNING", none, "REMOVED"],
    ["a failed app has no container", "FAILED", image, undefined],
    ["a stopped app has no container", "PRESENT", image, undefined],
    ["a passing state is left to who is at it", "STARTING", container("exited"), undefined],
    ["a word that nobody knows", "RUNNING", container("dreaming"), undefined],
  ];
  for (const [name, current, found, expected] of cases) assert.equal(observedState(current, found), expected, name);
});

Deno.test("wasKilledOutside() tells a kill from an exit of one's own and from a lack of memory", () => {
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
