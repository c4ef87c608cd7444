/**
 * The service on macOS: a daemon of launchd. It has not been tried on a real one; what it decides is in
 * `launchd_plan.ts`.
 */

import { AgentError } from "../base/errors.ts";
import { existsSync } from "../files/exists.ts";
import { runCommand } from "../host/command.ts";
import { startGuardScript } from "../self_update/start_guard.ts";
import { agentVersion } from "../version.ts";
import { checkConfig } from "./check_config.ts";
import { proxyOfService } from "./environment_file.ts";
import { describeStep } from "./install_step.ts";
import {
  type LaunchdInput,
  launchdLabel,
  launchdPlist,
  launchdStateWord,
  planLaunchd,
  plistPath,
} from "./launchd_plan.ts";
import { findOwnProgram } from "./own_program.ts";
import { runInstallSteps } from "./run_install_steps.ts";
import type { ServiceRequest } from "./service_command.ts";
import { decideSettings, type ServiceSettings } from "./service_settings.ts";

const printLimitMs = 10_000;

/** Does what is asked for. Throws with one sentence for people when it cannot. */
export async function runLaunchdDaemon(request: ServiceRequest): Promise<void> {
  const { verb, options, output, signal } = request;
  if (Deno.uid() !== 0 && verb !== "status" && !options.isDryRun) {
    throw new AgentError("denied", `root must run this: sudo reagent service ${verb}`);
  }
  if (verb !== "install" && !existsSync(plistPath)) {
    throw new AgentError("not_available", "the service reagent is not installed");
  }
  if (verb === "status") return output.print(await readStateWord(signal));
  const input = await inputFor(request);
  if (options.isDryRun && verb === "install") output.print(launchdPlist(input).trimEnd());
  const steps = planLaunchd(verb, input);
  if (options.isDryRun) return steps.forEach((step) => output.print(`# would ${describeStep(step)}`));
  await runInstallSteps(steps, {
    signal,
    warn: (text) => output.complain(`warning: ${text}`),
    isRunning: async () => await readStateWord(signal) === "running",
    hint: `look at "launchctl print system/${launchdLabel}"`,
  });
}

async function readStateWord(signal: AbortSignal): Promise<string> {
  const args = ["print", `system/${launchdLabel}`];
  const { stdout } = await runCommand("launchctl", args, { signal, timeoutMs: printLimitMs });
  return launchdStateWord(stdout);
}

async function inputFor({ verb, options, output }: ServiceRequest): Promise<LaunchdInput> {
  const isInstall = verb === "install";
  const settings = isInstall ? daemonSettings(options.agentFlags) : nowhere;
  if (isInstall) await checkConfig(settings.config, output);
  return {
    settings,
    program: isInstall ? await findOwnProgram() : { path: "", runtime: undefined },
    version: agentVersion,
    guardText: startGuardScript(),
    proxy: options.proxy === undefined ? {} : proxyOfService(options.proxy),
    isNoStart: options.isNoStart,
  };
}

/** Verbs without an installation need no paths. */
const nowhere: ServiceSettings = { config: "", agentDir: "", appsDir: "", dbFileName: "", logFile: "", otherFlags: [] };

function daemonSettings(given: ServiceRequest["options"]["agentFlags"]): ServiceSettings {
  const decided = decideSettings({
    given,
    earlier: undefined,
    workingDirectory: Deno.cwd(),
    // A daemon has the home of root.
    platform: { os: "darwin", homeDir: "/var/root" },
    agentDir: "/var/root/reagent",
  });
  if (decided.kind === "error") throw new AgentError("bad_request", decided.text);
  return decided.settings;
}
