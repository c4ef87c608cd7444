// box engine registry crossbar frp
/** An app is reached through the tunnel server, with a real client that does not outlive the agent. */

import assert from "node:assert/strict";
import { isDict } from "../../lib/base/json.ts";
import { mustRun } from "../../scripts/programs.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { Frps, frpsDomain } from "../../scripts/testbed/frps.ts";
import { partsFolder } from "../../scripts/testbed/setup/folder.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { SecurePage } from "../contract/secure_page.ts";
import { clientsOf, readAll, readPage } from "../contract/tunnel_fixture.ts";
import { AgentFixture } from "./agent_fixture.ts";

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

/** The bar is a second; a busy machine gets more. */
const reachableMs = 4_000;

/** How soon a tunnel has to work again after its client was killed. */
const backMs = 4_000;

const subdomain = "1-shop-80";

Deno.test("an app is reached through the tunnel server, whatever happens to client, server and agent", async (t) => {
  // The client writes its own log to a fixed place.
  await mustRun("mount", ["-t", "tmpfs", "log", "/var/log"]);
  await using fixture = await AgentFixture.start();
  let isAccepted = true;
  await using frps = await Frps.start({ check: () => isAccepted });
  await using page = await SecurePage.serve(`secure-1-shop-443.${frpsDomain}`, "hello over TLS");
  await fixture.publish("shop", "1", { runs: programOf(page) });
  const device = fixture.addDevice();
  assert.equal(device.deviceKey, 1);
  await using agent = await fixture.startAgent(device);
  // An agent from source brings no client with it.
  await Deno.copyFile(partsFolder().frpc, `${agent.folder}/frpc`);
  await fixture.studio.waitForStatus(device, "CONNECTED");

  await t.step("as soon as it runs, in all four ways", () => reachAll({ fixture, device, page }));

  await t.step("soon after its client was killed", async () => {
    for (let time = 0; time < (isNightly ? 20 : 1); time += 1) {
      const [client] = await untilClients(agent, 1);
      if (client !== undefined) Deno.kill(client, "SIGKILL");
      const tookMs = await untilReachable();
      assert.ok(tookMs < backMs, `kill ${time + 1}: reached after ${Math.round(tookMs)} ms`);
    }
  });

  await t.step("after the server was away, has refused the proof, and has answered late", async () => {
    await frps.stop();
    if (isNightly) await sleep(30_000);
    isAccepted = false;
    frps.loginDelayMs = 1_000;
    const before = frps.logins.length;
    await frps.start();
    await pollUntil("the client has tried", () => Promise.resolve(frps.logins.length > before || undefined), {
      limitMs: 45_000,
    });
    assert.equal(await isReached(), undefined);
    isAccepted = true;
    await untilReachable({ limitMs: 45_000 });
    frps.loginDelayMs = 0;
    await untilClients(agent, 1);
  });

  await t.step("after the agent was killed, and has started again", async () => {
    await agent.kill();
    await untilClients(agent, 0);
    agent.start();
    await untilReachable();
    await untilClients(agent, 1);
  });

  await t.step("until the agent ends", async () => {
    assert.equal(await agent.stop(), 0);
    await untilClients(agent, 0);
    assert.equal(await isReached(), undefined);
  });
});

/** `http` and `tcp` by itself, `https` by passing connections on to the page. */
function programOf({ port }: { port: number }): string {
  return [
    "mkdir /www; echo hello >/www/index.html; httpd -p 80 -h /www",
    `host=$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p'); nc -ll -p 443 -e nc $host ${port} &`,
    "exec nc -ll -p 1000 -e echo hello over TCP",
  ].join("\n");
}

