/**
 * A day of the agent in some minutes: 10,000,000 log lines that nobody looks at, 1,000 lost connections and 86,400 heartbeats, on
 * the agent's own link, heartbeat and log path. Prints its memory after each tenth; it must not grow.
 * `deno run -P=tools scripts/bench/log_day.ts [share of a day]`
 */

import { openSession, startRouter } from "../../tests/wamp/open.ts";
import type { Session } from "../../lib/wamp/session.ts";
import { callAgent, printLines, readUsage, startProgram } from "./log_programs.ts";

/** What a tenth of a day brought, and the memory of the agent at its end. */
export interface Tenth {
  lines: number;
  reconnects: number;
  beats: number;
  seconds: number;
  rssMib: number;
  heapMib: number;
}

/** A whole day. */
const day = { lines: 10_000_000, reconnects: 1_000, beats: 86_400 };

/** The last tenth may take so much more than the first. */
export const growthLimitMib = 3;

const tenths = 10;

/** Lives through `share` of a day; `onTenth` is told of each tenth. */
export async function measureLogDay(share: number, onTenth: (tenth: Tenth) => void): Promise<Tenth[]> {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const socket = `${folder}/s`;
  const router = stack.use(await startRouter());
  const studio = await openSession(router.url, { authid: "system" });
  stack.defer(() => studio.close());
  const counts = { beats: 0 };
  await studio.register("bench.beat", () => {
    counts.beats += 1;
    return Promise.resolve({});
  });
  const sessions = await watchSessions(studio);
  startProgram(stack, { file: "log_printer.ts", args: [socket, "tty"] });
  startProgram(stack, { file: "day_agent.ts", args: [socket, router.url] });
  await callAgent(studio, "bench.usage");
  // The container is followed a little later than calls are answered.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const part = share / tenths;
  const done: Tenth[] = [];
  for (let tenth = 1; tenth <= tenths; tenth += 1) {
    const beganMs = performance.now();
    const printing = printLines(socket, `lines=${Math.round(day.lines * part)}`);
    let reconnects = 0;
    for (; reconnects < Math.round(day.reconnects * part); reconnects += 1) {
      await sessions.lose((id) => router.dropSession(id));
    }
    const { lines } = await printing;
    while (counts.beats < tenth * day.beats * part) await new Promise((resolve) => setTimeout(resolve, 50));
    const usage = await readUsage(studio);
    const seconds = (performance.now() - beganMs) / 1_000;
    const beats = counts.beats - done.reduce((sum, each) => sum + each.beats, 0);
    const seen = { lines, reconnects, beats, seconds, rssMib: usage.rss / 2 ** 20, heapMib: usage.heapUsed / 2 ** 20 };
    done.push(seen);
    onTenth(seen);
  }
  return done;
}

/** How much more the last tenth took than the first. */
export function growthMib(tenths: readonly Tenth[]): number {
  return (tenths.at(-1)?.rssMib ?? NaN) - (tenths[0]?.rssMib ?? NaN);
}

/** Knows the session of the agent, and when it has a new one that works. */
async function watchSessions(studio: Session): Promise<{ lose(drop: (id: number) => boolean): Promise<void> }> {
  const { args: [first] } = await studio.call("wamp.session.list");
  const others = new Set(Array.isArray(first) ? first : []);
  const current = async () => {
    const { args: [ids] } = await studio.call("wamp.session.list");
    return Array.isArray(ids) ? ids.find((id) => !others.has(id)) : undefined;
  };
  return {
    async lose(drop) {
      const id = await current();
      if (typeof id === "number") drop(id);
      others.add(id);
      await callAgent(studio, "bench.usage");
    },
  };
}

async function main(share: number): Promise<number> {
  const seen = await measureLogDay(share, (tenth) => {
    print(
      `${tenth.lines} lines, ${tenth.reconnects} reconnects, ${tenth.beats} heartbeats in ${
        tenth.seconds.toFixed(0)
      } s: ` +
        `RSS ${tenth.rssMib.toFixed(1)} MiB, heap ${tenth.heapMib.toFixed(1)} MiB`,
    );
  });
  const growth = growthMib(seen);
  print(`The last tenth took ${growth.toFixed(1)} MiB more than the first; the limit is ${growthLimitMib} MiB`);
  return growth <= growthLimitMib ? 0 : 1;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 1)));
