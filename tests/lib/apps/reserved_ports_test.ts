import assert from "node:assert/strict";
import { encodePortRule } from "../../../lib/model/port_rule.ts";
import { FakeDevice } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;

/** A device on which other processes hold the ports in `taken`, as `tcp:41000`. */
class World implements AsyncDisposable {
  readonly taken = new Set<string>();
  readonly device = new FakeDevice({ "1": {}, "2": {} }, () => ({
    isPortFree: (port, transport) => !this.taken.has(`${transport}:${port}`),
  }));

  /** Requests a state of an app of this key with these rules. Returns what reached Studio. */
  async ask(...[appKey, target, rules]: [number, string, Record<string, unknown>[]]): Promise<string[]> {
    const name = `app${appKey}`;
    this.device.engine.registry.set(`r.example.com/apps/prod_amd64_${appKey}_${name}:1`, {});
    const ports = rules.map((rule) => ({ protocol: "tcp", ...rule }));
    return await this.device.request(target, { app_key: appKey, app_name: name, ports });
  }

  state(appKey: number): string | undefined {
    return this.device.apps.list().find(({ id }) => id.appKey === appKey)?.state;
  }

  /** Host ports of the container of an app, by declared port. */
  async bound(appKey: number): Promise<Record<string, number>> {
    const details = await this.device.engine.inspect(`prod_${appKey}_app${appKey}`, never);
    const entries = Object.entries(details?.portBindings ?? {});
    return Object.fromEntries(entries.map(([name, [binding]]) => [name, binding?.hostPort ?? 0]));
  }

  /** The rules that were last saved, as Studio gets them. */
  get saved(): Record<string, unknown>[] {
    return this.device.studio.ports.at(-1)?.ports.map(encodePortRule) ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]();
  }
}

function unavailable(hostPort: number, port: number, reason: string): string {
  return `"Reserved host port ${hostPort} for port ${port} is unavailable: ${reason}. ` +
    'Reserved ports are never reassigned automatically - free the port or change the reservation."';
}

Deno.test("change 2.5: a reserved port is published exactly, also outside the pool, and written back", async () => {
  await using world = new World();
  await world.ask(71, "RUNNING", [{ port: 502, reserved_host_port: 1502, note: "kept" }, { port: 80 }]);
  assert.deepEqual(await world.bound(71), { "502/tcp": 1502, "80/tcp": 40_000 });
  assert.deepEqual(
    world.saved.map(({ host_port, reserved_host_port, reservation_error, note }) => [
      ...[host_port, reserved_host_port, reservation_error, note],
    ]),
    [[1502, 1502, undefined, "kept"], [40_000, undefined, undefined, undefined]],
  );
});

Deno.test("change 2.5: reservations of rules that are not for tcp or udp, or for another machine, are carried only", async () => {
  await using world = new World();
  const inert = { reserved_host_port: 41_000, reserved_remote_port: 31_000 };
  await world.ask(71, "RUNNING", [{ port: 80, protocol: "http", ...inert }]);
  assert.deepEqual(await world.bound(71), { "80/tcp": 40_000 });
  assert.deepEqual([world.saved[0]?.reserved_host_port, world.saved[0]?.reserved_remote_port], [41_000, 31_000]);
});

Deno.test("change 2.5: an app whose reserved port cannot be had fails, and log and rule say why", async (t) => {
  const cases: [name: string, hostPort: number, reason: string, prepare: (world: World) => Promise<unknown> | void][] =
    [
      [
        "denylisted",
        7_000,
        "reserved host port 7000 is denylisted (agent-internal port)",
        () => {},
      ],
      ["end of the band", 7_499, "reserved host port 7499 is denylisted (agent-internal port)", () => {}],
      [
        "another process",
        41_000,
        "reserved host port 41000 is in use by another process",
        (world) => void world.taken.add("tcp:41000"),
      ],
      [
        "the chosen port of another app",
        40_000,
        "reserved host port 40000 is already used by another app",
        (world) => world.ask(90, "RUNNING", [{ port: 80 }]),
      ],
    ];
  for (const [name, hostPort, reason, prepare] of cases) {
    await t.step(name, async () => {
      await using world = new World();
      await prepare(world);
      const entries = await world.ask(71, "RUNNING", [{ port: 502, reserved_host_port: hostPort }]);
      assert.equal(world.state(71), "FAILED");
      assert.ok(entries.includes(unavailable(hostPort, 502, reason)), entries.join("\n"));
      assert.ok(entries.includes(`"The app failed to start, reason: ${reason}"`), entries.join("\n"));
      assert.deepEqual([world.saved[0]?.reservation_error, world.saved[0]?.host_port], [reason, undefined]);
    });
  }
});