async function reachAll(
  { fixture, device, page }: { fixture: AgentFixture; device: AddedDevice; page: SecurePage },
): Promise<void> {
  const echo = Deno.listenDatagram({ hostname: "127.0.0.1", port: 2_000, transport: "udp" });
  const { after } = await fixture.studio.request(device, "shop", {
    target: "RUNNING",
    version: "1",
    ports: [
      { port: 80, protocol: "http", active: true, main: true, name: "web" },
      { port: 443, protocol: "https", active: true, name: "secure web" },
      { port: 1_000, protocol: "tcp", active: true, name: "plain" },
      // Another machine in the network of the device, as far as the agent knows.
      { port: 2_000, protocol: "udp", active: true, name: "packets", local_ip: "127.0.0.1" },
    ],
  });
  await fixture.studio.waitForReport(device, { state: "RUNNING" }, { after });
  const tookMs = await untilReachable();
  assert.ok(tookMs < reachableMs, `reached ${Math.round(tookMs)} ms after RUNNING`);

  const tunnels = await untilActive(fixture, device);
  assert.deepEqual(tunnels.map(({ name, url }) => ({ name, url })), [
    { name: "1-shop-1000-tcp", url: `tcp://1-shop-1000.127.0.0.1:${portOf(tunnels, "tcp")}` },
    { name: "1-shop-2000-udp", url: `udp://1-shop-2000.127.0.0.1:${portOf(tunnels, "udp")}` },
    { name: "1-shop-80-http", url: "https://1-shop-80.127.0.0.1" },
    { name: "secure-1-shop-443-https", url: "https://secure-1-shop-443.127.0.0.1" },
  ]);
  assert.match(await page.read(), /hello over TLS/);
  using plain = await Deno.connect({ hostname: "127.0.0.1", port: portOf(tunnels, "tcp") });
  assert.equal(await readAll(plain), "hello over TCP\n");
  assert.equal(await answerOver(echo, portOf(tunnels, "udp")), "hello over UDP");
}

/** A tunnel as the device tells Studio. */
interface SeenTunnel {
  name: string;
  protocol: string;
  remotePort: number;
  url: string;
}

async function untilActive(fixture: AgentFixture, device: AddedDevice): Promise<SeenTunnel[]> {
  return await pollUntil("four tunnels are active", async () => {
    const { args: [states] } = await fixture.studio.call(device, "get_tunnel_state");
    const active = Array.isArray(states) ? states.filter((state) => isDict(state) && state.active === true) : [];
    if (active.length < 4) return undefined;
    const tunnels = active.map(({ status: { name, protocol, remotePort }, url }): SeenTunnel => {
      return { name, protocol, remotePort, url };
    });
    return tunnels.sort((one, other) => one.name < other.name ? -1 : 1);
  });
}

function portOf(tunnels: readonly SeenTunnel[], protocol: string): number {
  const port = tunnels.find((tunnel) => tunnel.protocol === protocol)?.remotePort ?? 0;
  assert.ok(port > 0, `there is no port for ${protocol}`);
  return port;
}

/** Sends until something arrives: datagrams may be lost. Closes the other side. */
async function answerOver(echo: Deno.DatagramConn, port: number): Promise<string> {
  const client = Deno.listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" });
  let answer = "";
  const echoing = echo.receive().then(([bytes, from]) => echo.send(bytes, from), () => {});
  const receiving = client.receive().then(([bytes]) => answer = new TextDecoder().decode(bytes), () => {});
  try {
    return await pollUntil("a datagram comes back", async () => {
      if (answer === "") {
        await client.send(new TextEncoder().encode("hello over UDP"), {
          hostname: "127.0.0.1",
          port,
          transport: "udp",
        });
      }
      await sleep(100);
      return answer || undefined;
    });
  } finally {
    echo.close();
    client.close();
    await Promise.all([echoing, receiving]);
  }
}

async function isReached(): Promise<true | undefined> {
  return /hello/.test(await readPage({ subdomain }).catch(() => "")) || undefined;
}

async function untilReachable({ limitMs = 30_000 } = {}): Promise<number> {
  const startedMs = performance.now();
  await pollUntil("the app is reached through the tunnel server", isReached, { limitMs });
  return performance.now() - startedMs;
}

async function untilClients(agent: AgentProcess, count: number): Promise<number[]> {
  return await pollUntil(`${count} clients run`, async () => {
    const clients = await clientsOf(`${agent.folder}/frpc.yaml`);
    return clients.length === count ? clients : undefined;
  });
}
