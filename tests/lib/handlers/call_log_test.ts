import assert from "node:assert/strict";
import { type LogFields, silentLog } from "../../../lib/base/log.ts";
import { createCallLog } from "../../../lib/handlers/call_log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

function createNotes(): { clock: FakeClock; lines: (LogFields | undefined)[]; note: (call: number) => void } {
  const clock = new FakeClock();
  const lines: (LogFields | undefined)[] = [];
  const log = { ...silentLog, debug: (_message: string, fields?: LogFields) => void lines.push(fields) };
  const note = createCallLog({ log, clock });
  return { clock, lines, note: (call) => note(() => ({ call })) };
}

Deno.test("createCallNotes() notes every call of a person", async () => {
  const { clock, lines, note } = createNotes();
  for (let call = 1; call <= 20; call += 1) {
    note(call);
    await clock.advance(250);
  }
  assert.deepEqual(lines, Array.from({ length: 20 }, (_, index) => ({ call: index + 1 })));
});

Deno.test("createCallNotes() counts what a flood is cut by, and makes no fields for it", async () => {
  const { clock, lines, note } = createNotes();
  for (let call = 1; call <= 4_000; call += 1) note(call);
  assert.deepEqual(lines, [1, 2, 3, 4, 5].map((call) => ({ call })));
  await clock.advance(1_000);
  note(4_001);
  note(4_002);
  assert.deepEqual(lines.slice(5), [{ call: 4_001, leftOut: 3_995 }, { call: 4_002 }]);
});
