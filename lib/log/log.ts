/** The agent's own log: JSON lines in a file, and lines for people on standard output. */

import type { Logger, LogRecord } from "@logtape/logtape";
import type { Clock } from "../async/clock.ts";
import { waitAtMost } from "../async/deadline.ts";
import { textOf } from "../base/errors.ts";
import type { Level, Log, LogFields } from "../base/log.ts";
import { callerOf, placeText } from "./caller.ts";
import { consoleLine, fieldLimitChars, jsonLine, type LogEntry, plainFields } from "./format.ts";
import { LastProblems, type Problem } from "./last_problems.ts";
import { LineLimits } from "./line_limits.ts";
import { type ByteOutput, LineStream } from "./line_stream.ts";
import { LogFile } from "./log_file.ts";
import { fromLogTape, openLogger, type RecordSink, toLogTape } from "./logtape.ts";
import { Secrets } from "./secrets.ts";
import { createWireTrace, type WireTrace } from "./wire_trace.ts";

/** Where the log is written. */
export interface AgentLogOptions {
  path: string;
  /** Also writes debug lines. */
  isDebug: boolean;
  /** Writes lines for people to stdout besides the file. */
  isPretty: boolean;
  isColored: boolean;
  clock: Clock;
  stdout: ByteOutput;
  stderr: ByteOutput;
  /** Bytes after which the file is rotated; 100 MiB when absent. */
  limitBytes?: number;
}

/** The log of a running agent. Disposing writes what waits and closes the file. */
export interface AgentLog extends AsyncDisposable {
  readonly log: Log;
  /** Writes a message between agent and router as a debug line; see `createWireTrace()`. */
  readonly traceWire: WireTrace;
  /** Hides a value from now on: for good with `isKept`, otherwise while it is among the newest 256. */
  hideSecret(text: string, options?: { isKept?: boolean }): void;
  /** Hides the secrets of an owner, such as an app, until the next call for it. See `Secrets.replaceOwned()`. */
  hideSecretsOf(owner: string, texts: readonly string[]): void;
  /** Prints a line for the operator: to stdout only, or as an info line of the pretty log. */
  announce(message: string): void;
  /** The newest warnings and errors since the start. */
  lastProblems(): Problem[];
  /** Waits until stdout and stderr have taken their lines, at most a second. The file has them already. */
  flush(): Promise<void>;
}

const streamFlushLimitMs = 1_000;

type Method = (...args: never[]) => unknown;
type Write = (level: Level, text: Line) => void;

interface Line {
  message: string;
  fields?: LogFields | undefined;
  /** Lines with this message that were left out since the last one. */
  omitted?: number;
  method: Method;
}

/** Opens the log. Never fails; see `LogFile`. Several logs may be open at the same time. */
export function openLog(options: AgentLogOptions): AgentLog {
  const { clock } = options;
  const secrets = new Secrets();
  const stdout = new LineStream(options.stdout);
  const stderr = new LineStream(options.stderr);
  const file = openLogFile(options, stderr);
  const { isDebug, isPretty } = options;
  const problems = new LastProblems();
  const opened = openLogger({ isDebug, sinks: createSinks(options, { file, stdout, stderr, problems }) });
  const write = createWrite(opened.logger, { clock, secrets, stderr });
  const log = createLog(limitLines(write, new LineLimits(clock)));
  const flush = () => flushStreams([stdout, stderr], clock);
  const announce = (message: string): void => {
    if (isPretty) write("info", { message, method: announce });
    else stdout.write(`${secrets.hide(message)}\n`);
  };
  return {
    log,
    // Whoever asks for every message gets every message.
    traceWire: createWireTrace(createLog(write), secrets),
    hideSecret: (text, kind) => secrets.add(text, kind),
    hideSecretsOf: (owner, texts) => secrets.replaceOwned(owner, texts),
    announce,
    lastProblems: () => problems.list(),
    flush,
    async [Symbol.asyncDispose]() {
      opened[Symbol.dispose]();
      file[Symbol.dispose]();
      await flush();
    },
  };
}

/** The line, with its line feed, for an error before there is a log. Like a line of the file, without `caller`. */
export function startErrorLine(message: string, options: { error?: unknown; date: Date }): string {
  const secrets = new Secrets();
  const fields = plainFields({ error: options.error }, secrets);
  return jsonLine({ level: "fatal", fields, caller: undefined, date: options.date, message: secrets.hide(message) });
}

function openLogFile(options: AgentLogOptions, stderr: LineStream): LogFile {
  const { path, limitBytes, clock } = options;
  return new LogFile({
    path,
    ...(limitBytes === undefined ? {} : { limitBytes }),
    clock,
    onProblem: (text) => stderr.write(`${text}\n`),
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
  problems: LastProblems;
}

function createSinks(options: AgentLogOptions, { file, stdout, stderr, problems }: Outputs): RecordSink[] {
  const { isPretty, isColored } = options;
  const toFile = (record: LogRecord) => {
    const entry = entryOf(record);
    file.write(jsonLine(entry));
    problems.take(entry);
  };
  if (isPretty) return [toFile, (record) => stdout.write(consoleLine(entryOf(record), { isColored }))];
  // A fatal end must also be seen by those who do not read the file.
  const toStderr = (record: LogRecord) => {
    if (record.level === "fatal") stderr.write(jsonLine(entryOf(record)));
  };
  return [toFile, toStderr];
}

/** Hides secrets and turns values into JSON before any sink gets them. */
function createWrite(
  logger: Logger,
  { clock, secrets, stderr }: { clock: Clock; secrets: Secrets; stderr: LineStream },
): Write {
  return (level, { message, fields, omitted, method }) => {
    const logLevel = toLogTape(level);
    if (!logger.isEnabledFor(logLevel)) return;
    try {
      const caller = callerOf(method);
      const text = secrets.hideAndCut(String(message), fieldLimitChars);
      // LogTape passes on a record that has a category, and copies one without it property by property.
      const record: LogRecord = {
        category: logger.category,
        level: logLevel,
        message: [text],
        rawMessage: text,
        timestamp: clock.wall().getTime(),
        properties: { ...plainFields(fields ?? {}, secrets), ...(omitted === undefined ? {} : { omitted }) },
        ...(caller === undefined ? {} : { sourceLocation: caller }),
      };
      logger.emit(record);
    } catch (error) {
      stderr.write(`Cannot write a line of the log: ${textOf(error)}\n`);
    }
  };
}

/** `write` with what it can be given too much of left out and counted. */
function limitLines(write: Write, limits: LineLimits): Write {
  return (level, text) => {
    limits.run({ level, message: text.message }, (omitted) => write(level, { ...text, ...omitted }));
  };
}

/** Each method passes itself, so that its caller can be found in the stack. */
function createLog(write: Write): Log {
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

function entryOf({ level, properties, sourceLocation, timestamp, rawMessage }: LogRecord): LogEntry {
  return {
    level: fromLogTape(level),
    fields: properties,
    caller: sourceLocation && placeText(sourceLocation),
    date: new Date(timestamp),
    message: String(rawMessage),
  };
}

/** A stalled reader does not keep the agent from ending. */
async function flushStreams(streams: readonly LineStream[], clock: Clock): Promise<void> {
  const written = Promise.all(streams.map((stream) => stream.written()));
  const { signal } = new AbortController();
  await waitAtMost(written, { limitMs: streamFlushLimitMs, clock, signal });
}
