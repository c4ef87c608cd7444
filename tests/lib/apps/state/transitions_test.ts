import assert from "node:assert/strict";
import { type AppState, appStates } from "../../../../lib/model/app.ts";
import {
  growsDisk,
  isTransient,
  stableTarget,
  stateOfContainer,
  targetStates,
  transitionOf,
} from "../../../../lib/apps/state/transitions.ts";

/** The contract, row by row: PRESENT, RUNNING, BUILT, PUBLISHED, REMOVED, UNINSTALLED; `-` means no transition. */
const contract: Record<string, string> = {
  REMOVED: "install run build publish no-action uninstall",
  UNINSTALLED: "install run build publish - no-action",
  PRESENT: "no-action run build publish remove uninstall",
  FAILED: "recover-present recover-run build publish remove uninstall",
  BUILT: "no-action run build publish remove uninstall",
  PUBLISHED: "no-action run build publish remove uninstall",
  STOPPED: "- run build publish remove uninstall",
  RUNNING: "stop no-action stop remove-and-publish remove uninstall",
  STARTING: "stop run - - remove uninstall",
  STOPPING: "stop run - - remove uninstall",
  DELETING: "- - - - remove uninstall",
  DOWNLOADING: "install - - - cancel-pull cancel-pull",
  UPDATING: "cancel-update - - - cancel-update cancel-update",
  BUILDING: "- - - - cancel-build cancel-build",
  PUBLISHING: "- - - - cancel-push cancel-push",
  TRANSFERED: "install - - - remove uninstall",
  TRANSFERING: "cancel-transfer - - - cancel-transfer cancel-transfer",
};

Deno.test("transitionOf() follows the contract, cell by cell", () => {
  assert.deepEqual(Object.keys(contract).sort(), [...appStates].sort());
  for (const current of appStates) {
    const cells = targetStates.map((target) => transitionOf(current, target) ?? "-");
    assert.equal(cells.join(" "), contract[current], current);
  }
  assert.equal(transitionOf("STOPPED", "STOPPED"), "no-action");
  assert.equal(transitionOf("PRESENT", "FAILED"), undefined);
});

Deno.test("stableTarget() maps transient states to the ones they lead to, and stable states to themselves", () => {
  const transient: Partial<Record<AppState, AppState>> = {
    BUILDING: "PRESENT",
    TRANSFERED: "PRESENT",
    TRANSFERING: "PRESENT",
    DOWNLOADING: "PRESENT",
    PUBLISHING: "PRESENT",
    UPDATING: "PRESENT",
    STOPPING: "PRESENT",
    DELETING: "REMOVED",
    STARTING: "RUNNING",
  };
  for (const state of appStates) {
    assert.equal(stableTarget(state), transient[state] ?? state, state);
    assert.equal(stableTarget(stableTarget(state)), stableTarget(state));
  }
});

Deno.test("isTransient() and growsDisk() hold for the states of the contract", () => {
  assert.deepEqual(appStates.filter(isTransient).sort(), [
    ...["BUILDING", "BUILT", "DELETING", "DOWNLOADING", "PUBLISHED", "PUBLISHING", "STARTING", "STOPPING"],
    ...["TRANSFERED", "TRANSFERING", "UPDATING"],
  ]);
  assert.deepEqual(appStates.filter(growsDisk).sort(), [
    ...["BUILDING", "BUILT", "DOWNLOADING", "PRESENT", "PUBLISHED", "PUBLISHING", "RUNNING", "UPDATING"],
  ]);
});

Deno.test("stateOfContainer() maps each status of the engine, and no other text", () => {
  const cases: [string, AppState | undefined][] = [
    ["running", "RUNNING"],
    ["created", "PRESENT"],
    ["removing", "STOPPING"],
    ["restarting", "FAILED"],
    ["exited", "FAILED"],
    ["dead", "FAILED"],
    ["paused", undefined],
    ["", undefined],
  ];
  for (const [status, expected] of cases) assert.equal(stateOfContainer(status), expected, status);
});
