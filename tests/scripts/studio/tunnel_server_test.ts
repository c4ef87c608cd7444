// box frp
/** The Studio's tunnel server with the real client of a device. */

import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { tunnelProxy } from "../../../lib/tunnels/tunnel_proxy.ts";
import { exposePort } from "../../../scripts/studio/exposed_ports.ts";
import { startStudio } from "../../../scripts/studio/start_studio.ts";
import { frpsPorts } from "../../../scripts/testbed/frps.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { never, readAll, servePage, TunnelFixture } from "../../contract/tunnel_fixture.ts";

const tunnels = { port: 7_400, httpPort: frpsPorts.http, httpsPort: frpsPorts.https };

Deno.test("the Studio's tunnel server opens what was granted to a device, and nothing else", async () => {
  await using studio = await startStudio({ tunnels });
  assert.equal(studio.tunnels?.options.domain, "localhost");
  const [one, other] = [studio.addDevice({ name: "edge-1" }), studio.addDevice({ name: "edge-2" })];
  const remotePort = exposePort(studio.store, one.deviceKey, { port: 0, protocol: "tcp", isReserved: false });
  const foreign = exposePort(studio.store, other.deviceKey, { port: 0, protocol: "tcp", isReserved: false });
  await using page = servePage("hello");
  await using device = await TunnelFixture.start({ site: { deviceKey: one.deviceKey, secret: one.secret } });
  const place = { localIp: "", localPort: page.port };
  const proxy = (deviceKey: number, port: number, options: { protocol: "http" | "tcp"; remotePort: number }) =>
    tunnelProxy({ deviceKey, appName: "shop", port, protocol: options.protocol }, {
      ...place,
      remotePort: options.remotePort,
    });
  const own = [
    proxy(one.deviceKey, 80, { protocol: "http", remotePort: 0 }),
    proxy(one.deviceKey, 81, { protocol: "tcp", remotePort }),
  ];
  const stolen = [
    proxy(other.deviceKey, 80, { protocol: "http", remotePort: 0 }),
    proxy(one.deviceKey, 82, { protocol: "tcp", remotePort: foreign }),
  ];
  await device.tunnels.change({ put: [...own, ...stolen] }, never);
  for (const granted of own) await device.untilActive(granted);
  const host = `Host: ${own[0]?.subdomain}.localhost`;
  for (const port of [tunnels.httpPort, remotePort]) assert.match(await ask(port, host), /hello/);
  const states = await device.tunnels.readStates(never);
  const refused = states.filter(({ active }) => !active).map(({ error_message: text }) => text).sort();
  assert.equal(refused.length, 2);
  assert.match(refused[0] ?? "", /not one of this device/);
  assert.match(refused[1] ?? "", /not granted/);

  const isTaken = (error: unknown) => hasCode(error, "start_failed") && /port 7400 is in use/.test(String(error));
  await assert.rejects(startStudio({ tunnels }), isTaken);
});

Deno.test("the Studio's tunnel server lets nobody in without a device's secret, and ends with the Studio", async () => {
  {
    await using studio = await startStudio({ tunnels });
    const { deviceKey } = studio.addDevice({ name: "edge-1" });
    await using device = await TunnelFixture.start({ site: { deviceKey, secret: "guessed" } });
    await pollUntil("the login is refused", async () => {
      return (await device.readClientLog()).includes("the proof is not that of a device") || undefined;
    });
  }
  await assert.rejects(Deno.connect({ port: tunnels.port }), Deno.errors.ConnectionRefused);
});

async function ask(port: number, host: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`GET / HTTP/1.0\r\n${host}\r\n\r\n`));
  return await readAll(connection);
}
