/**
 * The agent's log path in a process of its own, so that its cost can be measured: `log_agent.ts SOCKET ROUTER_URL HOME`
 * follows the container of log_printer.ts and publishes its lines. Answers `bench.usage`, `bench.ping`,
 * `bench.history` and `bench.profile`.
 */

import type { Session } from "node:inspector/promises";
import { cpuUsage, memoryUsage } from "node:process";
import { openSession } from "../studio/open_session.ts";
import { openPrinterLogs } from "./printer_logs.ts";
import { agentUser, channel } from "./log_names.ts";

async function runAgent([socket = "", routerUrl = "", home = ""]: readonly string[]): Promise<void> {
  const session = await openSession({ url: routerUrl, ...agentUser }, { pingMs: 20_000 });
  const wire = {
    call: (procedure: string, args?: unknown[]) => session.call(procedure, args),
    publish: (topic: string, args: unknown[]) => session.publish(topic, args),
    isConnected: () => session.isOpen,
    waitingBytes: () => session.waitingBytes,
  };
  await using logs = openPrinterLogs(wire, { socket, home });
  await session.register("bench.ping", () => Promise.resolve({ args: ["pong"] }));
  await session.register("bench.usage", () => Promise.resolve({ args: [{ ...cpuUsage(), ...memoryUsage() }] }));
  await session.register("bench.history", async () => ({ args: [await logs.readHistory(channel, never)] }));
  await session.register("bench.profile", ({ args }) => profile(String(args[0])));
  await logs.attach(session, [{ channel, containerName: channel }]);
  await session.closed;
}

let inspector: Session | undefined;

/** The first call starts a CPU profile, the second one writes it. */
async function profile(file: string): Promise<Record<string, never>> {
  if (inspector === undefined) {
    // Imported on demand: it takes memory that must not be measured.
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

if (import.meta.main) await runAgent(Deno.args);
