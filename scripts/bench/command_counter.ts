/** Counts the docker commands that the agent starts: a program of that name that comes first in its path. */

import { readTextIfThere } from "../files.ts";

/** A folder for the front of PATH. Disposing removes it. */
export class CommandCounter implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes the program, which notes its arguments and becomes the real one. */
  static async start(): Promise<CommandCounter> {
    const folder = await Deno.makeTempDir({ prefix: "b-" });
    const rest = Deno.env.get("PATH") ?? "";
    const script = `#!/bin/sh\necho "$@" >> "${folder}/commands"\nPATH="${rest}" exec docker "$@"\n`;
    await Deno.writeTextFile(`${folder}/docker`, script, { mode: 0o755 });
    return new CommandCounter(folder);
  }

  /** The value of PATH for the agent. */
  get path(): string {
    return `${this.#folder}:${Deno.env.get("PATH") ?? ""}`;
  }

  /** The arguments of all commands so far, oldest first. */
  async commands(): Promise<string[]> {
    return (await readTextIfThere(`${this.#folder}/commands`) ?? "").split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
