import assert from "node:assert/strict";
import { AgentError, hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { ProxySet } from "../../../lib/tunnels/proxy_set.ts";
import { type TunnelProxy, tunnelProxy } from "../../../lib/tunnels/tunnel_proxy.ts";

const never = new AbortController().signal;

function proxyOf(port: number, change: Partial<TunnelProxy> = {}): TunnelProxy {
  const identity = { deviceKey: 1, appName: "shop", port, protocol: "tcp" } as const;
  return { ...tunnelProxy(identity, { localIp: "", localPort: 40_000 + port, remotePort: 0 }), ...change };
}

/** A set with its file, and a client that notes what it reads. */
async function makeSet(): Promise<
  AsyncDisposable & {
    set: ProxySet;
    folder: string;
    reloads: string[];
    answer: { error?: Error };
    losses: number[];
    read(): Promise<string>;
    start(): Promise<void>;
    attach(): Promise<void>;
  }
> {
  const folder = await Deno.makeTempDir();
  const configFile = `${folder}/frpc.yaml`;
  const set = new ProxySet({ configFile, log: silentLog });
  const reloads: string[] = [];
  const losses: number[] = [];
  const answer: { error?: Error } = {};
  const read = () => Deno.readTextFile(configFile);
  const reload = async () => {
    reloads.push(await read());
    if (answer.error !== undefined) throw answer.error;
  };
  const format = (proxies: readonly TunnelProxy[]) =>
    proxies.map(({ name, localPort }) => `${name}:${localPort}`).join(" ");
  return {
    ...{ set, folder, reloads, answer, losses, read },
    start: () => set.prepare(format, never),
    attach: () => set.attach({ reload, onLost: () => void losses.push(1) }, never),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("change() before a client runs is saved, and the client finds it in its file", async () => {
  await using fixture = await makeSet();
  const { set, reloads, read } = fixture;
  assert.deepEqual(await set.change({ put: [proxyOf(1)] }, never), { kind: "saved" });
  await fixture.start();
  assert.equal(await read(), "1-shop-1-tcp:40001");
  await fixture.attach();
  assert.deepEqual(reloads, [], "it has read it as it started");
});

Deno.test("change() while a client starts reaches it as soon as it runs", async () => {
  await using fixture = await makeSet();
  const { set, reloads } = fixture;
  await fixture.start();
  assert.deepEqual(await set.change({ put: [proxyOf(1)] }, never), { kind: "saved" });
  await fixture.attach();
  assert.deepEqual(reloads, ["1-shop-1-tcp:40001"]);
});

Deno.test("change() has the client read its file again only when something has changed", async () => {
  await using fixture = await makeSet();
  const { set, reloads } = fixture;
  await fixture.start();
  await fixture.attach();
  const both = { put: [proxyOf(1), proxyOf(2)] };
  assert.deepEqual(await set.change(both, never), { kind: "applied" });
  assert.deepEqual(await set.change(both, never), { kind: "applied" });
  assert.deepEqual(await set.change({ remove: ["1-shop-9-tcp"] }, never), { kind: "applied" });
  assert.equal(reloads.length, 1);
  assert.deepEqual(await set.change({ put: [proxyOf(1, { localPort: 7 })], remove: ["1-shop-2-tcp"] }, never), {
    kind: "applied",
  });
  assert.deepEqual(reloads, ["1-shop-1-tcp:40001 1-shop-2-tcp:40002", "1-shop-1-tcp:7"]);
});

Deno.test("change() takes back what the client refuses, and removes what was to be removed", async () => {
  await using fixture = await makeSet();
  const { set, answer, read } = fixture;
  await set.change({ put: [proxyOf(1), proxyOf(2)] }, never);
  await fixture.start();
  await fixture.attach();
  answer.error = new AgentError("call_failed", "API returned status code: 400");
  assert.deepEqual(await set.change({ put: [proxyOf(3)], remove: ["1-shop-2-tcp"] }, never), {
    kind: "refused",
    error: "API returned status code: 400",
  });
  assert.equal(await read(), "1-shop-1-tcp:40001");
  assert.equal(fixture.losses.length, 1, "a client that refuses even that is replaced");
});

Deno.test("change() is saved when the client does not answer, and the client is replaced", async () => {
  await using fixture = await makeSet();
  const { set, answer, losses, read } = fixture;
  await fixture.start();
  await fixture.attach();
  answer.error = new AgentError("connect_failed", "The tunnel client does not answer");
  assert.deepEqual(await set.change({ put: [proxyOf(1)] }, never), { kind: "saved" });
  assert.equal(losses.length, 1);
  assert.equal(await read(), "1-shop-1-tcp:40001");
});

Deno.test("change() refuses what would cost all tunnels, without asking the client", async () => {
  await using fixture = await makeSet();
  const { set, reloads, read } = fixture;
  await set.change({ put: [proxyOf(1)] }, never);
  await fixture.start();
  await fixture.attach();
  const result = await set.change({ put: [proxyOf(2), proxyOf(3, { localPort: 0 })] }, never);
  assert.deepEqual(result, {
    kind: "refused",
    error: "Cannot open a tunnel: the local port must be a whole number from 1 to 65535",
  });
  const many = Array.from({ length: 1_001 }, (_, index) => proxyOf(index + 10));
  assert.deepEqual(await set.change({ put: many }, never), {
    kind: "refused",
    error: "There are more than 1000 tunnels",
  });
  assert.deepEqual(reloads, []);
  assert.equal(await read(), "1-shop-1-tcp:40001");
});

Deno.test("the file is for its owner only, also when an earlier agent has left one for everybody", async () => {
  await using fixture = await makeSet();
  const { folder } = fixture;
  await Deno.writeTextFile(`${folder}/frpc.yaml`, "old");
  await Deno.chmod(`${folder}/frpc.yaml`, 0o644);
  await fixture.start();
  assert.equal(((await Deno.stat(`${folder}/frpc.yaml`)).mode ?? 0) & 0o777, 0o600);
  assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["frpc.yaml"]);
});

Deno.test("change() changes nothing when the file cannot be written", async () => {
  await using fixture = await makeSet();
  const { set, folder } = fixture;
  await fixture.start();
  await Deno.remove(folder, { recursive: true });
  await assert.rejects(set.change({ put: [proxyOf(1)] }, never), (error) => hasCode(error, "io_failed"));
  assert.deepEqual(set.list(), []);
  await Deno.mkdir(folder);
});
