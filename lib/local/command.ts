/** Runs `reagent status`, `reagent logs` and `reagent doctor`, in a process of their own next to the agent. */

import { hasCode, messageOf } from "../base/errors.ts";
import { type Flags, parseFlags } from "../flags.ts";
import type { HostPlatform } from "../flags/defaults.ts";
import { readAgentFacts } from "./agent_facts.ts";
import { type LocalArguments, type LocalCommand, readLocalArguments } from "./arguments.ts";
import { askAgent } from "./ask.ts";
import { type CommandSite, printJson, printText, writeText } from "./output.ts";
import { paintFor, statusText } from "./status_text.ts";
import { readAgentStart } from "./agent_start.ts";

/** Runs a command and returns its exit code: 0, 1 when it fails, 2 for a wrong command line. */
export async function runLocalCommand(
  [name, ...args]: readonly [LocalCommand, ...string[]],
  options: CommandSite,
): Promise<number> {
  const read = readLocalArguments(name, args);
  if (read.kind === "help") return printText(options.stdout, read.text, { code: 0 });
  if (read.kind === "error") return printText(options.stderr, read.text, { code: 2 });
  const flags = flagsOf(read.arguments, options.platform);
  if (typeof flags === "string") return printText(options.stderr, flags, { code: 2 });
  try {
    switch (read.arguments.command) {
      case "status":
        return await showStatus(read.arguments, { ...options, flags });
      case "logs": {
        const { showLogs } = await import("./logs_command.ts");
        return await showLogs(read.arguments, { ...options, flags });
      }
      case "doctor": {
        const { runDoctor } = await import("./doctor_command.ts");
        return await runDoctor(read.arguments, { ...options, flags });
      }
    }
  } catch (error) {
    return printText(options.stderr, `reagent ${name}: ${messageOf(error)}`, { code: 1 });
  }
}

/** What was given counts, then what the unit of the agent says, then what is usual. A text says what is wrong. */
function flagsOf({ agentFlags }: LocalArguments, platform: HostPlatform): Flags | string {
  const parse = (args: readonly string[]) => parseFlags(args, { program: "reagent", platform });
  const known = parse([...readAgentStart().args, ...agentFlags]);
  const parsed = known.kind === "run" ? known : parse(agentFlags);
  return parsed.kind === "run" ? parsed.flags : parsed.text;
}

async function showStatus(
  { isJson }: LocalArguments,
  { flags, stdout, stderr }: CommandSite & { flags: Flags },
): Promise<number> {
  let value: unknown;
  try {
    value = await askAgent({ ask: "status" }, { agentDir: flags.agentDir });
  } catch (error) {
    const hint = hasCode(error, "not_available") ? '; "reagent doctor" looks for the reason' : "";
    if (isJson) return printJson(stdout, { error: messageOf(error) }, { code: 1 });
    return printText(stderr, `${messageOf(error)}${hint}`, { code: 1 });
  }
  if (isJson) return printJson(stdout, value, { code: 0 });
  const isColored = stdout.isTerminal() && !Deno.env.get("NO_COLOR");
  return writeText(stdout, `${statusText(readAgentFacts(value), paintFor(isColored))}\n`) ? 0 : 1;
}
