import assert from "node:assert/strict";
import type { PortRule } from "../../../lib/model/app.ts";
import { decodePortRules } from "../../../lib/model/port_rule.ts";
import { createBackend } from "../../../lib/backend/backend.ts";
import type { Wire } from "../../../lib/wamp/wire.ts";
import { startStudio } from "../../../scripts/studio/start_studio.ts";
import { FakeWampDevice, sampleStats } from "../../fakes/fake_wamp_device.ts";

Deno.test("the agent's backend calls and the Studio's answers understand each other", async () => {
  await using studio = await startStudio();
  const added = studio.addDevice({ name: "edge-1", deviceKey: 345, swarmKey: 12, appCredKey: "cred" });
  await using device = await FakeWampDevice.join(studio, added);
  const { session } = device;
  const wire: Pick<Wire, "call" | "sessionId"> = {
    sessionId: session.id,
    call: (procedure, args, options) => session.call(procedure, args, options),
  };
  const identity = () => ({ deviceKey: 345, swarmKey: 12, serialNumber: added.serial });
  const backend = createBackend(Object.assign(Object.create(null), wire), identity);

  const names = { name: "edge-1", swarmName: "local", swarmOwnerName: "owner", swarmKey: 12 };
  assert.deepEqual(await backend.readDeviceMetadata(), names);
  assert.equal(await backend.getAppCredKey(), "cred");
  assert.deepEqual(await backend.updateDeviceStatus({ status: "CONNECTED", stats: sampleStats }), {
    baseUrl: "http://127.0.0.1",
  });
  assert.equal(studio.device("edge-1").tunnelCapable, undefined);
  await backend.updateDeviceArchitecture({ arch: "arm", variant: "v7", os: "linux", agentVersion: "1" });
  assert.equal(await backend.checkPrivilege({ privilege: "DEVELOP", requestor: 1 }), true);
  assert.equal(await backend.checkPrivilege({ privilege: "READ", requestor: 77 }), false);
  assert.match(await backend.getRegistryToken(1), /^studio-/);

  studio.addRelease("shop", "1", { appKey: 42, releaseKey: 7 });
  await studio.request("edge-1", "shop", { target: "RUNNING", ports: [{ port: 80 }] });
  assert.equal((await backend.getRequestedAppStates()).length, 1);
  const id = { appKey: 42, stage: "PROD" } as const;
  const ports: PortRule[] = decodePortRules(studio.apps("edge-1")[0]?.ports).rules;
  await backend.savePorts({ id, ports: ports.map((rule) => ({ ...rule, hostPort: 40_001 })), others: [] });
  assert.equal(studio.apps("edge-1")[0]?.ports[0]?.host_port, 40_001);
  const report = { requestorAccountKey: 1, releaseKey: 7, requestUpdate: false, releaseBuild: false } as const;
  await backend.reportAppState({ id, state: "RUNNING", updateStatus: "", ...report });
  assert.equal(studio.apps("edge-1")[0]?.current, "RUNNING");
  assert.deepEqual(await backend.matchSubscription(`reswarm.logs.${added.serial}.y`), []);
});
