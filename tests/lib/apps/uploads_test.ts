import assert from "node:assert/strict";
import { FakeDevice } from "../../fakes/fake_device.ts";

const part = { fileName: "shop.tgz", containerName: "dev_7_shop", totalBytes: 2, id: "a" };

Deno.test("an upload that fails makes an app that waits for it REMOVED, and no other", async () => {
  for (const current of ["TRANSFERING", "DELETING"]) {
    await using device = new FakeDevice();
    await device.request("RUNNING", { stage: "DEV", current_state: current });
    device.studio.clear();
    await device.apps.writeData({ ...part, chunk: "BEGIN" });
    await assert.rejects(device.apps.writeData({ ...part, chunk: "6" }), { code: "bad_request" });
    await device.advance(1_000);
    const reports = current === "TRANSFERING" ? ["REMOVED"] : [];
    assert.deepEqual(device.studio.entries, ['"Received first package on device!"', ...reports]);
  }
});
