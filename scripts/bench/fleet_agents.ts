/**
 * One process of a simulated fleet: light agents that use the link of the real agent and do nothing else. Started by
 * `fleet_process.ts`, which reads a line of JSON for each connection from the output. Ends with its input.
 */

import { systemClock } from "../../lib/async/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { parseFlags } from "../../lib/flags.ts";
import { Link } from "../../lib/wamp/link.ts";
import { noProxies } from "../../lib/wamp/proxy.ts";
import { deviceUri, markerName, realm, testamentTopic } from "../../lib/backend/uris.ts";
import { fleetLogin } from "./fleet_logins.ts";

/** How late a timer may be before the process itself counts as too slow. */
const tickMs = 50;

if (import.meta.main) await main(Deno.args);

async function main([url = "", first = "0", count = "0"]: readonly string[]): Promise<void> {
  const timeouts = standardTimeouts();
  for (let agent = Number(first); agent < Number(first) + Number(count); agent += 1) {
    startAgent(url, { agent, timeouts });
  }
  watchLateness();
  for await (const _ of Deno.stdin.readable) {
    // Only the end of the input matters.
  }
  Deno.exit(0);
}

function startAgent(
  url: string,
  { agent, timeouts }: { agent: number; timeouts: ReturnType<typeof standardTimeouts> },
): void {
  const login = fleetLogin(agent);
  const link = new Link({
    identity: () => ({ url, realm, ...login }),
    marker: { procedure: deviceUri(`fleet-${agent}`, markerName), reply: [] },
    testament: (sessionId) => ({ topic: testamentTopic, args: [{ agent, wamp_session_id: sessionId }] }),
    timeouts,
    onSession: () => {
      emit({ agent, atMs: Date.now() });
      return Promise.resolve();
    },
    log: {
      ...silentLog,
      warn: (_message, fields) => emit({ agent, failure: String(fields?.error), atMs: Date.now() }),
    },
    clock: systemClock,
    random: Math.random,
    proxies: noProxies,
  });
  link.ended.then((end) => emit({ agent, end: end.kind }));
  link.start();
}

/** The timeouts of an agent without flags. */
function standardTimeouts(): { connectMs: number; pingMs: number; responseMs: number } {
  const parsed = parseFlags([], { program: "reagent", platform: { os: "linux", homeDir: undefined } });
  if (parsed.kind !== "run") throw new Error("The agent does not start without flags");
  const { connTimeout, ppTimeout, respTimeout } = parsed.flags;
  return { connectMs: connTimeout, pingMs: ppTimeout, responseMs: respTimeout };
}

function watchLateness(): void {
  let before = performance.now();
  setInterval(() => {
    const lateMs = performance.now() - before - tickMs;
    before = performance.now();
    if (lateMs > tickMs) emit({ lateMs: Math.round(lateMs), atMs: Date.now() });
  }, tickMs);
}

function emit(event: object): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(event)}\n`));
}
