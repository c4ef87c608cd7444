/**
 * Loggers of LogTape that can be closed. LogTape has one configuration per process, so each logger is a category of its
 * own: opening adds it to the configuration, and closing removes it.
 */

import {
  type Config,
  configureSync,
  getConfig,
  getLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  resetSync,
} from "@logtape/logtape";
import type { Level } from "../base/log.ts";

/** Where the records of a logger go. */
export type RecordSink = (record: LogRecord) => void;

/** A logger that is open until it is disposed. */
export interface OpenLogger extends Disposable {
  readonly logger: Logger;
}

const root = "reagent";

/** Opens a logger. Each sink gets every record, whether or not another one fails. */
export function openLogger({ sinks, isDebug }: { sinks: readonly RecordSink[]; isDebug: boolean }): OpenLogger {
  const id = crypto.randomUUID();
  const { sinks: otherSinks, loggers } = currentConfig();
  const named = Object.fromEntries(sinks.map((sink, index) => [`${id} ${index}`, sink]));
  configure({
    sinks: { ...otherSinks, ...named },
    loggers: [
      ...loggers,
      { category: [root, id], sinks: Object.keys(named), lowestLevel: isDebug ? "debug" : "info" },
    ],
  });
  return { logger: getLogger([root, id]), [Symbol.dispose]: () => close(id) };
}

/** The level as LogTape spells it. */
export function toLogTape(level: Level): LogLevel {
  if (level === "warn") return "warning";
  return level === "panic" ? "fatal" : level;
}

/** The level as the log writes it. */
export function fromLogTape(level: LogLevel): Level {
  return level === "warning" ? "warn" : level;
}

function close(id: string): void {
  const { sinks, loggers } = currentConfig();
  const others = loggers.filter(({ category }) => category[1] !== id);
  if (others.length === 0) return resetSync();
  const otherSinks = Object.entries(sinks).filter(([name]) => !name.startsWith(id));
  configure({ sinks: Object.fromEntries(otherSinks), loggers: others });
}

/** Without the logger that `configure()` adds. */
function currentConfig(): Pick<Config<string, string>, "sinks" | "loggers"> {
  const { sinks, loggers } = getConfig() ?? { sinks: {}, loggers: [] };
  return { sinks, loggers: loggers.filter(({ category }) => category[0] !== "logtape") };
}

/** LogTape's own messages would go to the console in another format, so they are dropped. */
function configure({ sinks, loggers }: Pick<Config<string, string>, "sinks" | "loggers">): void {
  const meta = { category: ["logtape", "meta"], sinks: [], lowestLevel: null };
  configureSync({ reset: true, sinks, loggers: [...loggers, meta] });
}
