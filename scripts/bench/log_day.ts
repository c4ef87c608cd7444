/**
 * A day of the agent in some minutes: 10,000,000 log lines that nobody looks at, 1,000 lost connections and 86,400 heartbeats, on
 * the agent's own link, heartbeat and log path. Prints its memory after each tenth; what is in use must not grow.
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
  /** What is left of the heap after a collection. */
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
  const stage = await startStage(stack);
  const part = share / tenths;
  const done: Tenth[] = [];
  for (let tenth = 1; tenth <= tenths; tenth += 1) {
    const beganMs = performance.now();
    const printing = printLines(stage.socket, `lines=${Math.round(day.lines * part)}`);
    const reconnects = Math.round(day.reconnects * part);
    for (let count = 0; count < reconnects; count += 1) await stage.loseAgent();
    const { lines } = await printing;
    while (stage.counts.beats < tenth * day.beats * part) await pause(50);
    const usage = await readUsage(stage.studio);
    const seconds = (performance.now() - beganMs) / 1_000;
    const beats = stage.counts.beats - done.reduce((sum, each) => sum + each.beats, 0);
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

interface Stage {
  socket: string;
  studio: Session;
  counts: { beats: number };
  /** Cuts the connection of the agent and waits until it has a new one that works. */
  loseAgent(): Promise<void>;
}

async function startStage(stack: AsyncDisposableStack): Promise<Stage> {
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
  startProgram(stack, { file: "log_printer.ts", args: [socket, "tty"] });
  startProgram(stack, { file: "day_agent.ts", args: [socket, router.url] });
  await callAgent(studio, "bench.usage");
  // The container is followed a little later than calls are answered.
  await pause(1_000);
  const loseAgent = async () => {
    const { args: [ids] } = await studio.call("wamp.session.list");
    for (const id of Array.isArray(ids) ? ids : []) if (id !== studio.id) router.dropSession(id);
    await callAgent(studio, "bench.usage");
  };
  return { socket, studio, counts, loseAgent };
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
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
