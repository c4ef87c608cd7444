/** The agent's own log, as every component uses it. Where its lines go is decided in lib/log/. */

/** Severities, from least to most severe. */
export const levels = ["trace", "debug", "info", "warn", "error", "fatal", "panic"] as const;

/** One severity. */
export type Level = typeof levels[number];

/**
 * Values next to the message. `error` takes anything that was thrown; durations are numbers of milliseconds. No
 * secrets.
 */
export type LogFields = Record<string, unknown>;

/** Writes lines of the agent's own log. Never throws and never blocks. */
export interface Log {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
}

/** A log that drops everything: for tools, and for tests that do not look at it. */
export const silentLog: Log = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
