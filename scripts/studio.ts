/** `deno task studio <command>`: the local Studio. `--help` lists the commands. */

import { runCommand } from "./studio/command_line/run_command.ts";

if (import.meta.main) {
  Deno.exit(await runCommand(Deno.args, { print: write(Deno.stdout), printError: write(Deno.stderr) }));
}

function write(stream: typeof Deno.stdout): (line: string) => void {
  return (line) => {
    let rest = new TextEncoder().encode(`${line}\n`);
    while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
  };
}
