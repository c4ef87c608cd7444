import assert from "node:assert/strict";
import { debugLineQuota, LineLimits, lineQuota } from "../../../lib/log/line_limits.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

Deno.test("#6: LineLimits writes so many lines with the same message, and the next one says how many are missing", async () => {
  const clock = new FakeClock();
  const limits = new LineLimits(clock);
  const write = (kind: Parameters<LineLimits["run"]>[0], times: number) => {
    const written: object[] = [];
    for (let count = 0; count < times; count += 1) limits.run(kind, (omitted) => void written.push(omitted));
    return written;
  };
  const flood = { level: "warn", message: "Refused an invocation" } as const;
  assert.equal(write(flood, lineQuota.lines + 7).length, lineQuota.lines);
  assert.deepEqual(write({ level: "warn", message: "Connected" }, 1), [{}], "others are not affected");
  assert.deepEqual(write({ ...flood, level: "error" }, 1), [{}]);
  assert.equal(write({ ...flood, level: "debug" }, 10_000).length, debugLineQuota.lines);
  assert.equal(write({ ...flood, level: "fatal" }, 2_000).length, 2_000);
  await clock.advance(lineQuota.perMs);
  assert.deepEqual(write(flood, 1), [{ omitted: 7 }]);
});

Deno.test("#6: LineLimits remembers a bounded number of messages, and limits the others together", () => {
  const limits = new LineLimits(new FakeClock());
  let written = 0;
  for (let number = 0; number < 5_000; number += 1) {
    limits.run({ level: "info", message: `Message ${number}` }, () => written += 1);
  }
  assert.ok(written < 600 + lineQuota.lines, `${written}`);
});
