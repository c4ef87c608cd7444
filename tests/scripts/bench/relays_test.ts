/** What relays the agent's connections while it is measured must not change them. */

import assert from "node:assert/strict";
import { CountingSocket } from "../../../scripts/bench/counting_socket.ts";
import { EngineCalls } from "../../../scripts/bench/engine_calls.ts";
import { SlowRelay } from "../../../scripts/bench/slow_relay.ts";

/** A fake engine that echoes requests; like a real one, it reports a failed pull inside the stream. */
async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/images/create") return new Response('{"status":"Pulling"}\r\n{"error":"no such image"}\r\n');
  if (pathname === "/containers/create") return Response.json({ Id: `made of ${await request.text()}` });
  if (request.method === "DELETE") return new Response("it is busy", { status: 409 });
  return new Response("[]");
}

Deno.test("CountingSocket forwards the requests of EngineCalls and counts them", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/engine.sock`;
  const server = Deno.serve({ path, onListen: () => {} }, answer);
  {
    await using socket = CountingSocket.listen(path);
    const engine = new EngineCalls(socket.host.replace("unix://", ""));
    assert.equal(await engine.listContainers(), "[]");
    assert.equal(await engine.create("shop", { Image: "shop:ü" }), 'made of {"Image":"shop:ü"}');
    await engine.start("0a1b");
    await engine.start("2c3d");
    await assert.rejects(engine.remove("0a1b"), /409 it is busy/);
    await assert.rejects(engine.pull("shop", { tag: "1", user: "u", password: "p" }), /no such image/);
    assert.deepEqual([...socket.counts()], [
      ["GET /containers/json", 1],
      ["POST /containers/create", 1],
      ["POST /containers/{}/start", 2],
      ["DELETE /containers/{}", 1],
      ["POST /images/create", 1],
    ]);
    assert.equal(socket.total, 6);
  }
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("CountingSocket closes a connection when there is no engine", async () => {
  const folder = await Deno.makeTempDir();
  {
    await using socket = CountingSocket.listen(`${folder}/none.sock`);
    await assert.rejects(new EngineCalls(socket.host.replace("unix://", "")).listContainers());
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("SlowRelay forwards every byte in both directions", async () => {
  const sent = crypto.getRandomValues(new Uint8Array(50_000));
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const echoing = (async () => {
    using connection = await listener.accept();
    await connection.readable.pipeTo(connection.writable);
  })();
  await using relay = SlowRelay.listen({ port: listener.addr.port, bytesPerSecond: Infinity });
  const [hostname, port] = relay.host.split(":");
  const client = await Deno.connect({ hostname: hostname ?? "", port: Number(port) });
  const got = new Uint8Array(sent.length);
  const writer = client.writable.getWriter();
  const reading = (async () => {
    for (let count = 0; count < got.length;) count += await client.read(got.subarray(count)) ?? got.length;
  })();
  await writer.write(sent);
  await reading;
  assert.deepEqual(got, sent);
  await writer.close();
  await echoing.catch(() => {});
});
