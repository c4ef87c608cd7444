import assert from "node:assert/strict";
import { type ChangeRecord, ChangeRecordFile, decodeChangeRecord } from "../../../lib/network/change_record.ts";
import { silentLog } from "../../../lib/base/log.ts";

const record: ChangeRecord = {
  phase: "trying",
  method: "update_ipv4_config",
  interfaceName: "e0",
  profile: "11111111-1111-4111-8111-111111111111",
  switchOver: { kind: "activate", accessPointMac: "00:11:22:33:44:55" },
  instance: ":1.5",
  checkpoint: "/org/freedesktop/NetworkManager/Checkpoint/1",
  undo: {
    profile: "11111111-1111-4111-8111-111111111111",
    ipv4: { method: "manual", addresses: [{ address: "10.0.0.5", prefix: 24 }], gateway: "10.0.0.1", nameServers: [1] },
  },
};

Deno.test("a change is read as it was written, and what is no change is none", () => {
  assert.deepEqual(decodeChangeRecord(JSON.stringify(record)), record);
  const ended: ChangeRecord = { ...record, phase: "ended", outcome: "reverted", error: "why" };
  assert.deepEqual(decodeChangeRecord(JSON.stringify(ended)), ended);
  for (const text of ["", "{", "[]", "null", "{}", JSON.stringify({ ...record, phase: "x" })]) {
    assert.equal(decodeChangeRecord(text), undefined, text);
  }
  for (const key of ["phase", "method", "interfaceName", "profile", "switchOver", "instance"]) {
    assert.equal(decodeChangeRecord(JSON.stringify({ ...record, [key]: 5 })), undefined, key);
  }
});

Deno.test("the file is there from the first write until it is removed, and a damaged one counts as none", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = new ChangeRecordFile({ path: `${folder}/change.json`, log: silentLog });
    assert.equal(await file.read(), undefined);
    await file.write(record);
    assert.deepEqual(await file.read(), record);
    assert.equal(((await Deno.stat(`${folder}/change.json`)).mode ?? 0) & 0o777, 0o600);
    await Deno.writeTextFile(`${folder}/change.json`, '{"phase');
    assert.equal(await file.read(), undefined);
    await file.remove();
    await file.remove();
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
