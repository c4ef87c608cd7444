// box frp
import assert from "node:assert/strict";
import { tunnelProof } from "../../lib/tunnels/client_config.ts";
import type { TunnelProxy } from "../../lib/tunnels/tunnel_proxy.ts";
import { withInstalledPackages } from "../../scripts/packages.ts";
import { pathOf } from "../../scripts/paths.ts";
import { mustRun } from "../../scripts/programs.ts";
import { Frps, frpsDomain } from "../../scripts/testbed/frps.ts";
import { partsFolder } from "../../scripts/testbed/setup/folder.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { clientsOf, never, proxyTo, readAll, readPage, servePage, site, TunnelFixture } from "./tunnel_fixture.ts";
import { SecurePage } from "./secure_page.ts";
import { ConnectProxy, TlsFront } from "./tunnel_fronts.ts";

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

/** How soon a tunnel has to work again after its client was killed. */
const backMs = 4_000;

for (const name of ["cloud.yaml", "appliance_behind_proxy.yaml"]) {
  Deno.test(`the client accepts ${name}`, async () => {
    const file = pathOf(`../lib/tunnels/golden/${name}`, import.meta.url);
    await mustRun(partsFolder().frpc, ["verify", "-c", file, "--strict_config"]);
  });
}

Deno.test("tunnels of all kinds reach an app, and are told to Studio", async () => {
  await using frps = await Frps.start();
  await using page = servePage("hello from the shop");
  await using fixture = await TunnelFixture.start();
  const http = await fixture.open("http", page.port);
  await fixture.untilActive(http);
  assert.match(await readPage(http), /hello from the shop/);

  await checkHttps(fixture);
  await checkTcp(fixture);
  await checkUdp(fixture);

  assert.equal(fixture.tunnels.isCapable(), true);
  assert.equal(frps.logins[0]?.metas["tunnel_proof"], tunnelProof(site));
  assert.equal(((await Deno.stat(fixture.configFile)).mode ?? 0) & 0o777, 0o600);
  fixture.tunnels.publishStates();
  await pollUntil("the states are told", () => Promise.resolve(fixture.published.at(-1)?.length === 4 || undefined));
  const proof = tunnelProof(site) ?? "";
  assert.ok(fixture.hidden.includes(proof));
  assert.ok(!fixture.lines.join("\n").includes(proof));
});

async function checkHttps(fixture: TunnelFixture): Promise<void> {
  const https = proxyTo("https", 0, { port: 443 });
  await using page = await SecurePage.serve(`${https.subdomain}.${frpsDomain}`, "hello over TLS");
  await fixture.untilActive(await fixture.open("https", page.port, { port: 443 }));
  assert.match(await page.read(), /hello over TLS/);
}

async function checkTcp(fixture: TunnelFixture): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { status: { remotePort }, url } = await fixture.untilActive(await fixture.open("tcp", listener.addr.port));
  assert.ok(remotePort > 0);
  assert.equal(url, `tcp://512-shop-${listener.addr.port}.127.0.0.1:${remotePort}`);
  const serving = listener.accept().then(async (accepted) => {
    await accepted.write(new TextEncoder().encode("hello over TCP"));
    accepted.close();
  }, () => {});
  try {
    using client = await Deno.connect({ hostname: "127.0.0.1", port: remotePort });
    assert.equal(await readAll(client), "hello over TCP");
  } finally {
    listener.close();
    await serving;
  }
}

async function checkUdp(fixture: TunnelFixture): Promise<void> {
  const app = Deno.listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" });
  if (app.addr.transport !== "udp") throw new Error("It is not UDP");
  const { status: { remotePort } } = await fixture.untilActive(await fixture.open("udp", app.addr.port));
  const client = Deno.listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" });
  const server = { hostname: "127.0.0.1", port: remotePort, transport: "udp" } as const;
  let received = "";
  const receiving = app.receive().then(([bytes]) => received = new TextDecoder().decode(bytes), () => "");
  try {
    await pollUntil("a datagram arrives", async () => {
      await client.send(new TextEncoder().encode("hello over UDP"), server);
      await sleep(100);
      return received || undefined;
    });
  } finally {
    app.close();
    client.close();
    await receiving;
  }
  assert.equal(received, "hello over UDP");
}

Deno.test("a tunnel keeps the remote port it asks for, and is gone when it is removed", async () => {
  await using _frps = await Frps.start();
  await using page = servePage("hello");
  await using fixture = await TunnelFixture.start();
  const proxy = await fixture.open("tcp", page.port, { remotePort: 31_044 });
  assert.equal((await fixture.untilActive(proxy)).status.remotePort, 31_044);
  const written = (await Deno.stat(fixture.configFile)).mtime?.getTime();
  assert.deepEqual(await fixture.tunnels.change({ put: [proxy], remove: ["512-none-1-tcp"] }, never), {
    kind: "applied",
  });
  assert.equal((await Deno.stat(fixture.configFile)).mtime?.getTime(), written, "nothing has changed");
  assert.deepEqual(await fixture.tunnels.change({ remove: [proxy.name] }, never), { kind: "applied" });
  await pollUntil("the port is closed", async () => {
    const connected = await Deno.connect({ hostname: "127.0.0.1", port: 31_044 }).then((it) => it, () => undefined);
    connected?.close();
    return connected === undefined || undefined;
  });
  assert.deepEqual(await fixture.tunnels.readStates(never), []);
});

