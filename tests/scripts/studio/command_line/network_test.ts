import assert from "node:assert/strict";
import { AgentError } from "../../../../lib/base/errors.ts";
import { parseJson } from "../../../../lib/base/json.ts";
import { StudioProcess } from "./studio_process.ts";

const eth0 = {
  ...{ interfaceName: "eth0", mac: "02:00:00:00:00:01", method: "auto" },
  ...{ ipv4: [{ Address: "10.0.0.5", Prefix: 24 }], ipv6: [] },
};

Deno.test("network list, set and revert print what the device has, and whether it keeps a change", async () => {
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  await studio.run("device", "add", "edge-1", "--serial", "SN-1");
  await using device = await studio.joinAs(parseJson(await Deno.readTextFile(`${studio.folder}/edge-1.flock`)));
  const home = { ssid: "home\u001b[2J", security: "WPA2", signal: 70, mac: "02:00:00:00:00:02", known: true };
  await device.answer("list_ethernet_devices", () => ({ args: [eth0] }));
  await device.answer("list_wifi_networks", () => ({ args: [{ ...home, current: true }, { ssid: "guest" }] }));
  const { code, output } = await studio.run("network", "list", "edge-1");
  assert.equal(code, 0);
  assert.match(output, /^INTERFACE {2}MAC +METHOD {2}ADDRESSES\neth0 +02:00:00:00:00:01 {2}auto +10\.0\.0\.5\/24\n\n/);
  assert.match(output, /\nhome\\x1b\[2J {2}WPA2 +70 +02:00:00:00:00:02 {2}in use\nguest\n$/);

  const changes: unknown[] = [];
  let outcome: Record<string, unknown> = { method: "update_ipv4_config", interfaceName: "eth0", outcome: "kept" };
  await device.answer("update_ipv4_config", ({ args }) => {
    changes.push(args[0]);
    setTimeout(() => device.session.publish("re.mgmt.SN-1.network_change", [outcome]), 50);
    return {};
  });
  const kept = await studio.run("network", "set", "edge-1", "eth0", "10.0.0.7/24");
  assert.deepEqual([kept.code, kept.output, kept.errors], [0, "kept\n", ""]);
  outcome = { ...outcome, outcome: "reverted", error: "the router could not be reached over the new network" };
  const undone = await studio.run("network", "revert", "edge-1", "eth0");
  assert.deepEqual([undone.code, undone.errors], [1, `reverted: ${outcome.error}\n`]);
  const { mac, interfaceName } = eth0;
  assert.deepEqual(changes, [
    { method: "manual", ipv4: "10.0.0.7", prefix: 24, mac, interfaceName },
    { method: "auto", mac, interfaceName },
  ]);

  const missing = await studio.run("network", "set", "edge-1", "eth9", "10.0.0.7/24");
  assert.deepEqual([missing.code, missing.errors], [1, 'edge-1 has no Ethernet device "eth9"\n']);
  assert.equal((await studio.run("network", "set", "edge-1", "eth0", "10.0.0.7")).code, 2);
  await device.answer("update_ipv4_config", () => ({}));
  const silent = await studio.run("network", "revert", "edge-1", "eth0", "--wait", "1");
  assert.equal(silent.code, 1);
  assert.match(silent.errors, /^edge-1 has not told yet whether the change is kept/);
  await device.answer("update_ipv4_config", () => {
    throw new AgentError(
      "bad_request",
      "Cannot set the address 10.9.0.1/24: the gateway 10.0.0.1 is outside this network",
    );
  });
  const refused = await studio.run("network", "set", "edge-1", "eth0", "10.9.0.1/24");
  assert.deepEqual([refused.code, refused.output], [1, ""]);
  assert.match(refused.errors, /^Cannot set the address 10\.9\.0\.1\/24: the gateway/);
});
