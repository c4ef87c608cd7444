import assert from "node:assert/strict";
import { LineQuota } from "../../../lib/async/line_quota.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

Deno.test("#6: LineQuota lets a few lines through in a period, and counts the others", async () => {
  const clock = new FakeClock();
  const quota = new LineQuota({ lines: 2, perMs: 1_000 }, clock);
  const written: object[] = [];
  const line = () => quota.run((omitted) => void written.push(omitted));
  for (let count = 0; count < 5; count += 1) line();
  await clock.advance(999);
  line();
  assert.deepEqual(written, [{}, {}]);
  await clock.advance(1);
  for (let count = 0; count < 3; count += 1) line();
  assert.deepEqual(written, [{}, {}, { omitted: 4 }, {}]);
});
