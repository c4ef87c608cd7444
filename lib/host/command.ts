/** Runs programs of the device, each in its own process group, so that killing it kills its children, too. */

import { systemClock } from "../async/clock.ts";
import { throwIfAborted, waitAtMost } from "../async/deadline.ts";
import { AgentError, messageOf } from "../base/errors.ts";
import { childEnvironment } from "./child_environment.ts";

/** How a program ended, and what it wrote. */
export interface CommandEnd {
  /** Its exit code; 128 plus the number of the signal that ended it. */
  code: number;
  /** Decoded as UTF-8; the last MiB of a longer output. */
  stdout: string;
  stderr: string;
  /** How many bytes are missing at the beginning of both outputs together. */
  droppedBytes: number;
}

/** How to run a program. */
export interface CommandOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** Added to those variables of the agent that every child sees; see `childEnvironment()`. */
  env?: Record<string, string>;
  /** Written to its input, which is closed afterwards. Without it, the input is empty. */
  stdin?: string | Uint8Array;
}

/** How much is kept of each output. */
const outputLimitBytes = 1024 * 1024;

/** A child that keeps running may hold the outputs of a program open; they are read for this long after its end. */
export const drainMs = 500;

/**
 * Runs a program to its end; an exit code other than 0 is a result, not an error. No shell is involved. Throws
 * `command_failed` when it cannot be started, `timeout` after `timeoutMs` and `canceled` when `signal` is aborted; its
 * whole process group has been killed then, and has ended.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandEnd> {
  // Arguments may hold secrets.
  const what = `"${program}"`;
  throwIfAborted(options.signal, `Running ${what}`);
  const child = startChild(program, args, options);
  let killedBy: AgentError | undefined;
  const kill = (error: AgentError) => {
    killedBy ??= error;
    killGroup(child);
  };
  const onAbort = () => kill(new AgentError("canceled", `Running ${what} was canceled`));
  const timer = setTimeout(
    () => kill(new AgentError("timeout", `Running ${what} took longer than ${options.timeoutMs} ms`)),
    options.timeoutMs,
  );
  options.signal.addEventListener("abort", onAbort, { once: true });
  try {
    const end = await waitForEnd(child, options);
    if (killedBy !== undefined) throw killedBy;
    return end;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", onAbort);
  }
}

/** Like `runCommand()`, but throws `command_failed` with the last lines of output for an exit code other than 0. */
export async function mustRunCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandEnd> {
  const end = await runCommand(program, args, options);
  if (end.code === 0) return end;
  const lastLines = (end.stderr.trim() || end.stdout.trim()).split("\n").slice(-5).join("; ").slice(-500);
  throw new AgentError("command_failed", `"${program}" ended with code ${end.code}: ${lastLines || "no output"}`);
}

function startChild(program: string, args: readonly string[], options: CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      env: { ...childEnvironment(Deno.env.toObject()), ...options.env },
      clearEnv: true,
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
  } catch (error) {
    throw new AgentError("command_failed", `Cannot run "${program}": ${messageOf(error)}`, { cause: error });
  }
}

async function waitForEnd(child: Deno.ChildProcess, { stdin, signal }: CommandOptions): Promise<CommandEnd> {
  const stdout = new Tail(child.stdout);
  const stderr = new Tail(child.stderr);
  const writing = stdin === undefined ? Promise.resolve() : writeInput(child.stdin, stdin);
  const reading = Promise.all([stdout.read(), stderr.read()]);
  const { code } = await child.status;
  await waitAtMost(reading, { limitMs: drainMs, clock: systemClock, signal });
  await Promise.all([stdout.stop(), stderr.stop(), reading, writing]);
  return { code, stdout: stdout.text(), stderr: stderr.text(), droppedBytes: stdout.dropped + stderr.dropped };
}

/** The last part of a byte stream. */
class Tail {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #parts: Uint8Array[] = [];
  #size = 0;
  dropped = 0;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Reads until the end, or until `stop()`. */
  async read(): Promise<void> {
    for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) this.#keep(part.value);
  }

  /** Closes the stream, which ends `read()`. */
  async stop(): Promise<void> {
    await this.#reader.cancel();
  }

  text(): string {
    const decoder = new TextDecoder();
    return this.#parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
  }

  #keep(part: Uint8Array): void {
    this.#parts.push(part);
    this.#size += part.length;
    while (this.#size > outputLimitBytes) {
      const [first = new Uint8Array()] = this.#parts;
      const surplus = Math.min(this.#size - outputLimitBytes, first.length);
      if (surplus === first.length) this.#parts.shift();
      else this.#parts[0] = first.subarray(surplus);
      this.#size -= surplus;
      this.dropped += surplus;
    }
  }
}

async function writeInput(stream: WritableStream<Uint8Array>, input: string | Uint8Array): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch {
    // A program need not read its input; its exit code shows whether that was fine.
  }
}

/** Kills a program that was started with `detached`, and with it all of its group. One that has ended is fine. */
export function killGroup(child: Deno.ChildProcess): void {
  try {
    if (Deno.build.os === "windows") child.kill("SIGKILL");
    else Deno.kill(-child.pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
