import assert from "node:assert/strict";
import { type LogFields, silentLog } from "../../../lib/base/log.ts";
import { type CallOutcome, createCallLog } from "../../../lib/handlers/call_log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

type Line = LogFields & { message: string };

function openCallLog() {
  const clock = new FakeClock();
  const lines: Line[] = [];
  const write = (message: string, fields: LogFields = {}) => void lines.push({ message, ...fields });
  const life = new AbortController();
  const log = { ...silentLog, debug: write, warn: write };
  const logCall = createCallLog({ procedure: "test", log, clock, life: life.signal });
  const call = (number: number, outcome: CallOutcome = "answered", caller = "77") => {
    logCall(outcome, caller, () => ({ call: number }));
  };
  return { clock, lines, call, life };
}

const message = "Answered a call";

Deno.test("createCallLog() logs every call of a person", async () => {
  const { clock, lines, call } = openCallLog();
  for (let number = 1; number <= 20; number += 1) {
    call(number);
    await clock.advance(250);
  }
  assert.deepEqual(lines, Array.from({ length: 20 }, (_, index) => ({ message, call: index + 1 })));
});

Deno.test("createCallLog() counts the calls of a flood by caller, and makes no fields for them", async () => {
  const { clock, lines, call } = openCallLog();
  for (let number = 1; number <= 4_000; number += 1) call(number);
  call(4_001, "answered", "78");
  assert.deepEqual(lines, [1, 2, 3, 4, 5].map((number) => ({ message, call: number })));
  await clock.advance(1_000);
  call(4_002);
  call(4_003);
  const omitted = { "77": 3_995, "78": 1 };
  assert.deepEqual(lines.slice(5), [{ message, call: 4_002, omitted }, { message, call: 4_003 }]);
});

Deno.test("#6: refused calls at 3,000 a second leave five lines a minute, and one with the number of the others", async () => {
  const { clock, lines, call } = openCallLog();
  for (let second = 0; second < 120; second += 1) {
    for (let number = 0; number < 3_000; number += 1) call(number, "refused");
    await clock.advance(1_000);
  }
  const omitted = { message: "Refused further calls", procedure: "test", omitted: { "77": 179_995 } };
  assert.equal(lines.length, 12);
  assert.deepEqual(lines[5], omitted);
  assert.deepEqual(lines[6], { message: "Refused a call", call: 0 });
  assert.deepEqual(lines[11], omitted);
});

Deno.test("#6: failures, refusals and answers do not use up each other's lines", () => {
  const { lines, call } = openCallLog();
  for (const outcome of ["answered", "failed", "refused"] as const) {
    for (let number = 0; number < 100; number += 1) call(number, outcome);
  }
  assert.deepEqual(
    lines.map((line) => line.message),
    ["Answered a call", "A call failed", "Refused a call"].flatMap((text) => [text, text, text, text, text]),
  );
});

Deno.test("#6: callers that invent names are counted together", async () => {
  const { clock, lines, call } = openCallLog();
  for (let number = 0; number < 1_005; number += 1) call(number, "refused", `caller ${number}`);
  await clock.advance(60_000);
  const omitted = lines.at(-1)?.omitted;
  assert.equal(Object.keys(Object(omitted)).length, 11);
  assert.equal(Object(omitted).others, 990);
});

Deno.test("change 1.6: failed calls beyond five a minute are counted in one line at its end, refused ones apart", async () => {
  const { clock, lines, call, life } = openCallLog();
  for (let number = 0; number < 7; number += 1) call(number, "failed");
  await clock.advance(59_999);
  for (let number = 0; number < 9; number += 1) call(number, "refused");
  assert.equal(lines.length, 10);
  await clock.advance(1);
  assert.deepEqual(lines.slice(10), [{ message: "Further calls failed", procedure: "test", omitted: { "77": 2 } }]);
  call(0, "failed");
  await clock.advance(60_000);
  assert.deepEqual(lines.slice(11), [
    { message: "A call failed", call: 0 },
    { message: "Refused further calls", procedure: "test", omitted: { "77": 4 } },
  ]);
  for (let number = 0; number < 9; number += 1) call(number, "failed");
  assert.equal(clock.sleeping, 1);
  life.abort();
  assert.equal(clock.sleeping, 0, "nothing waits after the end of the agent");
});
