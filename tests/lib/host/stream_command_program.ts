/** Runs a command as the agent does, until it is killed: `<command> …`. */

import { streamCommand } from "../../../lib/host/stream_command.ts";

const [program = "", ...args] = Deno.args;
const signal = new AbortController().signal;
const onLines = (lines: readonly string[]) => {
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
};
await streamCommand(program, args, { signal, timeoutMs: 60_000, onLines });
