/**
 * Measures what the log of an app costs, with an engine that prints, the agent's own log path, and a router with a
 * viewer, in three processes. `deno run -P=tools scripts/bench/log_path.ts [--seconds N] [--profile FILE] [part of a
 * case's name]`
 */

import type { Session } from "../../lib/wamp/session.ts";
import { sleep } from "../testbed/wait.ts";
import { percentile } from "./results.ts";
import { channel, serialNumber } from "./log_names.ts";
import { logTopic } from "../../lib/backend/uris.ts";
import { type LogFixture, printLines, readReportedUsage, startLogFixture } from "./log_fixture.ts";
import { countLines } from "./printed_lines.ts";

/** One way in which an app prints. */
export interface LogCase {
  name: string;
  /** The container has a terminal, like those of the agent. */
  isTty: boolean;
  /** Undefined: as fast as possible. */
  linesPerSecond: number | undefined;
  isWatched: boolean;
}

/** The result of one case. */
export interface LogMeasurement {
  printedPerSecond: number;
  /** The printed lines that reached the viewer, in percent. */
  deliveredPercent: number;
  /** The dropped lines that the agent reports. */
  dropped: number;
  /** Percent of a core per 1,000 lines a second. */
  processorPercent: number;
  rssMib: number;
  pingP50Ms: number;
  pingMaxMs: number;
}

/** What the viewer has received. */
interface Tally {
  lines: number;
  dropped: number;
}

/** The cases of a full run. */
export const logCases: readonly LogCase[] = [true, false].flatMap((isTty) => {
  const kind = isTty ? "terminal" : "frames";
  return [
    { name: `1,900 lines/s watched, ${kind}`, isTty, linesPerSecond: 1_900, isWatched: true },
    { name: `1,900 lines/s alone, ${kind}`, isTty, linesPerSecond: 1_900, isWatched: false },
    { name: `18,000 lines/s watched, ${kind}`, isTty, linesPerSecond: 18_000, isWatched: true },
    { name: `all it can watched, ${kind}`, isTty, linesPerSecond: undefined, isWatched: true },
    { name: `all it can alone, ${kind}`, isTty, linesPerSecond: undefined, isWatched: false },
  ];
});

const warmSeconds = 2;
const pingEveryMs = 10;

/** Measures one case with programs of its own. Throws when a line was neither delivered nor reported as dropped. */
export async function measureLogCase(
  { isTty, linesPerSecond, isWatched }: LogCase,
  options: { seconds: number; profile?: string },
): Promise<LogMeasurement> {
  await using stack = new AsyncDisposableStack();
  const tally: Tally = { lines: 0, dropped: 0 };
  const { studio: viewer, socket } = await startStage(stack, { isTty, ...(isWatched ? { tally } : {}) });
  const order = linesPerSecond === undefined ? "" : `rate=${linesPerSecond}&`;
  await printLines(socket, `${order}seconds=${warmSeconds}`);
  await settled(tally);
  const warm = { ...tally };
  if (options.profile !== undefined) await viewer.call("bench.profile", [options.profile]);
  const before = await readReportedUsage(viewer);
  // Calls cost time as well; where little is printed they would dominate the result.
  const pings = new Pings(viewer, linesPerSecond === 1_900 ? 1_000 : pingEveryMs);
  const printed = await printLines(socket, `${order}seconds=${options.seconds}`);
  await settled(tally);
  const pingsMs = await pings.end();
  const after = await readReportedUsage(viewer);
  if (options.profile !== undefined) await viewer.call("bench.profile", [options.profile]);
  await checkHistory(viewer, printed.lines);
  const received = { lines: tally.lines - warm.lines, dropped: tally.dropped - warm.dropped };
  if (isWatched && received.lines + received.dropped !== printed.lines) {
    const counts = `${received.lines} arrived and ${received.dropped} were reported as dropped`;
    throw new Error(`${printed.lines} lines were printed, ${counts}`);
  }
  const spentMs = (after.user + after.system - before.user - before.system) / 1_000;
  return {
    printedPerSecond: 1_000 * printed.lines / printed.ms,
    deliveredPercent: 100 * received.lines / printed.lines,
    dropped: received.dropped,
    processorPercent: 100 * spentMs / printed.lines,
    rssMib: after.rss / 1024 / 1024,
    pingP50Ms: percentile(pingsMs, 50),
    pingMaxMs: Math.max(...pingsMs),
  };
}

/** With a `tally` the log has a viewer. */
async function startStage(
  stack: AsyncDisposableStack,
  { isTty, tally }: { isTty: boolean; tally?: Tally },
): Promise<LogFixture> {
  const prepare = async (viewer: Session) => {
    if (tally === undefined) return;
    await viewer.subscribe(logTopic(serialNumber, channel), ({ args }) => count(String(args[0]), tally));
  };
  return await startLogFixture(stack, { agent: "log_agent.ts", isTty, prepare });
}

async function main(args: readonly string[]): Promise<void> {
  const value = (name: string) => args[args.indexOf(name) + 1 || args.length];
  const seconds = Number(value("--seconds") ?? 10);
  const profile = value("--profile");
  const part = args.length % 2 === 1 ? args.at(-1) ?? "" : "";
  for (const each of logCases.filter(({ name }) => name.includes(part))) {
    const measured = await measureLogCase(each, { seconds, ...(profile === undefined ? {} : { profile }) });
    print(`${each.name.padEnd(34)} ${textOf(measured)}`);
  }
}

function textOf(measured: LogMeasurement): string {
  return `${measured.printedPerSecond.toFixed(0)} lines/s, ${
    measured.processorPercent.toFixed(2)
  } % of a core per 1,000 lines/s, ` +
    `${measured.deliveredPercent.toFixed(1)} % delivered, ${measured.dropped} dropped, ` +
    `${measured.rssMib.toFixed(1)} MiB, call p50 ${measured.pingP50Ms.toFixed(2)} ms, max ${
      measured.pingMaxMs.toFixed(1)
    } ms`;
}

function count(text: string, tally: Tally): void {
  const { lines, dropped } = countLines(text);
  tally.lines += lines;
  tally.dropped += dropped;
}

/** Waits until nothing has arrived for a while. */
async function settled(tally: { lines: number }): Promise<void> {
  for (let before = -1; before !== tally.lines;) {
    before = tally.lines;
    await sleep(600);
  }
}

/** The history must end with the last printed line, with or without a viewer: all lines were read. */
async function checkHistory(viewer: Session, lines: number): Promise<void> {
  const { args: [history] } = await viewer.call("bench.history");
  const last = Array.isArray(history) ? String(history.at(-1)) : "";
  if (countLines(last).lastNumber !== lines - 1) throw new Error(`The history ends with "${last.slice(0, 20)}"`);
}

/** Calls the agent repeatedly and records how long each call took. */
class Pings {
  readonly #timesMs: number[] = [];
  readonly #run: Promise<void>;
  #isEnded = false;

  constructor(viewer: Session, everyMs: number) {
    this.#run = this.#callAll(viewer, everyMs);
  }

  async end(): Promise<readonly number[]> {
    this.#isEnded = true;
    await this.#run;
    return this.#timesMs;
  }

  async #callAll(viewer: Session, everyMs: number): Promise<void> {
    while (!this.#isEnded) {
      const beganMs = performance.now();
      await viewer.call("bench.ping");
      this.#timesMs.push(performance.now() - beganMs);
      await sleep(everyMs);
    }
  }
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) await main(Deno.args);
