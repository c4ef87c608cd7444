import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { StateMonitor } from "../../../lib/tunnels/state_monitor.ts";
import { tunnelProxy } from "../../../lib/tunnels/tunnel_proxy.ts";
import { type TunnelState, tunnelStates } from "../../../lib/tunnels/tunnel_status.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const proxy = tunnelProxy({ deviceKey: 1, appName: "a", port: 1, protocol: "tcp" }, {
  localIp: "",
  localPort: 1,
  remotePort: 0,
});

function stateOf(status: string): TunnelState[] {
  const plain = { name: proxy.name, protocol: "tcp", error: "", localAddress: "", plugin: "" };
  return tunnelStates([proxy], {
    statuses: [{ ...plain, status, remoteAddress: "", remotePort: 0 }],
    domain: "example.com",
  });
}

/** A monitor whose states and whose link a test sets. */
async function watch(
  work: (
    world: { states: TunnelState[] | undefined; isOnline: boolean; told: string[]; monitor: StateMonitor },
    clock: FakeClock,
  ) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const told: string[] = [];
  const life = new AbortController();
  const monitor = new StateMonitor({
    read: () => Promise.resolve(world.states),
    publish: (states) => {
      if (!world.isOnline) return Promise.reject(new AgentError("not_connected", "There is no connection"));
      told.push(states.map(({ status }) => status.status).join());
      return Promise.resolve();
    },
    clock,
    log: silentLog,
  });
  const world: Parameters<typeof work>[0] = { states: [], isOnline: true, told, monitor };
  const running = monitor.run(life.signal);
  await work(world, clock);
  life.abort();
  await running;
}

Deno.test("states are told when they have changed, and only then", async () => {
  await watch(async (world, clock) => {
    await clock.advance(30_000);
    assert.deepEqual(world.told, [], "there has never been a tunnel");
    world.states = stateOf("running");
    await clock.advance(60_000);
    assert.deepEqual(world.told, ["running"]);
    world.states = [];
    await clock.advance(10_000);
    assert.deepEqual(world.told, ["running", ""]);
  });
});

Deno.test("states that could not be told are told again", async () => {
  await watch(async (world, clock) => {
    world.states = stateOf("running");
    world.isOnline = false;
    await clock.advance(30_000);
    world.isOnline = true;
    await clock.advance(10_000);
    assert.deepEqual(world.told, ["running"]);
  });
});

Deno.test("publishSoon() tells the states at once, and several calls together tell them once", async () => {
  await watch(async (world, clock) => {
    await clock.advance(0);
    for (let call = 0; call < 3; call += 1) world.monitor.publishSoon();
    await clock.advance(0);
    assert.deepEqual(world.told, [""]);
  });
});

Deno.test("what was to be told while the client starts is told when it runs", async () => {
  await watch(async (world, clock) => {
    world.states = undefined;
    await clock.advance(0);
    world.monitor.publishSoon();
    await clock.advance(20_000);
    assert.deepEqual(world.told, []);
    world.states = [];
    await clock.advance(10_000);
    assert.deepEqual(world.told, [""]);
  });
});
