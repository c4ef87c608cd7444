/** Reads the logs of the containers of one app, as the engine's command line shows them. */

import type { Engine } from "../docker/engine.ts";
import { shownContainerName } from "../model/app_names.ts";
import type { AppContainers } from "./find_log.ts";

/** Which lines. */
export interface WantedLines {
  /** Of each container, from its end; undefined for all. */
  tail: number | undefined;
  /** RFC 3339; empty for the beginning. */
  since: string;
  hasTimes: boolean;
  isFollowing: boolean;
}

interface TimedLine {
  time: string;
  text: string;
}

/** Prints what there is in the order of time, and what comes as it comes, until `signal` is aborted. */
export async function printContainerLines(
  { project, containers }: AppContainers,
  { engine, wanted, print }: { engine: Engine; wanted: WantedLines; print(lines: string[]): void },
  signal: AbortSignal,
): Promise<void> {
  const names = containers.map(({ names: [name = ""] }) => project ? shownContainerName(name, project) : "");
  const width = Math.max(...names.map((name) => name.length));
  const logs = containers.map(({ id }, index) => {
    const prefix = project ? `${(names[index] ?? "").padEnd(width)}  | ` : "";
    return openContainerLog(engine, { id, prefix, wanted }, signal);
  });
  const show = (lines: readonly TimedLine[]) =>
    print(lines.map(({ time, text }) => wanted.hasTimes ? `${time} ${text}` : text));
  if (wanted.isFollowing) {
    await Promise.all(logs.map(async (log) => {
      for await (const lines of log) show(lines);
    }));
  } else {
    for await (const lines of mergeByTime(logs)) show(lines);
  }
}

async function* openContainerLog(
  engine: Engine,
  { id, prefix, wanted }: { id: string; prefix: string; wanted: WantedLines },
  signal: AbortSignal,
): AsyncGenerator<TimedLine[]> {
  const { tail, since } = wanted;
  const options = { tty: undefined, since, ...(tail === undefined ? {} : { tail }), signal };
  const read = wanted.isFollowing ? engine.followLogs(id, options) : engine.storedLogs(id, options);
  for await (const lines of read) yield lines.map((line) => ({ time: line.time, text: prefix + line.text }));
}

/** Lines of one log keep their order. Pure but for what it reads. */
export async function* mergeByTime(logs: readonly AsyncGenerator<TimedLine[]>[]): AsyncGenerator<TimedLine[]> {
  const heads = await Promise.all(logs.map(async (log) => ({ log, waiting: await nextLines(log) })));
  for (let open = heads.filter(({ waiting }) => waiting.length > 0); open.length > 0;) {
    const first = open.reduce((a, b) => timeOf(b.waiting) < timeOf(a.waiting) ? b : a);
    const others = open.filter((head) => head !== first).map(({ waiting }) => timeOf(waiting)).sort();
    const until = others[0];
    const count = first.waiting.findIndex(({ time }) => until !== undefined && time > until);
    yield first.waiting.splice(0, count < 0 ? first.waiting.length : Math.max(1, count));
    if (first.waiting.length === 0) first.waiting = await nextLines(first.log);
    open = open.filter(({ waiting }) => waiting.length > 0);
  }
}

/** None at the end of the log. */
async function nextLines(log: AsyncGenerator<TimedLine[]>): Promise<TimedLine[]> {
  const { value, done } = await log.next();
  return done === true ? [] : value;
}

function timeOf([first]: readonly TimedLine[]): string {
  return first?.time ?? "";
}
