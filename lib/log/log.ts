/** The agent's own log: what is written where, and how the parts of it come together. */

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
import type { Clock } from "../async/clock.ts";
import { isCanceled, textOf } from "../base/errors.ts";
import type { Level, Log, LogFields } from "../base/log.ts";
import { callerOf, placeText } from "./caller.ts";
import { type ByteOutput, LineStream } from "./console.ts";
import { LogFile } from "./log_file.ts";
import { consoleLine, type Entry, fieldLimitChars, jsonLine, plainFields } from "./format.ts";
import { Secrets } from "./redact.ts";
import { createWireTrace, type WireTrace } from "./wire_trace.ts";

/** What the log is made from. */
export interface AgentLogOptions {
  path: string;
  /** Writes debug lines too. */
  isDebug: boolean;
  /** Writes lines for people on stdout, beside the file. */
  isPretty: boolean;
  isColored: boolean;
  clock: Clock;
  stdout: ByteOutput;
  stderr: ByteOutput;
  /** Bytes of the file before it is set aside; 100 MiB when absent. */
  limitBytes?: number;
}

/** The log of a running agent. */
export interface AgentLog extends AsyncDisposable {
  readonly log: Log;
  /** Writes a message between agent and router as a debug line; see `createWireTrace()`. */
  readonly traceWire: WireTrace;
  /** Hides a value from now on: for good with `isKept`, otherwise while it is among the newest 256. */
  hideSecret(text: string, options?: { isKept?: boolean }): void;
  /** Hides the secrets of an owner, such as an app, until the next call for it. */
  hideSecretsOf(owner: string, texts: readonly string[]): void;
  /** A line for the operator: on stdout alone, or an info line of the log when that is on stdout anyway. */
  announce(message: string): void;
  /** Waits until stdout and stderr have taken their lines, at most a second. The file has them already. */
  flush(): Promise<void>;
}

const flushLimitMs = 1_000;
const root = "reagent";

type Method = (...args: never[]) => unknown;
type Write = (level: Level, text: { message: string; fields?: LogFields | undefined; method: Method }) => void;

/**
 * Opens the log; never fails, see `LogFile`. Disposing it writes what waits and closes the file. Several logs may be open at once.
 */
export function openLog(options: AgentLogOptions): AgentLog {
  const { clock } = options;
  const secrets = new Secrets();
  const stdout = new LineStream(options.stdout);
  const stderr = new LineStream(options.stderr);
  const file = openFile(options, stderr);
  const id = crypto.randomUUID();
  attach(id, { options, sinks: makeSinks(options, { file, stdout, stderr }) });
  const write = makeWrite(getLogger([root, id]), { clock, secrets, stderr });
  const flush = () => flushStreams([stdout, stderr], clock);
  const announce = (message: string): void => {
    if (options.isPretty) write("info", { message, method: announce });
    else stdout.write(`${secrets.hide(message)}\n`);
  };
  const log = makeLog(write);
  return {
    log,
    traceWire: createWireTrace(log, secrets),
    hideSecret: (text, kind) => secrets.add(text, kind),
    hideSecretsOf: (owner, texts) => secrets.replaceOwned(owner, texts),
    announce,
    flush,
    async [Symbol.asyncDispose]() {
      detach(id);
      file[Symbol.dispose]();
      await flush();
    },
  };
}

/** The line, with its line feed, for an error before there is a log: as in the file, without `caller`. For stderr. */
export function startErrorLine(message: string, options: { error?: unknown; date: Date }): string {
  const secrets = new Secrets();
  const fields = plainFields({ error: options.error }, secrets);
  return jsonLine({ level: "fatal", fields, caller: undefined, date: options.date, message: secrets.hide(message) });
}

function openFile(options: AgentLogOptions, stderr: LineStream): LogFile {
  const { path, limitBytes, clock } = options;
  return new LogFile({
    path,
    ...(limitBytes === undefined ? {} : { limitBytes }),
    clock,
    onTrouble: (text) => stderr.write(`${text}\n`),
    lostLine: (lost) =>
      jsonLine({
        level: "warn",
        fields: { lost },
        caller: undefined,
        date: clock.wall(),
        message: "Log lines were lost",
      }),
  });
}

interface Outputs {
  file: LogFile;
  stdout: LineStream;
  stderr: LineStream;
}

