/**
 * The components of the agent that run all day, in a process of their own so that its memory can be read:
 * `day_agent.ts SOCKET ROUTER_URL HOME`. Link and heartbeat are the real ones on a clock that runs thousands of times
 * faster; the logs follow the container of log_printer.ts without a viewer. Answers `bench.ping` and, after a garbage
 * collection, `bench.usage`.
 */

import { cpuUsage, memoryUsage } from "node:process";
import { type Clock, systemClock } from "../../lib/async/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Heartbeat } from "../../lib/status/heartbeat.ts";
import { Link } from "../../lib/wamp/link.ts";
import type { OnSession } from "../../lib/wamp/session_runs.ts";
import { noProxies } from "../../lib/wamp/proxy.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { realm, testamentTopic } from "../../lib/backend/uris.ts";
import { openPrinterLogs } from "./printer_logs.ts";
import { agentUser, channel, serialNumber } from "./log_names.ts";

/** A beat every 2 ms instead of every 30 s. */
const speed = 15_000;

const fastClock: Clock = {
  now: () => performance.now() * speed,
  wall: () => new Date(),
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
};

/** Runs until the process is ended. */
async function runAgent([socket = "", routerUrl = "", home = ""]: readonly string[]): Promise<void> {
  const link: Link = createLink(routerUrl, (session) => greet(session));
  const heartbeat = new Heartbeat({
    report: async () => void await link.call("bench.beat"),
    isConnected: () => link.isConnected,
    lastTrafficAt: () => link.lastTrafficAt(),
    reconnect: (reason) => link.reconnect(reason),
    clock: fastClock,
    log: silentLog,
  });
  const wire = {
    call: (procedure: string, args?: unknown[]) => link.call(procedure, args),
    publish: (topic: string, args: unknown[]) => link.publish(topic, args),
    isConnected: () => link.isConnected,
    waitingBytes: () => link.waitingBytes(),
  };
  const logs = openPrinterLogs(wire, { socket, home });
  const greet = async (session: Session) => {
    await session.register("bench.usage", () => Promise.resolve({ args: [readMemory()] }));
    await logs.attach(session, [{ channel, containerName: channel }]);
    heartbeat.restart();
    await session.register("bench.ping", () => Promise.resolve({ args: ["pong"] }));
  };
  link.start();
  await link.ended;
}

/** The current memory, with the heap after a garbage collection. */
function readMemory(): Record<string, number> {
  const usage = { ...cpuUsage(), ...memoryUsage() };
  const gc: unknown = Reflect.get(globalThis, "gc");
  if (typeof gc !== "function") throw new Error("Start this program with --v8-flags=--expose-gc");
  gc();
  return { ...usage, heapUsed: memoryUsage().heapUsed };
}

function createLink(url: string, onSession: OnSession): Link {
  return new Link({
    identity: () => ({ url, realm, ...agentUser }),
    marker: { procedure: `bench.marker.${serialNumber}`, reply: [] },
    testament: () => ({ topic: testamentTopic, args: [] }),
    timeouts: { connectMs: 10_000, pingMs: 0, responseMs: 10_000 },
    onSession,
    log: silentLog,
    clock: fastClock,
    random: Math.random,
    proxies: noProxies,
  });
}

if (import.meta.main) await runAgent(Deno.args);
