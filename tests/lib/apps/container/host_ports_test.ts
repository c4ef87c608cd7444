import assert from "node:assert/strict";
import { HostPorts, portPool, portsNamedIn } from "../../../../lib/apps/container/host_ports.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import type { PortKey } from "../../../../lib/apps/container/port_reservations.ts";

const shop = { appKey: 7, stage: "PROD" } as const;
const cafe = { appKey: 8, stage: "PROD" } as const;

function key(port: number, overrides: Partial<PortKey> = {}): PortKey {
  return { app: shop, transport: "tcp", port, ...overrides };
}

/** A host on which these ports are taken, as `tcp:40000`. */
function hostWith(...taken: string[]): { ports: HostPorts; taken: Set<string>; probed: string[] } {
  const held = new Set(taken);
  const probed: string[] = [];
  const isFree = (port: number, transport: string) => {
    probed.push(`${transport}:${port}`);
    return !held.has(`${transport}:${port}`);
  };
  return { ports: new HostPorts({ isFree }), taken: held, probed };
}

Deno.test("recoverOrReserve() returns the lowest free port of the pool, per transport", () => {
  const { ports } = hostWith("tcp:40000", "tcp:40001", "udp:40000");
  assert.equal(ports.recoverOrReserve(key(80), 0), 40_002);
  assert.equal(ports.recoverOrReserve(key(81), 0), 40_003);
  assert.equal(ports.recoverOrReserve(key(80, { transport: "udp" }), 0), 40_001);
  assert.equal(ports.recoverOrReserve(key(80, { app: cafe }), 0), 40_004);
  assert.equal(ports.recoverOrReserve(key(80, { app: { ...shop, stage: "DEV" } }), 0), 40_005);
});

Deno.test("recoverOrReserve() returns the port that the key has, whatever is preferred", () => {
  const { ports } = hostWith();
  assert.equal(ports.recoverOrReserve(key(80), 0), 40_000);
  assert.equal(ports.recoverOrReserve(key(80), 41_000), 40_000);
  assert.equal(ports.find(key(80)), 40_000);
  assert.equal(ports.find(key(81)), undefined);
});

Deno.test("M26: recoverOrReserve() takes a preferred port without probing it, also outside the pool", () => {
  const { ports, probed } = hostWith("tcp:40007", "tcp:8080");
  assert.equal(ports.recoverOrReserve(key(80), 40_007), 40_007);
  assert.equal(ports.recoverOrReserve(key(81), 8080), 8080);
  assert.deepEqual(probed, []);
});

Deno.test("recoverOrReserve() does not take a preferred port that has another owner or is none", () => {
  const { ports } = hostWith();
  ports.recoverOrReserve(key(80), 45_000);
  assert.equal(ports.recoverOrReserve(key(81), 45_000), 40_000);
  assert.equal(ports.recoverOrReserve(key(81, { transport: "udp" }), 45_000), 45_000);
  for (const [index, wrong] of [-1, 0.5, 65_536, Number.NaN].entries()) {
    assert.equal(ports.recoverOrReserve(key(90 + index), wrong), 40_001 + index);
  }
});

Deno.test("recoverOrReserve() throws port_in_use when no port of the pool is free", () => {
  const ports = new HostPorts({ isFree: () => false });
  assert.throws(
    () => ports.recoverOrReserve(key(80), 0),
    (error) =>
      hasCode(error, "port_in_use") &&
      error.message === 'Cannot publish port 80/tcp of app "PROD:7": no host port from 40000 to 49999 is free',
  );
  assert.equal(ports.find(key(80)), undefined);
});

Deno.test("recoverOrReserve() uses the last port of the pool", () => {
  const ports = new HostPorts({ isFree: (port) => port === portPool.last });
  assert.equal(ports.recoverOrReserve(key(80), 0), portPool.last);
});

Deno.test("reserveDeclared() assigns the declared port without a probe, unless it has another owner", () => {
  const { ports, probed } = hostWith("tcp:8080");
  assert.equal(ports.reserveDeclared(key(8080)), true);
  assert.equal(ports.reserveDeclared(key(8080)), true);
  assert.equal(ports.find(key(8080)), 8080);
  assert.equal(ports.reserveDeclared(key(8080, { app: cafe })), false);
  assert.equal(ports.find(key(8080, { app: cafe })), undefined);
  assert.deepEqual(probed, []);
});

Deno.test("reserveDeclared() frees the port that the key had before", () => {
  const { ports } = hostWith();
  ports.recoverOrReserve(key(8080), 0);
  assert.equal(ports.reserveDeclared(key(8080)), true);
  assert.equal(ports.recoverOrReserve(key(81), 0), 40_000);
});