Deno.test("change 2.5: a port that becomes free is taken by the next try, and the error is cleared", async () => {
  await using world = new World();
  world.taken.add("tcp:41000");
  await world.ask(71, "RUNNING", [{ port: 502, reserved_host_port: 41_000 }]);
  world.taken.clear();
  await world.device.advance(10_000);
  assert.deepEqual([world.state(71), await world.bound(71)], ["RUNNING", { "502/tcp": 41_000 }]);
  assert.deepEqual([world.saved[0]?.reservation_error, world.saved[0]?.host_port], [undefined, 41_000]);
});

Deno.test("change 2.5: tcp and udp are separate", async () => {
  await using world = new World();
  world.taken.add("udp:41000");
  await world.ask(71, "RUNNING", [{ port: 502, reserved_host_port: 41_000 }]);
  await world.ask(72, "RUNNING", [{ port: 502, protocol: "udp", reserved_host_port: 41_000 }]);
  assert.deepEqual([world.state(71), world.state(72)], ["RUNNING", "FAILED"]);
  world.taken.clear();
  await world.device.advance(10_000);
  assert.deepEqual([await world.bound(71), await world.bound(72)], [{ "502/tcp": 41_000 }, { "502/udp": 41_000 }]);
});

Deno.test("change 2.5: no choice takes a port that a stopped app has reserved", async (t) => {
  await t.step("of the pool", async () => {
    await using world = new World();
    await world.ask(90, "PRESENT", [{ port: 502, reserved_host_port: 40_000 }]);
    await world.ask(71, "RUNNING", [{ port: 80 }]);
    assert.deepEqual(await world.bound(71), { "80/tcp": 40_001 });
  });
  await t.step("that Studio has stored", async () => {
    await using world = new World();
    await world.ask(90, "PRESENT", [{ port: 502, reserved_host_port: 42_000 }]);
    await world.ask(71, "RUNNING", [{ port: 80, host_port: 42_000 }]);
    assert.deepEqual(await world.bound(71), { "80/tcp": 40_000 });
  });
  await t.step("after a restart of the agent", async () => {
    await using world = new World();
    await world.ask(90, "PRESENT", [{ port: 502, reserved_host_port: 40_000 }]);
    await world.device.stopAgent();
    world.device.startAgent();
    await world.ask(71, "RUNNING", [{ port: 80 }]);
    assert.deepEqual(await world.bound(71), { "80/tcp": 40_001 });
  });
  await t.step("that the app had before it was reserved, at its next start", async () => {
    await using world = new World();
    await world.ask(71, "RUNNING", [{ port: 80 }]);
    await world.ask(90, "PRESENT", [{ port: 502, reserved_host_port: 40_000 }]);
    await world.ask(71, "PRESENT", [{ port: 80 }]);
    await world.ask(71, "RUNNING", [{ port: 80 }]);
    assert.deepEqual(await world.bound(71), { "80/tcp": 40_001 });
    await world.ask(90, "RUNNING", [{ port: 502, reserved_host_port: 40_000 }]);
    assert.deepEqual(await world.bound(90), { "502/tcp": 40_000 });
  });
});

