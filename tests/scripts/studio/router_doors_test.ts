import assert from "node:assert/strict";
import { Router, type RouterOptions } from "../../../scripts/studio/router/router.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { RawPeer } from "../../contract/raw_peer.ts";
import { RawLine, upgradeRequest } from "./raw_line.ts";

const device = { authid: "12-345", secret: "s" };

async function startRouter(options: Partial<RouterOptions> = {}): Promise<Router> {
  const users = { "12-345": { secret: "s" } };
  return await Router.listen({ hostname: "127.0.0.1", port: 0, realm: "realm1", users, ...options });
}

Deno.test("#15: the router lets in who calls it by a name of its own, and no page of another site", async () => {
  await using router = await startRouter({ names: ["pump.lan"] });
  const rows: [headers: Record<string, string>, status: number][] = [
    [{ Host: "127.0.0.1:8080" }, 101],
    [{ Host: "localhost" }, 101],
    [{ Host: "host.docker.internal:8080" }, 101],
    [{ Host: "pump.lan" }, 101],
    [{ Host: "localhost", Origin: "http://localhost:5173" }, 101],
    [{ Host: "evil.example" }, 403],
    [{ Host: "127.0.0.1.evil.example" }, 403],
    [{ Host: "" }, 403],
    [{ Host: "localhost", Origin: "https://evil.example" }, 403],
    [{ Host: "localhost", Origin: "null" }, 403],
    [{ Host: "localhost", "Sec-WebSocket-Version": "8", "Sec-WebSocket-Origin": "https://evil.example" }, 403],
    [{ Host: "localhost", "Sec-Fetch-Site": "cross-site" }, 403],
    [{ Host: "localhost", "Sec-WebSocket-Protocol": "wamp.2.cbor" }, 400],
  ];
  for (const [headers, status] of rows) {
    await using line = new RawLine(router.url);
    await line.send(upgradeRequest(headers));
    assert.match(await line.answered(), new RegExp(`^HTTP/1.1 ${status} `), JSON.stringify(headers));
    if (status !== 101) await line.closed();
  }
  await using page = new RawLine(router.url);
  await page.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  await page.closed();
  assert.match(page.answer, /^HTTP\/1\.1 403 /);
});

Deno.test("#15: a router on all addresses is called by the address at which it was reached", async () => {
  await using router = await startRouter({ hostname: "0.0.0.0" });
  const address = Deno.networkInterfaces().find((one) => one.family === "IPv4" && !one.address.startsWith("127."))
    ?.address;
  if (address === undefined) return;
  const { port } = new URL(router.url);
  await using peer = await RawPeer.open(`ws://${address}:${port}/ws`);
  assert.equal((await peer.join(device))[0], 2);
});

Deno.test("#15: a HELLO of ordinary size joins, also in pieces; a huge one does not", async () => {
  await using router = await startRouter();
  await using small = await RawPeer.open(router.url);
  const roles = { callee: { features: { padding: "x".repeat(4_000) } } };
  assert.equal((await small.join(device, { roles }))[0], 2);
  await using huge = await RawPeer.open(router.url);
  huge.send([1, "realm1", { authid: "12-345", authmethods: ["wampcra"], roles, padding: "x".repeat(8_000) }]);
  assert.equal((await huge.closed()).code, 1009);
});

Deno.test("#15: sockets without a session are bounded, the oldest goes, and devices get in meanwhile", async () => {
  await using router = await startRouter({ pendingLimit: 10 });
  await using stack = new AsyncDisposableStack();
  const starts = ["", "GET /ws HTTP/1.1\r\nHost: loc", upgradeRequest({ Host: "localhost" })];
  const lines: RawLine[] = [];
  for (let count = 0; count < 60; count += 1) {
    const line = stack.use(new RawLine(router.url));
    lines.push(line);
    await line.send(starts[count % 3] ?? "");
  }
  await pollUntil("all but the newest are gone", () => {
    return Promise.resolve(lines.filter((line) => !line.isClosed).length <= 10 || undefined);
  });
  await using peer = await RawPeer.open(router.url);
  assert.equal((await peer.join(device))[0], 2);
  for (let count = 0; count < 12; count += 1) stack.use(new RawLine(router.url));
  assert.equal((await peer.call("wamp.session.count"))[0], 50, "who has joined is not counted");
});

Deno.test("#15: whatever a socket has sent, it has one time limit until it has joined", async () => {
  await using router = await startRouter({ joinLimitMs: 400 });
  await using stack = new AsyncDisposableStack();
  const silent = stack.use(new RawLine(router.url));
  const slow = stack.use(new RawLine(router.url));
  await slow.send("GET /ws HTTP/1.1\r\nHost: loc");
  const upgraded = stack.use(await RawPeer.open(router.url));
  const challenged = stack.use(await RawPeer.open(router.url));
  const hello = [1, "realm1", { authid: "12-345", authmethods: ["wampcra"], roles: { callee: {} } }];
  assert.equal((await challenged.ask(hello))[0], 4);
  assert.deepEqual([(await upgraded.closed()).code, (await challenged.closed()).code], [1008, 1008]);
  await silent.closed();
  await slow.closed();
});

Deno.test("#15: a user who is removed while he is challenged does not join, and one unknown fares the same", async () => {
  await using router = await startRouter();
  router.addUser("12-346", { secret: "t" });
  await using stranger = await RawPeer.open(router.url);
  await using gone = await RawPeer.open(router.url);
  const pending = gone.join({ authid: "12-346", secret: "t" });
  router.removeUser("12-346");
  assert.deepEqual(await pending, await stranger.join({ authid: "12-999", secret: "x" }));
});

Deno.test("#15: a user who is added again while he is challenged joins all the same", async () => {
  await using router = await startRouter();
  await using peer = await RawPeer.open(router.url);
  const joining = peer.join(device);
  router.addUser("12-345", { secret: "s" });
  assert.equal((await joining)[0], 2);
});