Deno.test("reassign() assigns another port, although the one before can be bound", () => {
  const { ports } = hostWith();
  ports.recoverOrReserve(key(80), 0);
  assert.equal(ports.reassign(key(80)), 40_001);
  assert.equal(ports.find(key(80)), 40_001);
  // The engine could not bind 40000, so no other key gets it either.
  assert.equal(ports.recoverOrReserve(key(81), 0), 40_002);
  assert.equal(ports.reassign(key(99)), 40_003);
});

Deno.test("reassign() returns to refused ports when no other is left", () => {
  const ports = new HostPorts({ isFree: (port) => port <= 40_001 });
  ports.recoverOrReserve(key(80), 0);
  assert.equal(ports.reassign(key(80)), 40_001);
  assert.equal(ports.reassign(key(80)), 40_000);
});

Deno.test("release() frees the ports of one app and no other", () => {
  const { ports } = hostWith();
  const dev = { ...shop, stage: "DEV" } as const;
  ports.recoverOrReserve(key(80), 0);
  ports.recoverOrReserve(key(80, { transport: "udp" }), 0);
  ports.recoverOrReserve(key(80, { app: dev }), 0);
  ports.recoverOrReserve(key(80, { app: cafe }), 0);
  ports.release(shop);
  assert.equal(ports.find(key(80)), undefined);
  assert.equal(ports.find(key(80, { transport: "udp" })), undefined);
  assert.equal(ports.find(key(80, { app: dev })), 40_001);
  assert.equal(ports.find(key(80, { app: cafe })), 40_002);
  assert.equal(ports.recoverOrReserve(key(81), 0), 40_000);
});

Deno.test("M26: portsNamedIn() finds the host ports that an error text of the engine names", () => {
  const ports = [4000, 40_001, 40_002].map((hostPort) => ({ hostPort }));
  const cases: [text: string, expected: number[]][] = [
    ["Bind for 0.0.0.0:40001 failed: port is already allocated", [40_001]],
    ["listen tcp4 0.0.0.0:40002: bind: address already in use", [40_002]],
    ["failed to bind host port 0.0.0.0:40001/tcp: address already in use, and :40002", [40_001, 40_002]],
    ["listen tcp4 0.0.0.0:4000", [4000]],
    ["port 40001 is already allocated", []],
    ["Bind for 0.0.0.0:400011 failed", []],
    ["", []],
  ];
  for (const [text, expected] of cases) {
    assert.deepEqual(portsNamedIn(text, ports).map(({ hostPort }) => hostPort), expected, text);
  }
});

Deno.test("for every sequence of calls, no two keys of one transport have one port, and no key gets a port that is taken", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = randomFrom(seed);
    const pick = (limit: number) => Math.floor(random() * limit);
    const { ports, taken } = hostWith();
    const keys: PortKey[] = [];
    for (const app of [shop, cafe, { ...shop, stage: "DEV" } as const]) {
      for (const transport of ["tcp", "udp"] as const) {
        for (const port of [80, 8080, 40_003]) keys.push({ app, transport, port });
      }
    }
    const done: string[] = [];
    for (let count = 0; count < 200; count++) {
      const chosen = keys[pick(keys.length)] ?? key(80);
      const before = ports.find(chosen);
      const kind = pick(6);
      done.push(`${kind}:${chosen.app.stage}:${chosen.app.appKey}:${chosen.transport}:${chosen.port}`);
      if (kind === 0) ports.release(chosen.app);
      else if (kind === 1) taken.add(`${chosen.transport}:${portPool.first + pick(20)}`);
      else if (kind === 2) ports.reserveDeclared(chosen);
      else if (kind === 3) ports.recoverOrReserve(chosen, pick(2) * (portPool.first + pick(10)));
      else {
        const assigned = kind === 4 ? ports.reassign(chosen) : ports.recoverOrReserve(chosen, 0);
        const isFresh = kind === 4 || before === undefined;
        assert.ok(!isFresh || !taken.has(`${chosen.transport}:${assigned}`), `seed ${seed}: ${done.join(" ")}`);
      }
      const owned = keys.flatMap((each) => {
        const hostPort = ports.find(each);
        return hostPort === undefined ? [] : [`${each.transport}:${hostPort}`];
      });
      assert.equal(new Set(owned).size, owned.length, `seed ${seed}: ${done.join(" ")}`);
    }
  }
});

/** Numbers from 0 to 1 that are the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
