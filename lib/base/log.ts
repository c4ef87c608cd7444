/** The agent's own log as every part sees it. The sinks are chosen by the composition root. */

/** Severities, mildest first. */
export const levels = ["trace", "debug", "info", "warn", "error", "fatal", "panic"] as const;

/** One severity. */
export type Level = typeof levels[number];

/** Facts beside the message. `error` takes anything that was thrown; durations are numbers of milliseconds. No secrets. */
export type Fields = Record<string, unknown>;

/** Writes lines of the agent's own log. Never throws and never blocks. */
export interface Log {
  trace(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  fatal(message: string, fields?: Fields): void;
}

/** A log that keeps nothing: for tools and unit tests that do not look at it. */
export const silentLog: Log = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
