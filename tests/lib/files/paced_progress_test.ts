import assert from "node:assert/strict";
import type { DownloadProgress } from "../../../lib/files/download.ts";
import { pacedProgress } from "../../../lib/files/paced_progress.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

Deno.test("pacedProgress() sends the first, the last, and five a second in between, and loses no byte", async () => {
  for (const fileSize of [1_000, 0]) {
    const clock = new FakeClock();
    const sent: DownloadProgress[] = [];
    const report = pacedProgress((progress) => void sent.push(progress), clock);
    for (let currentBytes = 1; currentBytes <= 1_000; currentBytes += 1) {
      report({ increment: 1, currentBytes, fileSize });
      if (currentBytes < 1_000) await clock.advance(1);
    }
    const times = sent.map(({ currentBytes }) => currentBytes);
    assert.deepEqual(times, fileSize === 0 ? [1, 201, 401, 601, 801] : [1, 201, 401, 601, 801, 1_000]);
    assert.deepEqual(sent[1], { increment: 200, currentBytes: 201, fileSize });
    if (fileSize > 0) assert.equal(sent.reduce((sum, { increment }) => sum + increment, 0), 1_000);
  }
});
