import assert from "node:assert/strict";
import { aheadOf, probeEndpoint, probeNames, probeProxy } from "../../../lib/local/doctor/probe_network.ts";
import { noProxies } from "../../../lib/wamp/proxy.ts";
import { TestCa } from "../../../scripts/testbed/certificate_authority.ts";
import { never } from "../wamp/open_session.ts";

const options = { proxies: noProxies, signal: never };

/** A port of this machine at which nobody listens. */
function deafPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** A server that answers with this time. */
function startServer(tls: { cert: string; key: string } | undefined, date: Date): Deno.HttpServer<Deno.NetAddr> {
  const place = { hostname: "127.0.0.1", port: 0, onListen() {} };
  return Deno.serve(tls === undefined ? place : { ...place, ...tls }, () => {
    return new Response("", { headers: { date: date.toUTCString() } });
  });
}

Deno.test("probeNames() looks up endpoint and registry, each name once", async () => {
  const url = new URL("ws://127.0.0.1:8080/ws");
  const local = { host: "127.0.0.1", addresses: ["127.0.0.1"], error: "", isProxied: false };
  assert.deepEqual(await probeNames({ url, registryHost: "127.0.0.1:5000", proxies: noProxies }), [local]);
  assert.deepEqual(await probeNames({ url: null, registryHost: "", proxies: noProxies }), []);
  const proxies = { http: "http://proxy.invalid:3128", https: "http://proxy.invalid:3128", none: "127.0.0.1" };
  const [first, second] = await probeNames({ url, registryHost: "reagent.invalid", proxies });
  assert.deepEqual([first?.isProxied, second?.isProxied, second?.addresses], [false, true, []]);
  assert.match(second?.error ?? "", /reagent\.invalid/);
  const broken = { ...proxies, https: "ftp://", none: "" };
  const [, unclear] = await probeNames({ url, registryHost: "reagent.invalid", proxies: broken });
  assert.equal(unclear?.isProxied, true);
});

Deno.test("probeProxy() connects to the proxy that the endpoint needs", async () => {
  const url = new URL("wss://studio.invalid/ws");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const probe = (https: string) => probeProxy(url, { proxies: { http: "", https, none: "" }, signal: never });
  assert.deepEqual(await probeProxy(null, options), { kind: "none" });
  assert.deepEqual(await probeProxy(url, options), { kind: "none" });
  const address = `127.0.0.1:${listener.addr.port}`;
  assert.deepEqual(await probe(`http://me:secret@${address}`), { kind: "answers", address });
  const away = `127.0.0.1:${deafPort()}`;
  const found = await probe(`http://${away}`);
  assert.ok(found.kind === "away" && found.address === away && found.error.includes("ECONNREFUSED"), found.kind);
  assert.equal((await probe("ftp://127.0.0.1")).kind, "malformed");
});

Deno.test("probeEndpoint() without encryption reads the server's time", async () => {
  const date = new Date(Date.now() - 90_000);
  await using server = startServer(undefined, date);
  const { tls, aheadMs: [ahead] } = await probeEndpoint(new URL(`ws://127.0.0.1:${server.addr.port}/ws`), options);
  assert.deepEqual([tls, ahead?.server], [{ kind: "plain" }, "127.0.0.1"]);
  assert.ok(ahead !== undefined && ahead.ms > 80_000 && ahead.ms < 150_000, `${ahead?.ms} ms`);
});

Deno.test("probeEndpoint() reads a certificate that it does not trust", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const pair = await (await TestCa.create(folder)).sign("server", { names: ["DNS:localhost"] });
    const [cert, key] = await Promise.all([pair.certificateFile, pair.keyFile].map((file) => Deno.readTextFile(file)));
    assert.ok(cert !== undefined && key !== undefined);
    await using server = startServer({ cert, key }, new Date());
    const { tls, aheadMs } = await probeEndpoint(new URL(`wss://localhost:${server.addr.port}/ws`), options);
    assert.ok(tls.kind === "untrusted", tls.kind);
    assert.equal(tls.issuer, "test authority");
    assert.ok(tls.fromMs <= Date.now() && tls.toMs > Date.now() + 29 * 86_400_000, JSON.stringify(tls));
    assert.notEqual(tls.error, "");
    assert.equal(aheadMs.length, 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("probeEndpoint() says that nobody is there, or nobody who speaks TLS", async () => {
  const port = deafPort();
  const away = await probeEndpoint(new URL(`wss://127.0.0.1:${port}/ws`), options);
  assert.ok(away.tls.kind === "unreachable" && away.tls.error.includes("ECONNREFUSED"), JSON.stringify(away.tls));
  assert.deepEqual(await probeEndpoint(new URL(`ws://127.0.0.1:${port}/ws`), options), {
    tls: { kind: "plain" },
    aheadMs: [],
  });
  assert.deepEqual((await probeEndpoint(null, options)).tls, { kind: "unreachable", error: "there is no endpoint" });
  await using plain = startServer(undefined, new Date());
  const { tls } = await probeEndpoint(new URL(`wss://127.0.0.1:${plain.addr.port}/ws`), options);
  assert.equal(tls.kind, "unreachable");
});

Deno.test("aheadOf() compares with the middle of the server's second", () => {
  const shown = new Date(1_796_083_200_000);
  assert.equal(aheadOf(shown.toUTCString(), 1_796_083_203_500), 3_000);
  for (const header of [undefined, null, "", "soon"]) assert.equal(aheadOf(header, 0), undefined);
});
