import assert from "node:assert/strict";
import { type LogFields, silentLog } from "../../../lib/base/log.ts";
import { type CallOutcome, createCallLog } from "../../../lib/handlers/call_log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

type Line = LogFields & { message: string };

function openCallLog() {
  const clock = new FakeClock();
  const lines: Line[] = [];
  const write = (message: string, fields: LogFields = {}) => void lines.push({ message, ...fields });
  const logCall = createCallLog({ log: { ...silentLog, debug: write, warn: write }, clock });
  const call = (number: number, outcome: CallOutcome = "answered", caller = "77") => {
    logCall(outcome, caller, () => ({ call: number }));
  };
  return { clock, lines, call };
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

Deno.test("#6: refused calls at 3,000 a second leave five lines a minute", async () => {
  const { clock, lines, call } = openCallLog();
  for (let second = 0; second < 120; second += 1) {
    for (let number = 0; number < 3_000; number += 1) call(number, "refused");
    await clock.advance(1_000);
  }
  assert.equal(lines.length, 10);
  assert.deepEqual(lines[5], { message: "Refused a call", call: 0, omitted: { "77": 179_995 } });
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
  call(0, "refused");
  const omitted = lines.at(-1)?.omitted;
  assert.equal(Object.keys(Object(omitted)).length, 11);
  assert.equal(Object(omitted).others, 990);
});
