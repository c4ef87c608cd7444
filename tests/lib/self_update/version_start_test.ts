import assert from "node:assert/strict";
import { type ActivationState, newActivation } from "../../../lib/self_update/activation_state.ts";
import type { LastUpdate } from "../../../lib/self_update/update_record.ts";
import { type VersionStart, versionStart } from "../../../lib/self_update/version_start.ts";

const [old, fresh] = ["1.0.0", "1.1.0"];
const trial = newActivation({ from: old, to: fresh, needs: "engine" });
const back: ActivationState = { ...trial, phase: "rolledBack", why: "it was not connected in time" };
const record = (outcome: LastUpdate["outcome"]): LastUpdate => ({ from: old, to: fresh, outcome, why: "" });

const lost = "it did not prove itself; the reason could not be noted";
const settled = { kind: "settled" } as const;
const proven = { kind: "proven", from: old } as const;
const interrupted = { kind: "interrupted" } as const;
const rolledBack = (why: string) => ({ kind: "rolledBack", from: old, to: fresh, why }) as const;
const probation = (needs: ActivationState["needs"]) => ({ kind: "probation", from: old, needs }) as const;

type Row = [
  what: string,
  found: {
    running: string;
    program?: string | undefined;
    fallback?: string;
    state?: ActivationState;
    last?: LastUpdate;
  },
  expected: VersionStart,
];

const rows: Row[] = [
  ["a device that never updated", { running: old }, settled],
  ["the new version after the switch", { running: fresh, fallback: old, state: trial }, probation("engine")],
  ["the same, without a state", { running: fresh, fallback: old }, probation("connection")],
  [
    "the same, with the state of another",
    { running: fresh, fallback: old, state: { ...back, to: "0.9.0" } },
    probation("connection"),
  ],
  ["power loss after the fallback was made", { running: old, program: old, fallback: old }, interrupted],
  ["power loss after the state was written", { running: old, program: old, fallback: old, state: trial }, interrupted],
  [
    "power loss after the state was removed again",
    { running: old, program: old, fallback: old, last: record("ready") },
    interrupted,
  ],
  ["power loss after it had proved itself", { running: fresh, state: trial, last: record("probation") }, proven],
  ["the same, once more", { running: fresh, state: trial, last: record("updated") }, proven],
  ["the same, with a lost state", { running: fresh, last: record("probation") }, proven],
  ["long after", { running: fresh, last: record("updated") }, settled],
  ["the guard has gone back", { running: old, state: back, last: record("probation") }, rolledBack(back.why)],
  ["the new version never ran", { running: old, state: back, last: record("ready") }, rolledBack(back.why)],
  ["the guard could not note why", { running: old, state: trial, last: record("ready") }, rolledBack(lost)],
  ["the guard has lost the state", { running: old, last: record("probation") }, rolledBack(lost)],
  ["the guard cannot change links", { running: old, program: fresh, fallback: old, state: trial }, rolledBack(lost)],
  ["nor links, but the state", { running: old, program: fresh, fallback: old, state: back }, rolledBack(back.why)],
  ["it was noted already", { running: old, last: record("rolledBack") }, settled],
  ["a download that waits to be started", { running: old, last: record("ready") }, settled],
  ["somebody has started it by hand", { running: fresh, last: record("ready") }, proven],
  ["somebody has put a bad version there by hand", { running: fresh, state: back }, settled],
  ["a third version by hand", { running: "2.0.0", state: trial, last: record("probation") }, settled],
  ["a third version by hand on probation", { running: "2.0.0", fallback: old, state: trial }, probation("connection")],
];

Deno.test("versionStart() says what a start means", () => {
  for (const [what, { running, program = running, fallback, state, last }, expected] of rows) {
    assert.deepEqual(versionStart({ running, links: { program, fallback }, state, last }), expected, what);
  }
});
