import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { askAgent } from "../../../lib/local/ask.ts";
import type { LocalDeps } from "../../../lib/local/dependencies.ts";
import { createLocal, type Local } from "../../../lib/local/local.ts";
import { socketPath } from "../../../lib/local/socket_path.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

interface Place {
  agentDir: string;
  clock: FakeClock;
  local: Local;
  loads: number;
}

async function openPlace(stack: AsyncDisposableStack): Promise<Place> {
  const agentDir = await Deno.makeTempDir({ prefix: "l-" });
  stack.defer(() => Deno.remove(agentDir, { recursive: true }));
  const clock = new FakeClock();
  const place = { agentDir, clock, loads: 0 };
  const load = () => {
    place.loads += 1;
    return Promise.resolve(localDeps(agentDir, clock));
  };
  return Object.assign(place, { local: stack.use(createLocal({ load, clock, log: silentLog })) });
}

function localDeps(agentDir: string, clock: FakeClock): LocalDeps {
  return {
    ...{ agentDir, version: "1.2.3", paths: { config: "", database: "", log: "", apps: "" }, folders: [], clock },
    device: () => ({ name: "pump", serialNumber: "s-1", endpointUrl: "wss://studio.example/ws" }),
    connection: () => ({ isOffline: false, connectedAtMs: undefined, heardAtMs: undefined }),
    isEngineAvailable: () => Promise.resolve(true),
    engineRoot: () => Promise.resolve("/"),
    engineEnvironment: {},
    listApps: () => [],
    isEmergency: () => false,
    problems: () => [],
    lastUpdate: () => Promise.resolve(undefined),
    checkRegistry: () => Promise.resolve("registry.example"),
    readHistory: (channel) => Promise.resolve([`${channel} 1`]),
  };
}

/** Until the socket is there, which takes some turns of the event loop. */
async function ask(agentDir: string): Promise<unknown> {
  for (let tries = 0;; tries += 1) {
    try {
      return await askAgent({ ask: "history", channel: "pump" }, { agentDir });
    } catch (error) {
      if (tries === 1_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

Deno.test("Local loads nothing before the agent has connected, then answers at once", async () => {
  await using stack = new AsyncDisposableStack();
  const place = await openPlace(stack);
  place.local.startLater();
  await assert.rejects(Deno.lstat(socketPath(place.agentDir)), Deno.errors.NotFound);
  assert.equal(place.loads, 0);
  place.local.start();
  assert.deepEqual(await ask(place.agentDir), ["pump 1"]);
  place.local.start();
  assert.equal(place.loads, 1);
});

Deno.test("Local answers after a second when the agent does not connect", async () => {
  await using stack = new AsyncDisposableStack();
  const place = await openPlace(stack);
  place.local.startLater();
  await place.clock.advance(1_000);
  assert.deepEqual(await ask(place.agentDir), ["pump 1"]);
});

Deno.test("Local ends while it waits, and does not open afterwards", async () => {
  await using stack = new AsyncDisposableStack();
  const place = await openPlace(stack);
  place.local.startLater();
  await place.local[Symbol.asyncDispose]();
  place.local.start();
  assert.equal(place.loads, 0);
});
