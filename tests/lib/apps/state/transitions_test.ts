import assert from "node:assert/strict";
import { type AppState, appStates } from "../../../../lib/model/app.ts";
import {
  growsDisk,
  isTransient,
  stableTarget,
  stateOfContainer,
  transitionOf,
} from "../../../../lib/apps/state/transitions.ts";

Deno.test("transitionOf() knows what lies outside the matrix", () => {
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