/** Each takes its lines whatever becomes of the others. */
function makeSinks(options: AgentLogOptions, { file, stdout, stderr }: Outputs): ((record: LogRecord) => void)[] {
  const { isPretty, isColored } = options;
  const toFile = (record: LogRecord) => file.write(jsonLine(entryOf(record)));
  if (isPretty) return [toFile, (record) => stdout.write(consoleLine(entryOf(record), { isColored }))];
  // The end of the agent must be seen also where nobody looks into the file.
  const toStderr = (record: LogRecord) => {
    if (record.level === "fatal") stderr.write(jsonLine(entryOf(record)));
  };
  return [toFile, toStderr];
}

/**
 * LogTape has one configuration in a process and none per logger, so each log is one category of it: it is added to whatever is
 * configured, and taken out when it ends.
 */
function attach(
  id: string,
  { options, sinks }: { options: AgentLogOptions; sinks: ((record: LogRecord) => void)[] },
): void {
  const { sinks: otherSinks, loggers } = getConfig() ?? { sinks: {}, loggers: [] };
  const named = Object.fromEntries(sinks.map((sink, index) => [`${id} ${index}`, sink]));
  reconfigure({
    sinks: { ...otherSinks, ...named },
    loggers: [
      ...loggers.filter((logger) => !isMeta(logger)),
      { category: [root, id], sinks: Object.keys(named), lowestLevel: options.isDebug ? "debug" : "info" },
    ],
  });
}

function detach(id: string): void {
  const { sinks, loggers } = getConfig() ?? { sinks: {}, loggers: [] };
  const rest = loggers.filter((logger) => logger.category[1] !== id && !isMeta(logger));
  if (rest.length === 0) return resetSync();
  const kept = Object.entries(sinks).filter(([name]) => !name.startsWith(id));
  reconfigure({ sinks: Object.fromEntries(kept), loggers: rest });
}

/** Its lines about itself would go to the console, in a form that nobody reads. */
function reconfigure(config: Pick<Config<string, string>, "sinks" | "loggers">): void {
  const meta = { category: ["logtape", "meta"], sinks: [], lowestLevel: null };
  configureSync({ reset: true, sinks: config.sinks, loggers: [...config.loggers, meta] });
}

function isMeta(logger: { category: string | readonly string[] }): boolean {
  return logger.category[0] === "logtape";
}

/** Everything is made plain and free of secrets here, before any sink sees it. */
function makeWrite(
  logger: Logger,
  { clock, secrets, stderr }: { clock: Clock; secrets: Secrets; stderr: LineStream },
): Write {
  return (level, { message, fields, method }) => {
    const logLevel = toLogTape(level);
    if (!logger.isEnabledFor(logLevel)) return;
    try {
      const caller = callerOf(method);
      const text = secrets.hideAndCut(String(message), fieldLimitChars);
      // With its category, a record is passed on as it is; without, LogTape copies it property by property.
      const record: LogRecord = {
        category: logger.category,
        level: logLevel,
        message: [text],
        rawMessage: text,
        timestamp: clock.wall().getTime(),
        properties: plainFields(fields ?? {}, secrets),
        ...(caller === undefined ? {} : { sourceLocation: caller }),
      };
      logger.emit(record);
    } catch (error) {
      stderr.write(`Cannot write a line of the log: ${textOf(error)}\n`);
    }
  };
}

/** The methods name themselves so that their caller can be found. */
function makeLog(write: Write): Log {
  const log: Log = {
    trace: (message, fields) => write("trace", { message, fields, method: log.trace }),
    debug: (message, fields) => write("debug", { message, fields, method: log.debug }),
    info: (message, fields) => write("info", { message, fields, method: log.info }),
    warn: (message, fields) => write("warn", { message, fields, method: log.warn }),
    error: (message, fields) => write("error", { message, fields, method: log.error }),
    fatal: (message, fields) => write("fatal", { message, fields, method: log.fatal }),
  };
  return log;
}

function entryOf({ level, properties, sourceLocation, timestamp, rawMessage }: LogRecord): Entry {
  return {
    level: level === "warning" ? "warn" : level,
    fields: properties,
    caller: sourceLocation && placeText(sourceLocation),
    date: new Date(timestamp),
    message: String(rawMessage),
  };
}

function toLogTape(level: Level): LogLevel {
  if (level === "warn") return "warning";
  return level === "panic" ? "fatal" : level;
}

/** A reader that stands still does not keep the agent from ending. */
async function flushStreams(streams: readonly LineStream[], clock: Clock): Promise<void> {
  const limit = new AbortController();
  const sleep = clock.sleep(flushLimitMs, limit.signal).catch((error) => {
    if (!isCanceled(error)) throw error;
  });
  await Promise.race([sleep, Promise.all(streams.map((stream) => stream.written()))]);
  limit.abort();
  await sleep;
}
