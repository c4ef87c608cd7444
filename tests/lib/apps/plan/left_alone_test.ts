import assert from "node:assert/strict";
import {
  judgeWork,
  leftAloneMs,
  leftAloneText,
  type UnfinishedWork,
  type WorkVerdict,
} from "../../../../lib/apps/plan/left_alone.ts";

const begunOnce: UnfinishedWork = { what: "deleting its data", bootId: "boot", begun: 1, beganAtMs: 1_000 };
const hour = leftAloneMs;

const table: [given: string, unfinished: UnfinishedWork | undefined, uptimeMs: number, verdict: WorkVerdict][] = [
  ["nothing unfinished", undefined, 0, { kind: "go", begun: 1, isSuspect: false }],
  ["one end of the process", begunOnce, 2_000, { kind: "go", begun: 2, isSuspect: true }],
  ["two ends", { ...begunOnce, begun: 2 }, 2_000, { kind: "leave", forMs: hour - 1_000 }],
  ["two ends, shortly before the hour is over", { ...begunOnce, begun: 2 }, hour, { kind: "leave", forMs: 1_000 }],
  ["two ends, an hour later", { ...begunOnce, begun: 2 }, hour + 1_000, { kind: "go", begun: 3, isSuspect: true }],
  ["three ends", { ...begunOnce, begun: 3, beganAtMs: hour }, hour + 1, { kind: "leave", forMs: hour - 1 }],
  ["a power loss", { ...begunOnce, bootId: "earlier" }, 2_000, { kind: "go", begun: 1, isSuspect: false }],
  ["two ends before a power loss", { ...begunOnce, bootId: "earlier", begun: 2 }, 0, {
    ...{ kind: "go", begun: 1, isSuspect: false },
  }],
];

for (const [given, unfinished, uptimeMs, verdict] of table) {
  Deno.test(`#1: judgeWork() after ${given}: ${verdict.kind}`, () => {
    assert.deepEqual(judgeWork(unfinished, { bootId: "boot", uptimeMs }), verdict);
  });
}

Deno.test("leftAloneText() tells what the agent has ended in, and when it tries again", () => {
  assert.equal(
    leftAloneText({ ...begunOnce, begun: 2 }, hour - 1_000),
    "The agent has ended 2 times while deleting its data, and leaves this app alone; it tries again in 60 min, " +
      "or when Studio requests something of the app",
  );
  assert.match(leftAloneText(begunOnce, 1), /tries again in 1 min/);
});
