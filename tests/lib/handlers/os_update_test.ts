import assert from "node:assert/strict";
import { getOsRelease } from "../../../lib/handlers/os_update.ts";
import { fakeDevice } from "../../fakes/fake_handler_device.ts";

Deno.test("get_os_release has the names of the wire, and no result on a system without updates", async () => {
  assert.deepEqual(await getOsRelease(fakeDevice()), {});
  const current = { name: "FlockOS", version: "0.10.0", buildTime: "20220330" };
  const latest = { name: "", version: "0.11.0", buildTime: "" };
  const osUpdate = { readReleases: () => Promise.resolve({ current, latest }) };
  assert.deepEqual(await getOsRelease(fakeDevice({ osUpdate })), {
    args: [{
      currentRelease: { Name: "FlockOS", Version: "0.10.0", BuildTime: "20220330" },
      latestRelease: { Name: "", Version: "0.11.0", BuildTime: "" },
    }],
  });
});
