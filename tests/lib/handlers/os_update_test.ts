import assert from "node:assert/strict";
import { downloadOsUpdate, getOsRelease, installOsUpdate } from "../../../lib/handlers/os_update.ts";
import { fakeDevice } from "../../fakes/fake_handler_device.ts";

Deno.test("get_os_release has the names of the wire, and no result on a system without updates", async () => {
  assert.deepEqual(await getOsRelease(fakeDevice()), {});
  const current = { name: "FlockOS", version: "0.10.0", buildTime: "20220330" };
  const latest = { name: "", version: "0.11.0", buildTime: "" };
  const osUpdate = { readReleases: () => Promise.resolve({ current, latest }) };
  const known = {
    currentRelease: { Name: "FlockOS", Version: "0.10.0", BuildTime: "20220330" },
    latestRelease: { Name: "", Version: "0.11.0", BuildTime: "" },
  };
  assert.deepEqual(await getOsRelease(fakeDevice({ osUpdate })), { args: [known] });
  const lastUpdate = { bundle: "x.raucb", outcome: "failed" as const, why: "its signature" };
  const updated = { ...osUpdate, lastInstallation: () => Promise.resolve(lastUpdate) };
  assert.deepEqual(await getOsRelease(fakeDevice({ osUpdate: updated })), { args: [{ ...known, lastUpdate }] });
});

Deno.test("download_os_update and install_os_update answer with nothing, or with the error", async () => {
  for (const [run, step] of [[downloadOsUpdate, "download"], [installOsUpdate, "install"]] as const) {
    assert.deepEqual(await run(fakeDevice()), {});
    const osUpdate = { [step]: () => Promise.reject(new Error(`no ${step}`)) };
    await assert.rejects(run(fakeDevice({ osUpdate })), new RegExp(`no ${step}`));
  }
});