Deno.test("change 2.5: a reservation of a running app takes effect at its next start, and the log says so once", async () => {
  await using world = new World();
  const reserved = [{ port: 502, reserved_host_port: 41_000 }];
  await world.ask(71, "RUNNING", [{ port: 502 }]);
  const entries = await world.ask(71, "RUNNING", reserved);
  const line = '"Reserved host port 41000 for port 502 takes effect on the next restart of the app; ' +
    'until then port 502 stays reachable on host port 40000."';
  assert.ok(entries.includes(line), entries.join("\n"));
  assert.deepEqual([await world.bound(71), world.saved[0]?.host_port], [{ "502/tcp": 40_000 }, 40_000]);
  assert.ok(!(await world.ask(71, "RUNNING", reserved)).includes(line));
  // Until then the port belongs to nobody else.
  await world.ask(72, "RUNNING", [{ port: 80, host_port: 41_000 }]);
  assert.notEqual((await world.bound(72))["80/tcp"], 41_000);
  await world.ask(71, "PRESENT", reserved);
  await world.ask(71, "RUNNING", reserved);
  assert.deepEqual([await world.bound(71), world.saved[0]?.host_port], [{ "502/tcp": 41_000 }, 41_000]);
});

Deno.test("change 2.5: a pin that fails does not give up the port that the app has", async () => {
  await using world = new World();
  await world.ask(71, "RUNNING", [{ port: 502 }]);
  world.taken.add("tcp:41000");
  const entries = await world.ask(71, "RUNNING", [{ port: 502, reserved_host_port: 41_000 }]);
  const reason = "reserved host port 41000 is in use by another process";
  assert.ok(entries.includes(unavailable(41_000, 502, reason)), entries.join("\n"));
  assert.deepEqual([world.saved[0]?.host_port, world.saved[0]?.reservation_error], [40_000, reason]);
  await world.ask(71, "PRESENT", [{ port: 502, reserved_host_port: 41_000 }]);
  await world.ask(72, "RUNNING", [{ port: 80 }]);
  assert.deepEqual(await world.bound(72), { "80/tcp": 40_001 });
  await world.ask(71, "RUNNING", [{ port: 502 }]);
  assert.deepEqual(await world.bound(71), { "502/tcp": 40_000 });
});

Deno.test("change 2.5: a reservation that is removed drops its pin", async () => {
  await using world = new World();
  await world.ask(71, "RUNNING", [{ port: 502 }]);
  await world.ask(71, "RUNNING", [{ port: 502, reserved_host_port: 41_000 }]);
  await world.ask(71, "RUNNING", [{ port: 502 }]);
  await world.ask(72, "RUNNING", [{ port: 502, reserved_host_port: 41_000 }]);
  assert.deepEqual(await world.bound(72), { "502/tcp": 41_000 });
});

Deno.test("change 2.5: of two equal reservations the lower app key wins, whoever starts first", async (t) => {
  const reserved = [{ port: 502, reserved_host_port: 41_000 }];
  const used = unavailable(41_000, 502, "reserved host port 41000 is already used by another app");
  const winner =
    '"Reserved host port 41000 for port 502 is also reserved for app 71, which has the lower app key and ' +
    'goes first."';
  await t.step("while it is stopped", async () => {
    await using world = new World();
    await world.ask(71, "PRESENT", reserved);
    const entries = await world.ask(90, "RUNNING", reserved);
    assert.equal(world.state(90), "FAILED");
    assert.ok(entries.includes(used) && entries.includes(winner), entries.join("\n"));
    await world.ask(71, "RUNNING", reserved);
    assert.deepEqual(await world.bound(71), { "502/tcp": 41_000 });
  });
  await t.step("although the other one runs already", async () => {
    await using world = new World();
    await world.ask(90, "RUNNING", reserved);
    assert.equal(world.state(90), "RUNNING");
    await world.ask(71, "RUNNING", reserved);
    await world.device.advance(10_000);
    const entries = [...world.device.studio.entries];
    assert.deepEqual([world.state(71), world.state(90)], ["RUNNING", "FAILED"], entries.join("\n"));
    assert.deepEqual(await world.bound(71), { "502/tcp": 41_000 });
    assert.ok(entries.includes(winner), entries.join("\n"));
  });
});

