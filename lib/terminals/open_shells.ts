/**
 * The shells that run, noted in a file: after a kill of the agent, the shell in a container goes on, and the next start
 * ends it.
 */

import { isDict, parseJson, readCount } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { textOf } from "../base/errors.ts";
import { KeyedMutex } from "../async/keyed_mutex.ts";
import { writeFileDurably } from "../files/atomic_file.ts";

/** A shell that runs. */
export interface OpenShell {
  /** The id of its terminal, which its environment holds as well. */
  sessionId: string;
  /** Of its process on this machine; 0 when it is not known. */
  pid: number;
  /** When that was started, which tells it from others of this number; empty when it is not known. */
  start: string;
  /** Where it runs in a container. */
  exec?: { containerId: string; execId: string };
}

/** The variable that marks the process of a shell. */
export const shellMark = "REAGENT_TERMINAL";

/** The variable with its value. */
export function markOf(sessionId: string): string {
  return `${shellMark}=${sessionId}`;
}

/**
 * The file of the open shells. A file that cannot be written is no reason to refuse a terminal: somebody may need it to
 * make room.
 */
export class OpenShells {
  readonly #path: string;
  readonly #log: Log;
  readonly #turns = new KeyedMutex<"file">();
  readonly #shells = new Map<string, OpenShell>();

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** What an earlier process has left; it stays noted until it is forgotten. */
  async takeOver(): Promise<OpenShell[]> {
    try {
      const stored = parseJson(await Deno.readTextFile(this.#path));
      const left = Array.isArray(stored) ? stored.map(decodeShell).filter((shell) => shell !== undefined) : [];
      for (const shell of left) this.#shells.set(shell.sessionId, shell);
      return left;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#warn("Cannot read which terminals were open", error);
      return [];
    }
  }

  /** Notes a shell, or what is known of it by now. Resolves when it is on the disk. */
  async note(shell: OpenShell): Promise<void> {
    this.#shells.set(shell.sessionId, shell);
    await this.#write();
  }

  /** Forgets shells that have ended. */
  async forget(...sessionIds: string[]): Promise<void> {
    for (const id of sessionIds) this.#shells.delete(id);
    await this.#write();
  }

  async #write(): Promise<void> {
    await this.#turns.run("file", async () => {
      try {
        const text = JSON.stringify([...this.#shells.values()]);
        if (this.#shells.size > 0) await writeFileDurably(this.#path, text, { log: this.#log });
        else await Deno.remove(this.#path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) this.#warn("Cannot note which terminals are open", error);
      }
    });
  }

  #warn(message: string, error: unknown): void {
    this.#log.warn(message, { path: this.#path, error: textOf(error) });
  }
}

function decodeShell(value: unknown): OpenShell | undefined {
  if (!isDict(value) || typeof value.sessionId !== "string") return undefined;
  const { sessionId, start, exec } = value;
  const shell = { sessionId, pid: readCount(value.pid) ?? 0, start: typeof start === "string" ? start : "" };
  if (!isDict(exec) || typeof exec.containerId !== "string" || typeof exec.execId !== "string") return shell;
  return { ...shell, exec: { containerId: exec.containerId, execId: exec.execId } };
}
