import assert from "node:assert/strict";
import { type LastUpdate, lastUpdateAtStart, UpdateRecordFile } from "../../../lib/self_update/update_record.ts";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";

const ready: LastUpdate = { from: "1.0.0", to: "1.1.0", outcome: "ready", why: "" };

Deno.test("lastUpdateAtStart() follows from which version was started", () => {
  const failed: LastUpdate = { ...ready, outcome: "failed", why: "no space" };
  const updated: LastUpdate = { ...ready, outcome: "updated" };
  const back = lastUpdateAtStart(updated, "1.0.0");
  const cases: [name: string, last: LastUpdate, running: string, expected: LastUpdate][] = [
    ["the new one", ready, "1.1.0", updated],
    ["the old one again, before the switch", ready, "1.0.0", ready],
    ["another one", ready, "1.2.0", ready],
    ["the new one again", updated, "1.1.0", updated],
    ["after a failure", failed, "1.0.0", failed],
    ["the old one after a roll-back", back, "1.0.0", back],
  ];
  for (const [name, last, running, expected] of cases) {
    assert.equal(lastUpdateAtStart(last, running).outcome, expected.outcome, name);
  }
  assert.deepEqual(back, {
    ...ready,
    outcome: "rolledBack",
    why: "Version 1.1.0 has run, and 1.0.0 was started again",
  });
});

Deno.test("a record that the disk does not give out is neither taken for empty nor replaced", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/self_update.json`;
  // Reading a folder fails, and says nothing of what was there.
  await Deno.mkdir(path);
  const file = new UpdateRecordFile({ path, log: silentLog });
  const isFailure = (error: unknown) =>
    hasCode(error, "io_failed") && /^Cannot read what was noted/.test(error.message);
  await assert.rejects(() => file.readNewestIndex(), isFailure);
  await assert.rejects(() => file.change({ newestIndex: 7 }), isFailure);
  assert.deepEqual(await file.read(), { newestIndex: 0 }, "what is shown does not fail");
  await Deno.remove(path);
  assert.equal(await file.readNewestIndex(), 0);
  await file.change({ newestIndex: 7 });
  assert.equal(await file.readNewestIndex(), 7);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("UpdateRecordFile changes parts, also at the same time, and survives what it cannot read", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/self_update.json`;
  const file = new UpdateRecordFile({ path, log: silentLog });
  assert.deepEqual(await file.read(), { newestIndex: 0 });
  await Promise.all([file.change({ newestIndex: 7 }), file.change({ last: ready })]);
  assert.deepEqual(await new UpdateRecordFile({ path, log: silentLog }).read(), { newestIndex: 7, last: ready });
  for (const text of ["", "{", "[]", '{"newestIndex": -1}', "\0\0\0"]) {
    await Deno.writeTextFile(path, text);
    assert.deepEqual(await file.read(), { newestIndex: 0 }, text);
  }
  await Deno.writeTextFile(path, JSON.stringify({ newestIndex: 7, last: { ...ready, outcome: "great" } }));
  assert.deepEqual(await file.read(), { newestIndex: 7 });
  await Deno.remove(folder, { recursive: true });
});
