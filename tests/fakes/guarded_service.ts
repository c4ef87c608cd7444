/** A folder with versions of an agent that are shell scripts, and a service that starts them through the real guard. */

import { guardFiles, type GuardLimits, guardLimits, startGuardScript } from "../../lib/self_update/start_guard.ts";

/** What such a version does after it has noted its start. */
export const agentBodies = {
  /** It runs until it is ended. */
  runs: "exec sleep 600",
  exitsAtOnce: "exit 3",
  endsInOrder: "exit 0",
  /** It ends after a second. */
  crashes: "sleep 1; exit 4",
  /** Only a kill ends it. */
  hangs: `trap "" TERM INT; while :; do sleep 1; done`,
} as const;

/** Seconds instead of minutes. */
export const shortLimits: GuardLimits = {
  ...guardLimits,
  ...{ connectSeconds: 3, proveSeconds: 2, endSeconds: 1, stepSeconds: 1, pauseSeconds: 0 },
};

/** The shells that the guard is tried with, as far as this machine has them. */
export const guardShells: readonly (readonly string[])[] = [["dash"], ["busybox", "ash"], ["bash", "--posix"]];

/** Disposing ends what runs and removes the folder. */
export class GuardedService implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "g-" });
  readonly #shell: readonly string[];
  readonly #guard: string;
  #isStopped = false;
  #current: Deno.ChildProcess | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor({ shell, limits = shortLimits }: { shell: readonly string[]; limits?: GuardLimits }) {
    this.#shell = shell;
    this.#guard = `${this.folder}/guard.sh`;
    Deno.writeTextFileSync(this.#guard, startGuardScript(limits));
  }

  /** Puts a version there. */
  async addVersion(version: string, body: string): Promise<void> {
    const text = `#!/bin/sh\necho "${version} $REAGENT_GUARDED $*" >>"${this.folder}/started"\n${body}\n`;
    await this.addFile(version, new TextEncoder().encode(text));
  }

  /** Puts the file of a version there, whatever it is. */
  async addFile(version: string, content: Uint8Array): Promise<void> {
    const path = `${this.folder}/reagent-v${version}`;
    await Deno.writeFile(path, content, { mode: 0o755 });
  }

  /** Links the program, or the fallback, to a version. */
  link(name: "program" | "fallback", version: string): void {
    this.unlink(name);
    Deno.symlinkSync(`reagent-v${version}`, `${this.folder}/${guardFiles[name]}`);
  }

  /** Removes such a link. */
  unlink(name: "program" | "fallback"): void {
    try {
      Deno.removeSync(`${this.folder}/${guardFiles[name]}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Where a link leads; undefined when there is none. */
  linked(name: "program" | "fallback"): string | undefined {
    try {
      return Deno.readLinkSync(`${this.folder}/${guardFiles[name]}`);
    } catch {
      // There is no link.
      return undefined;
    }
  }

  /** Writes the state file as it is given. */
  writeState(text: string): void {
    Deno.writeTextFileSync(`${this.folder}/${guardFiles.state}`, text);
  }

  /** The members of the state file. */
  state(): Record<string, string> {
    const text = this.#read(guardFiles.state);
    return Object.fromEntries(
      text.trim().split("\n").map((line) => {
        const at = line.indexOf("=");
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }

  /** The starts so far: version, `REAGENT_GUARDED`, arguments. */
  started(): string[] {
    return this.#read("started").split("\n").filter((line) => line !== "");
  }

  /** What the guard has written to standard error, over all starts. */
  get errors(): string {
    return this.#read("guard.log");
  }

  /** Starts the guard again whenever it ends, until `stop()`. */
  start(...args: string[]): void {
    this.#isStopped = false;
    this.#running = this.#run(args);
  }

  /** The process of the guard, which becomes the agent. */
  get pid(): number | undefined {
    return this.#current?.pid;
  }

  /** Ends it as a service manager does: what has started it last, and nothing is started again. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    kill(this.#current, "SIGKILL");
    await this.#running;
  }

  /** Kills what runs; the service starts it again. */
  killAgent(): void {
    kill(this.#current, "SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    // A watcher that is left ends once this is gone.
    this.unlink("fallback");
    await Deno.remove(this.folder, { recursive: true });
  }

  async #run(args: string[]): Promise<void> {
    const [program = "", ...first] = this.#shell;
    while (!this.#isStopped) {
      const log = `${this.folder}/guard.log`;
      // Not a pipe of ours: what the guard leaves behind holds it open.
      const line = `exec "$@" 2>>"${log}"`;
      this.#current = new Deno.Command("sh", {
        args: ["-c", line, "sh", program, ...first, this.#guard, this.folder, ...args],
        ...{ stdin: "null", stdout: "null", stderr: "null" },
      }).spawn();
      await this.#current.status;
    }
    this.#current = undefined;
  }

  #read(name: string): string {
    try {
      return Deno.readTextFileSync(`${this.folder}/${name}`);
    } catch {
      // It is not there yet.
      return "";
    }
  }
}

function kill(child: Deno.ChildProcess | undefined, signal: Deno.Signal): void {
  try {
    child?.kill(signal);
  } catch {
    // It has ended.
  }
}