Deno.test("change 2.5: a reserved port is never reassigned on a conflict that only the engine sees", async () => {
  await using world = new World();
  const { engine } = world.device;
  engine.stock("other:1", {});
  const HostConfig = { PortBindings: { "1/tcp": [{ HostIp: "0.0.0.0", HostPort: "41000" }] } };
  await engine.start(await engine.create("foreign", { Image: "other:1", HostConfig }, never), never);
  const entries = await world.ask(71, "RUNNING", [{ port: 502, reserved_host_port: 41_000 }]);
  const reason = "reserved host port 41000 is in use by another process";
  assert.equal(world.state(71), "FAILED");
  assert.ok(entries.includes(unavailable(41_000, 502, reason)), entries.join("\n"));
  assert.deepEqual([world.saved[0]?.reservation_error, world.saved[0]?.reserved_host_port], [reason, 41_000]);
});

Deno.test("change 2.5: two rules of an app that contradict each other are refused", async (t) => {
  const cases: [string, Record<string, unknown>[], string][] = [
    [
      "one port, two reservations",
      [{ port: 502, reserved_host_port: 41_000 }, { port: 502, reserved_host_port: 41_001 }],
      "reserved host port 41000 for port 502 is ambiguous: several rules declare the port",
    ],
    [
      "two ports, one reservation",
      [{ port: 502, reserved_host_port: 41_000 }, { port: 503, reserved_host_port: 41_000 }],
      "reserved host port 41000 is already used by another rule of the app",
    ],
  ];
  for (const [name, rules, reason] of cases) {
    await t.step(name, async () => {
      await using world = new World();
      await world.ask(71, "RUNNING", rules);
      assert.equal(world.state(71), "FAILED");
      assert.ok(world.saved.some((rule) => rule.reservation_error === reason), JSON.stringify(world.saved));
    });
  }
});

Deno.test("change 1.5: ports are saved only when a rule has changed, and again when Studio did not take them", async () => {
  await using world = new World();
  await world.ask(71, "RUNNING", [{ port: 80 }]);
  assert.equal(world.device.studio.ports.length, 1);
  await world.ask(71, "RUNNING", [{ port: 80, host_port: 40_000 }]);
  assert.equal(world.device.studio.ports.length, 1);
  world.device.studio.isConnected = false;
  await world.ask(71, "RUNNING", [{ port: 80 }]);
  world.device.studio.isConnected = true;
  await world.ask(71, "RUNNING", [{ port: 80, host_port: 40_000 }]);
  assert.equal(world.device.studio.ports.length, 2);
});

Deno.test("change 1.4: check_host_port answers what the next start would see", async () => {
  await using world = new World();
  await world.ask(90, "PRESENT", [{ port: 502, reserved_host_port: 41_000 }]);
  await world.ask(71, "RUNNING", [{ port: 80, protocol: "http" }, { port: 502, reserved_host_port: 42_000 }]);
  world.taken.add("tcp:42000").add("tcp:43000");
  const check = (...[appKey, port, hostPort, transport = "tcp"]: [number, number, number, ("tcp" | "udp")?]) => {
    const { available, reason } = world.device.apps.checkHostPort({
      ...{ app: { appKey, stage: "PROD" }, transport, port, hostPort },
    });
    return available ? reason === "" : reason;
  };
  const cases: [asked: Parameters<typeof check>, answer: true | string][] = [
    [[71, 502, 0], true],
    [[71, 502, 7_000], "denylisted"],
    [[71, 502, 6_999], true],
    [[71, 502, 7_500], true],
    [[71, 502, 41_000], "taken_by_app"],
    [[71, 502, 41_000, "udp"], true],
    [[71, 502, 42_000], true],
    [[71, 503, 42_000], "taken_by_app"],
    [[90, 502, 40_000], "taken_by_app"],
    [[71, 80, 40_000], true],
    [[71, 502, 40_000], true],
    [[71, 502, 43_000], "taken_by_process"],
    [[71, 502, 70_000], "taken_by_process"],
    [[1_000, 1, 43_001], true],
  ];
  for (const [asked, answer] of cases) assert.equal(check(...asked), answer, asked.join(" "));
});
