/**
 * The agent's side of the log path, alone in a process so that its cost can be read: `log_agent.ts SOCKET ROUTER_URL`
 * follows the container of log_printer.ts and publishes its lines. Answers `bench.usage`, `bench.ping`, `bench.profile`.
 */

import type { Session } from "node:inspector/promises";
import { cpuUsage, memoryUsage } from "node:process";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Engine } from "../../lib/docker/engine.ts";
import { AppLogs } from "../../lib/logs/app_log.ts";
import { Database } from "../../lib/store/database.ts";
import { createBackend } from "../../lib/wamp/backend.ts";
import { offlineWire } from "../../lib/wamp/wire.ts";
import { openSession } from "../../tests/wamp/open.ts";
import { channel, serialNumber } from "./log_names.ts";

async function runAgent(socket: string, routerUrl: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  const session = await openSession(routerUrl, { pingMs: 20_000 });
  const wire = { ...offlineWire(), call: (procedure: string, args?: unknown[]) => session.call(procedure, args) };
  const backend = createBackend(wire, () => ({ deviceKey: 345, swarmKey: 12, serialNumber }));
  await using logs = new AppLogs({
    serialNumber,
    engine: new Engine({ log: silentLog, env: { DOCKER_HOST: `unix://${socket}` } }),
    database: Database.open(`${folder}/reagent.db`, { log: silentLog }),
    publish: (topic, payload) => session.publish(topic, [payload]),
    isConnected: () => session.isOpen,
    waitingBytes: () => session.waitingBytes,
    match: (topic) => backend.matchSubscription(topic),
    clock: systemClock,
    random: Math.random,
    log: silentLog,
  });
  await session.register("bench.ping", () => Promise.resolve({ args: ["pong"] }));
  await session.register("bench.usage", () => Promise.resolve({ args: [{ ...cpuUsage(), ...memoryUsage() }] }));
  await session.register("bench.history", async () => ({ args: [await logs.readHistory(channel, never)] }));
  await session.register("bench.profile", ({ args }) => profile(String(args[0])));
  await logs.attach(session, [channel]);
  await session.closed;
  await Deno.remove(folder, { recursive: true });
}

let inspector: Session | undefined;

/** The first call starts a CPU profile, the second writes it. */
async function profile(file: string): Promise<Record<string, never>> {
  if (inspector === undefined) {
    // Not before it is needed: it takes memory that is no part of what is measured.
    const { Session } = await import("node:inspector/promises");
    inspector = new Session();
    inspector.connect();
    await inspector.post("Profiler.enable");
    await inspector.post("Profiler.start");
  } else {
    const { profile } = await inspector.post("Profiler.stop");
    await Deno.writeTextFile(file, JSON.stringify(profile));
  }
  return {};
}

const never = new AbortController().signal;

if (import.meta.main) await runAgent(Deno.args[0] ?? "", Deno.args[1] ?? "");
