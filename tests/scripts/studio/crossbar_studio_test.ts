// box crossbar
import assert from "node:assert/strict";
import { startStudio } from "../../../scripts/studio/start_studio.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { Crossbar } from "../../../scripts/testbed/crossbar.ts";
import { FakeWampDevice } from "../../fakes/fake_wamp_device.ts";

Deno.test("a Studio works on Crossbar.io, and rejoins after a restart of the router", async () => {
  await using crossbar = await Crossbar.start({
    users: [
      { authid: "12-345", secret: "s", role: "device" },
      { authid: "system", secret: "t", role: "system" },
    ],
  });
  await using studio = await startStudio({ foreignRouter: { url: crossbar.url, authid: "system", secret: "t" } });
  const added = studio.addDevice({ name: "edge-1", serial: "SN-1", deviceKey: 345, swarmKey: 12, secret: "s" });
  const device = await FakeWampDevice.join(studio, added);
  const testament = [{ swarm_key: 12, device_key: 345, serial_number: "SN-1", wamp_session_id: device.session.id }];
  await device.call("wamp.session.add_testament", "reswarm.api.testament_device", testament, {});
  await device.reportStatus("CONNECTED");
  studio.addRelease("shop", "1", { appKey: 42, releaseKey: 7 });
  device.onRequest = () => device.report({ state: "RUNNING" });
  const { after } = await studio.request("edge-1", "shop", { target: "RUNNING" });
  await studio.waitForReport("edge-1", { state: "RUNNING" }, { after });
  await device.session.close();
  await studio.waitForStatus("edge-1", "DISCONNECTED");

  await crossbar.restart();
  await pollUntil("the Studio is back", () => Promise.resolve(studio.backend.isJoined || undefined), {
    limitMs: 20_000,
  });
  await using again = await FakeWampDevice.join(studio, added);
  await again.reportStatus("CONNECTED");
  assert.equal(studio.device("edge-1").status, "CONNECTED");
});
