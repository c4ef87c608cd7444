/** A terminal through `script` of util-linux, which runs a program on one and copies what it reads and writes. */

import { AgentError, messageOf } from "../base/errors.ts";
import { runCommand } from "./command.ts";
import type { Pty, PtyOptions } from "./pseudoterminal.ts";

const sizeLimitMs = 5_000;
const findPollMs = 10;
const findLimitMs = 2_000;

/** Starts a program. Throws `command_failed` where there is no `script`. */
export async function openScriptPty(options: PtyOptions): Promise<Pty> {
  const { program, args, env, folder, rows, columns } = options;
  const words = [program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const command = `stty rows ${rows} cols ${columns}; exec ${words.join(" ")}`;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
      // It runs the command with this shell.
      env: { ...env, SHELL: "/bin/sh" },
      clearEnv: true,
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      detached: true,
    }).spawn();
  } catch (error) {
    throw new AgentError("command_failed", `Cannot open a terminal: ${messageOf(error)}`, { cause: error });
  }
  return new ScriptPty(child, await findChild(child.pid));
}

/** The process that `script` has started; its own where that cannot be seen. */
async function findChild(scriptPid: number): Promise<number> {
  for (let waitedMs = 0; waitedMs < findLimitMs; waitedMs += findPollMs) {
    try {
      const [first = ""] = (await Deno.readTextFile(`/proc/${scriptPid}/task/${scriptPid}/children`)).split(" ");
      if (first !== "") return Number(first);
    } catch {
      return scriptPid;
    }
    await new Promise((resolve) => setTimeout(resolve, findPollMs));
  }
  return scriptPid;
}

class ScriptPty implements Pty {
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #isClosed = false;

  constructor(child: Deno.ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    this.#output = child.stdout.getReader();
    this.#input = child.stdin.getWriter();
    child.status.then(() => this.close());
  }

  async read(): Promise<Uint8Array | undefined> {
    const { value } = await this.#output.read();
    if (value === undefined) await this.#child.status;
    return value;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#input.write(bytes);
  }

  async resize({ rows, columns }: { rows: number; columns: number }): Promise<void> {
    const terminal = await Deno.readLink(`/proc/${this.pid}/fd/0`);
    const args = ["-F", terminal, "rows", `${rows}`, "cols", `${columns}`];
    await runCommand("stty", args, { timeoutMs: sizeLimitMs, signal: new AbortController().signal });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#input.close().catch(() => {
      // It has ended by itself.
    });
    try {
      Deno.kill(-this.#child.pid, "SIGHUP");
    } catch {
      // It has ended by itself.
    }
  }
}