Deno.test("a tunnel works again soon after its client was killed, also many times", async () => {
  await using _frps = await Frps.start();
  await using page = servePage("hello");
  await using fixture = await TunnelFixture.start();
  const proxy = await fixture.open("http", page.port);
  await fixture.untilActive(proxy);
  for (let time = 0; time < (isNightly ? 20 : 3); time += 1) {
    const startedMs = performance.now();
    await fixture.killClient();
    await pollUntil("the page is back", () => hasPage(proxy), { limitMs: 2 * backMs });
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < backMs, `kill ${time + 1}: back after ${Math.round(tookMs)} ms`);
    assert.equal((await fixture.clients()).length, 1);
  }
});

Deno.test("a tunnel works again after its server was restarted, and one that answers late is waited for", async () => {
  await using frps = await Frps.start();
  await using page = servePage("hello");
  await using fixture = await TunnelFixture.start();
  const proxy = await fixture.open("http", page.port);
  await fixture.untilActive(proxy);
  await frps.stop();
  if (isNightly) await sleep(30_000);
  frps.loginDelayMs = 2_000;
  await frps.start();
  await pollUntil("the page is back", () => hasPage(proxy), { limitMs: 45_000 });
  assert.equal((await fixture.clients()).length, 1);
});

Deno.test("a device whose proof is refused has no tunnels until it is accepted", async () => {
  let isAccepted = false;
  await using frps = await Frps.start({ check: () => isAccepted });
  await using page = servePage("hello");
  await using fixture = await TunnelFixture.start();
  const proxy = await fixture.open("http", page.port);
  await pollUntil("it has tried", () => Promise.resolve(frps.logins.length > 0 || undefined));
  assert.notEqual(await hasPage(proxy), true);
  isAccepted = true;
  await fixture.untilActive(proxy, 30_000);
});

Deno.test("the client takes another port when somebody has its own, and a left one is ended", async () => {
  await using _frps = await Frps.start();
  using _taken = Deno.listen({ hostname: "127.0.0.1", port: 7_411 });
  await using page = servePage("hello");
  let left: Deno.ChildProcess | undefined;
  await using fixture = await TunnelFixture.start({
    before: async (folder) => {
      await Deno.writeTextFile(`${folder}/frpc.yaml`, "serverAddr: 127.0.0.1\nserverPort: 1\nloginFailExit: false\n", {
        mode: 0o644,
      });
      const args = ["-c", `${folder}/frpc.yaml`];
      left = new Deno.Command(`${folder}/frpc`, { args, stdout: "null", stderr: "null" }).spawn();
      // A process has no arguments yet when the call that starts it returns.
      await pollUntil("it runs", async () => (await clientsOf(`${folder}/frpc.yaml`)).length === 1 || undefined);
    },
  });
  const proxy = await fixture.open("http", page.port);
  await fixture.untilActive(proxy);
  assert.match(await Deno.readTextFile(fixture.configFile), /^ {2}port: 7412$/m);
  assert.equal(((await Deno.stat(fixture.configFile)).mode ?? 0) & 0o777, 0o600);
  assert.equal((await fixture.clients()).length, 1);
  assert.equal((await left?.status)?.signal, "SIGKILL");
});

Deno.test("no client outlives an agent that is killed", async () => {
  await using _frps = await Frps.start();
  const folder = await Deno.makeTempDir({ prefix: "tunnels-" });
  await Deno.copyFile(partsFolder().frpc, `${folder}/frpc`);
  const program = pathOf("tunnel_program.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", withInstalledPackages, "--allow-all", "--unstable-net", program, folder],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const configFile = `${folder}/frpc.yaml`;
  await pollUntil("there is a client", async () => (await clientsOf(configFile)).length === 1 || undefined);
  child.kill("SIGKILL");
  await child.status;
  await pollUntil("there is none", async () => (await clientsOf(configFile)).length === 0 || undefined);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an appliance with wss is reached through its web port, and through a proxy", async () => {
  await mustRun("ip", ["address", "replace", "10.9.9.9/32", "dev", "lo"]);
  await using _frps = await Frps.start({ port: 7_000 });
  await using page = servePage("hello");
  const folder = await Deno.makeTempDir({ prefix: "front-" });
  await using front = await TlsFront.start(folder, { hostname: "10.9.9.9", port: 443, targetPort: 7_000 });
  const appliance = { applianceDomain: "10.9.9.9", endpointUrl: "wss://cbw.example.com/ws" };
  {
    await using fixture = await TunnelFixture.start({ site: appliance });
    const proxy = await fixture.open("http", page.port);
    await fixture.untilActive(proxy);
    assert.match(await readPage(proxy), /hello/);
  }
  const before = front.connections;
  await using proxyServer = new ConnectProxy();
  const environment = { HTTPS_PROXY: proxyServer.url };
  await using fixture = await TunnelFixture.start({ site: appliance, environment });
  const proxy = await fixture.open("http", page.port);
  await fixture.untilActive(proxy);
  assert.match(await readPage(proxy), /hello/);
  assert.ok(front.connections > before);
  assert.deepEqual([...new Set(proxyServer.asked)], ["10.9.9.9:443"]);
  await Deno.remove(folder, { recursive: true });
});

async function hasPage(proxy: TunnelProxy): Promise<true | undefined> {
  const text = await readPage(proxy).catch(() => "");
  return /\r\n\r\nhello/.test(text) ? true : undefined;
}
