/**
 * Runs a program that may run for long and write a lot, hands its lines over as they come, and lets nothing of it live
 * on: neither after it has ended, nor after this process has, however that was.
 */

import { systemClock } from "../async/clock.ts";
import { throwIfAborted, waitAtMost } from "../async/deadline.ts";
import { AgentError, messageOf } from "../base/errors.ts";
import { TextLines } from "../base/lines.ts";
import { childEnvironment } from "./child_environment.ts";
import { drainMs, killGroup } from "./command.ts";
import { HeadAndTail } from "./head_and_tail.ts";
import { LineQueue, type OnLines } from "./line_queue.ts";

/** How a streamed program ended. */
export interface StreamedEnd {
  /** Its exit code; 128 plus the number of the signal that ended it; 127 for a program that does not exist. */
  code: number;
  /** See `HeadAndTail`: of both outputs. */
  lines: string[];
  /** Lines that were not handed over because `onLines` was too slow. */
  droppedLines: number;
}

/** How to run a program. */
export interface StreamedOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** Added to those variables of the agent that every child sees; see `childEnvironment()`. */
  env?: Readonly<Record<string, string>>;
  /** A file to read as input. Without it, the input is empty. */
  inputFile?: string;
  /**
   * Gets the lines of both outputs in their order, without terminal codes; a line above 1 MiB comes in several. The
   * program never waits for it: up to 4096 lines, or 8 MiB, wait for it, and those beyond are dropped. An error of it
   * is thrown when the program has ended.
   */
  onLines?: OnLines;
}

/** A killed process that waits for a disk ends later; nobody waits for it. */
const killedLimitMs = 800;

/** How long what waits for `onLines` may take after the program's end. */
const handOverMs = 2_000;

/**
 * Joins both outputs in one pipe, which keeps their order. A second process waits for the end of a pipe from the agent,
 * which the kernel closes whenever the agent ends, and kills the whole process group then: no thread has to live for
 * it, and grandchildren end too.
 */
const script =
  'exec 3<&0 <"$0" 2>&1; { read -r _ <&3; kill -KILL 0; } </dev/null >/dev/null 2>&1 & exec 3<&-; exec "$@"';

/** After this many bytes, which may be thousands of lines, `onLines` gets a turn. */
const turnBytes = 4_096;

/** Colours, cursor movements, titles. */
// deno-lint-ignore no-control-regex -- these characters are what is looked for
const terminalCodes = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;

/**
 * Runs a program to its end; an exit code other than 0 is a result, not an error. Its process group is gone when this
 * returns or throws. Throws `command_failed` when it cannot be started, `timeout` after `timeoutMs`, and `canceled` at
 * most a second after `signal` was aborted, even when a child holds the output open.
 */
export async function streamCommand(
  program: string,
  args: readonly string[],
  options: StreamedOptions,
): Promise<StreamedEnd> {
  // Arguments may hold secrets.
  const what = `Running "${program}"`;
  throwIfAborted(options.signal, what);
  const running = new StreamedProgram(startProgram(program, args, options), options.onLines);
  const onAbort = () => running.kill(new AgentError("canceled", `${what} was canceled`));
  const timer = setTimeout(
    () => running.kill(new AgentError("timeout", `${what} took longer than ${options.timeoutMs} ms`)),
    options.timeoutMs,
  );
  options.signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await running.end();
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", onAbort);
  }
}

/** A program, its output, and what ended it early. */
class StreamedProgram {
  readonly #child: Deno.ChildProcess;
  readonly #kept = new HeadAndTail();
  readonly #queue: LineQueue;
  readonly #readers: ReadableStreamDefaultReader<Uint8Array>[];
  readonly #killed = new AbortController();
  #killedBy: AgentError | undefined;

  constructor(child: Deno.ChildProcess, onLines: OnLines | undefined) {
    this.#child = child;
    this.#queue = new LineQueue(onLines);
    this.#readers = [child.stdout.getReader(), child.stderr.getReader()];
  }

  /** Ends the whole process group. Only the first reason counts. */
  kill(reason: AgentError): void {
    this.#killedBy ??= reason;
    killGroup(this.#child);
    this.#killed.abort();
  }

  async end(): Promise<StreamedEnd> {
    const { signal } = this.#killed;
    const reading = Promise.all(this.#readers.map((reader) => this.#read(reader)));
    const status = this.#child.status;
    const killed = untilKilled(signal, killedLimitMs);
    const ended = await Promise.race([status, killed.waiting]);
    killed.stop();
    await waitAtMost(reading, { limitMs: drainMs, clock: systemClock, signal });
    await Promise.all(this.#readers.map((reader) => reader.cancel()));
    await reading;
    // The second process has kept the number of the group from being used again.
    if (Deno.build.os !== "windows") killGroup(this.#child);
    await this.#child.stdin.close().catch(() => {
      // Whoever has read it has been killed.
    });
    const error = await this.#queue.finish({ limitMs: handOverMs, signal });
    if (this.#killedBy !== undefined) throw this.#killedBy;
    if (error !== undefined) throw error;
    return { code: ended?.code ?? 137, lines: this.#kept.lines(), droppedLines: this.#queue.dropped };
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const splitter = new TextLines();
    const take = (text: string) => {
      const line = text.includes("\x1b") ? text.replace(terminalCodes, "") : text;
      this.#kept.add(line);
      this.#queue.add(line);
    };
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      for (let from = 0; from < part.value.length; from += turnBytes) {
        splitter.push(part.value.subarray(from, from + turnBytes), take);
        await Promise.resolve();
      }
    }
    splitter.flush(take);
  }
}

function startProgram(program: string, args: readonly string[], options: StreamedOptions): Deno.ChildProcess {
  const { env = {}, inputFile = "/dev/null" } = options;
  const isWindows = Deno.build.os === "windows";
  try {
    return new Deno.Command(isWindows ? program : "/bin/sh", {
      args: isWindows ? [...args] : ["-c", script, inputFile, program, ...args],
      env: { ...childEnvironment(Deno.env.toObject()), ...env },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      detached: !isWindows,
    }).spawn();
  } catch (error) {
    throw new AgentError("command_failed", `Cannot run "${program}": ${messageOf(error)}`, { cause: error });
  }
}

/** Resolves `limitMs` after `signal` was aborted. */
function untilKilled(signal: AbortSignal, limitMs: number): { waiting: Promise<undefined>; stop: () => void } {
  const { promise: waiting, resolve } = Promise.withResolvers<undefined>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => timer = setTimeout(() => resolve(undefined), limitMs);
  if (signal.aborted) begin();
  signal.addEventListener("abort", begin, { once: true });
  const stop = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", begin);
  };
  return { waiting, stop };
}
