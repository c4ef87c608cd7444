/** Finds and runs a command of the Studio's command line. */

import { textOf } from "../../../lib/base/errors.ts";
import { isDict } from "../../../lib/base/json.ts";
import { RemoteError } from "../../../lib/wamp/remote_error.ts";
import { appCommands } from "./apps.ts";
import { type Arguments, readArguments, UsageError } from "./arguments.ts";
import { call } from "./call.ts";
import type { Command, Context } from "./command.ts";
import { deviceCommands } from "./devices.ts";
import { devCommands } from "./dev.ts";
import { logs } from "./logs.ts";
import { networkCommands } from "./network.ts";
import { portCommands } from "./ports.ts";
import { push } from "./push.ts";
import { serve } from "./serve.ts";
import { systemUpdateCommands } from "./system_update.ts";
import { terminal } from "./terminal.ts";
import { state } from "./watch.ts";

const commands: readonly Command[] = [
  serve,
  ...deviceCommands,
  push,
  ...appCommands,
  ...portCommands,
  ...devCommands,
  state,
  logs,
  terminal,
  ...networkCommands,
  ...systemUpdateCommands,
  call,
];

/** Runs a command. Returns 0, 1 when it has failed, 2 when it is invalid, after printing the reason. */
export async function runCommand(args: readonly string[], output: Omit<Context, "folder">): Promise<number> {
  if (args.length === 0 || args.includes("--help") || args.includes("-h") || args[0] === "help") {
    const write = args.length === 0 ? output.printError : output.print;
    write(usageText());
    return args.length === 0 ? 2 : 0;
  }
  const command = commands.find(({ name }) => name.split(" ").every((word, index) => args[index] === word));
  if (command === undefined) {
    const words = args.slice(0, 2).filter((arg) => !arg.startsWith("-"));
    output.printError(`There is no command "${words.join(" ")}"; see: deno task studio --help`);
    return 2;
  }
  try {
    const words = readWords(command, args);
    return await command.run({ ...output, folder: words.text("folder") ?? ".studio" }, words);
  } catch (error) {
    if (error instanceof UsageError) {
      output.printError(`${error.message}\nUsage: ${usageOf(command)}`);
      return 2;
    }
    output.printError(reasonOf(error));
    return 1;
  }
}

/** The help text. Pure. */
export function usageText(): string {
  const lines = commands.map((command) => `  ${usageOf(command)}\n      ${command.summary}`);
  return [
    "The local Studio: controls devices on this machine's network.",
    "",
    "Usage: deno task studio <command> [--folder .studio]",
    "",
    ...lines,
    "",
    "All commands except serve need a running Studio on the same folder.",
  ].join("\n");
}

function readWords(command: Command, args: readonly string[]): Arguments {
  const { least, most } = command;
  const options = { ...command.options, folder: "one" } as const;
  return readArguments(args.slice(command.name.split(" ").length), { options, least, most });
}

function usageOf(command: Command): string {
  return `${command.name} ${command.usage}`.trim();
}

/** Errors of a device or the Studio are printed in their own words. */
function reasonOf(error: unknown): string {
  if (!(error instanceof RemoteError)) return textOf(error);
  const first = error.args[0];
  return isDict(first) && typeof first.error === "string" ? first.error : error.message;
}
