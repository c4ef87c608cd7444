import assert from "node:assert/strict";
import { RawPeer } from "../../contract/raw_peer.ts";
import { frameHead, mebibyte, RawLine, upgradeRequest } from "./raw_line.ts";
import { ServerProcess } from "./server_process.ts";

/** What attacks may cost in memory. Before there were bounds each took several hundred. */
const allowedMiB = 150;

Deno.test("#15: half-sent frames of sockets that have not joined are refused by their first bytes", async () => {
  await using servers = await ServerProcess.start();
  await using stack = new AsyncDisposableStack();
  const grown = await servers.growthOf(async () => {
    const lines: RawLine[] = [];
    for (let count = 0; count < 30; count += 1) {
      const line = stack.use(new RawLine(servers.routerUrl));
      lines.push(line);
      await line.send(upgradeRequest({ Host: "localhost" }));
      assert.match(await line.answered(), /^HTTP\/1\.1 101 /);
    }
    await Promise.all(lines.map(async (line) => {
      await line.send(frameHead(16 * mebibyte));
      await line.pour(15 * mebibyte);
      await line.closed();
    }));
  });
  assert.ok(grown < allowedMiB, `${grown} MiB`);
  await using peer = await RawPeer.open(servers.routerUrl);
  assert.equal((await peer.join(servers.login))[0], 2);
});

Deno.test("#15: half-sent frames of joined clients hold a bounded amount in all", async () => {
  await using servers = await ServerProcess.start();
  await using stack = new AsyncDisposableStack();
  const zeros = new Uint8Array(mebibyte);
  const grown = await servers.growthOf(async () => {
    for (let count = 0; count < 30; count += 1) {
      const peer = stack.use(await RawPeer.open(servers.routerUrl));
      await peer.join(servers.login);
      await peer.socket.sendBytes(frameHead(16 * mebibyte - 1));
      for (let sent = 0; sent < 15; sent += 1) await peer.socket.sendBytes(zeros);
    }
  });
  // 64 MiB wait at most; the runtime frees what was dropped a little later.
  assert.ok(grown < 2 * allowedMiB, `${grown} MiB`);
  await using peer = await RawPeer.open(servers.routerUrl);
  assert.equal((await peer.join(servers.login))[0], 2);
  assert.ok(Number(await peer.result("wamp.session.count")) <= 6);
});

Deno.test("#15: a message in too many pieces is refused, before and after the join", async () => {
  await using servers = await ServerProcess.start();
  const pieces = new Uint8Array(7 * 500_000);
  for (let at = 0; at < pieces.length; at += 7) pieces.set([at === 0 ? 1 : 0, 129], at);
  for (const isJoined of [false, true]) {
    await using peer = await RawPeer.open(servers.routerUrl);
    if (isJoined) await peer.join(servers.login);
    const grown = await servers.growthOf(async () => {
      const sending = peer.socket.sendBytes(pieces);
      assert.equal((await peer.closed()).code, 1009);
      await sending;
    });
    assert.ok(grown < allowedMiB, `${grown} MiB`);
  }
});

Deno.test("#15: bodies of 200 MB and heads without end are not gathered by any server", async () => {
  await using servers = await ServerProcess.start();
  const chunk = new TextEncoder().encode(`100000\r\n${"a".repeat(mebibyte)}\r\n`);
  const rows: [url: string, head: string, bytes?: Uint8Array][] = [servers.routerUrl, servers.tokenUrl].flatMap((
    url,
  ) => [
    [url, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 209715200\r\n\r\n"],
    [url, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", chunk],
    [url, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", new Uint8Array(mebibyte).fill(97)],
    [url, upgradeRequest({ "Host": "evil.example", "Content-Length": "209715200" })],
  ]);
  for (const [url, head, bytes] of rows) {
    await using line = new RawLine(url);
    const grown = await servers.growthOf(async () => {
      await line.send(head);
      await line.pour(200 * mebibyte, bytes);
      await line.closed();
    });
    assert.ok(grown < allowedMiB, `${grown} MiB for ${JSON.stringify(head.slice(0, 60))} to ${url}`);
  }
});
