/** A program in place of the `docker` command line, which keeps its arguments and variables and does as it is told. */

/** A folder with the program, and what it was called with. */
export class FakeDockerCli implements Disposable {
  readonly folder: string = Deno.makeTempDirSync({ prefix: "cli-" });
  readonly program: string = `${this.folder}/docker`;

  /** `script` is run by a shell; `$*` are the arguments. */
  constructor(script = "exit 0") {
    const keep = `printf '%s\\n' "$*" >>"${this.folder}/calls"; env >"${this.folder}/env"`;
    const config = `cat "$DOCKER_CONFIG/config.json" >"${this.folder}/config"`;
    Deno.writeTextFileSync(this.program, `#!/bin/sh\n${keep}; ${config}\n${script}\n`, { mode: 0o755 });
  }

  /** The arguments of each call, joined by spaces. */
  calls(): string[] {
    return this.#read("calls").split("\n").filter((line) => line !== "");
  }

  /** The variables of the last call. */
  variables(): Record<string, string> {
    const lines = this.#read("env").split("\n").map((line) => [line.split("=", 1)[0] ?? "", line]);
    return Object.fromEntries(lines.map(([name = "", line = ""]) => [name, line.slice(name.length + 1)]));
  }

  /** The settings that the last call found. */
  config(): unknown {
    return JSON.parse(this.#read("config"));
  }

  #read(name: string): string {
    try {
      return Deno.readTextFileSync(`${this.folder}/${name}`);
    } catch {
      return "";
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}
