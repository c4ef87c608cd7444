/**
 * Runs programs of the device. Each is the head of a process group of its own, so that an end ends its children too.
 */

import { AgentError, messageOf } from "../base/errors.ts";

/** How a program ended, and what it wrote. */
export interface CommandEnd {
  /** Its exit code; 128 plus the number of the signal that ended it. */
  code: number;
  /** UTF-8; of a longer output the last 1 MiB. */
  stdout: string;
  stderr: string;
  /** How many bytes of both outputs were left out at their beginning. */
  droppedBytes: number;
}

/** How a program is run. */
export interface CommandOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** Added to the variables of the agent. */
  env?: Record<string, string>;
  /** Written to its input, which is closed then; no input unless given. */
  stdin?: string | Uint8Array;
}

/** How much of each output is kept. */
const outputLimitBytes = 1024 * 1024;

/** After its end a program's outputs may be held open by a child that goes on; for so long they are still read. */
const drainMs = 500;

/**
 * Runs a program to its end; an exit code other than 0 is an answer, not an error. No shell is involved. Throws
 * `command_failed` when it cannot be started, `timeout` after `timeoutMs` and `canceled` when `signal` ends: then its
 * whole process group has been killed, and is gone.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandEnd> {
  // Arguments may hold secrets.
  const what = `"${program}"`;
  if (options.signal.aborted) throw new AgentError("canceled", `Running ${what} was canceled`);
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
    const end = await waitForEnd(child, options.stdin);
    if (killedBy !== undefined) throw killedBy;
    return end;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Like `runCommand()`, with an exit code other than 0 as `command_failed` that says what the program complained about.
 */
export async function mustRunCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandEnd> {
  const end = await runCommand(program, args, options);
  if (end.code === 0) return end;
  const complaint = (end.stderr.trim() || end.stdout.trim()).split("\n").slice(-5).join("; ").slice(-500);
  throw new AgentError("command_failed", `"${program}" ended with code ${end.code}: ${complaint || "no output"}`);
}

function startChild(program: string, args: readonly string[], options: CommandOptions): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      ...(options.env === undefined ? {} : { env: options.env }),
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
  } catch (error) {
    throw new AgentError("command_failed", `Cannot run "${program}": ${messageOf(error)}`, { cause: error });
  }
}

async function waitForEnd(child: Deno.ChildProcess, stdin: string | Uint8Array | undefined): Promise<CommandEnd> {
  const stdout = new Tail(child.stdout);
  const stderr = new Tail(child.stderr);
  const feeding = stdin === undefined ? Promise.resolve() : feed(child.stdin, stdin);
  const reading = Promise.all([stdout.read(), stderr.read()]);
  const { code } = await child.status;
  const { promise: patience, resolve: loseIt } = Promise.withResolvers<void>();
  const timer = setTimeout(loseIt, drainMs);
  await Promise.race([reading, patience]);
  clearTimeout(timer);
  await Promise.all([stdout.stop(), stderr.stop(), reading, feeding]);
  return { code, stdout: stdout.text(), stderr: stderr.text(), droppedBytes: stdout.dropped + stderr.dropped };
}

/** The newest part of a stream of bytes. */
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

async function feed(stream: WritableStream<Uint8Array>, input: string | Uint8Array): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch {
    // A program need not read its input; its exit code tells whether it was content.
  }
}

function killGroup(child: Deno.ChildProcess): void {
  try {
    if (Deno.build.os === "windows") child.kill("SIGKILL");
    else Deno.kill(-child.pid, "SIGKILL");
  } catch {
    // It ended in this moment, which is what was wanted.
  }
}
