/** `deno task studio <command>`: the local Studio. `--help` lists the commands. */

import { createLineWriter } from "./line_output.ts";
import { runCommand } from "./studio/command_line/run_command.ts";

if (import.meta.main) {
  const output = { print: createLineWriter(Deno.stdout), printError: createLineWriter(Deno.stderr) };
  Deno.exit(await runCommand(Deno.args, output));
}
