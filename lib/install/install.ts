/** Makes the agent a service of the machine: `reagent service …`. Loaded only then. */

import { textOf } from "../base/errors.ts";
import { escapeForTerminal } from "../base/quote.ts";
import type { LineOutput } from "../base/subcommand.ts";
import { parseServiceCommand, serviceUsage } from "./service_command.ts";

/** Runs `reagent service <args>` and returns the exit code: 1 for what fails, 2 for a wrong verb. */
export async function runService(args: readonly string[], output: LineOutput): Promise<number> {
  const { os } = Deno.build;
  if (os !== "linux" && os !== "darwin" && os !== "windows") {
    output.complain("the 'service' subcommand is only supported on Windows");
    return 1;
  }
  const homeDir = Deno.env.get(os === "windows" ? "USERPROFILE" : "HOME") ?? "/";
  const command = parseServiceCommand(args, { os, homeDir });
  switch (command.kind) {
    case "usage":
      output.complain(serviceUsage());
      return command.exitCode;
    case "error":
      output.complain(`error: ${escapeForTerminal(command.text)}`);
      return 1;
    case "run":
      return await runVerb(command, output);
  }
}

async function runVerb(
  { verb, options }: Extract<ReturnType<typeof parseServiceCommand>, { kind: "run" }>,
  output: LineOutput,
): Promise<number> {
  const request = { verb, options, output, signal: new AbortController().signal };
  try {
    switch (Deno.build.os) {
      case "darwin":
        await (await import("./launchd_daemon.ts")).runLaunchdDaemon(request);
        return 0;
      case "windows":
        (await import("./windows_service.ts")).showWindowsService(request);
        return 0;
      default:
        await (await import("./systemd_service.ts")).runSystemdService(request);
        return 0;
    }
  } catch (error) {
    output.complain(`error: ${escapeForTerminal(textOf(error))}`);
    return 1;
  }
}
