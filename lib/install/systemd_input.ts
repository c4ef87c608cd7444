/** Looks at what an installation on systemd is planned from: the flags, and what is on this machine already. */

import { AgentError } from "../base/errors.ts";
import { existsSync } from "../files/exists.ts";
import { runCommand } from "../host/command.ts";
import { readSystemFile } from "../host/system_file.ts";
import { startGuardScript } from "../self_update/start_guard.ts";
import { agentVersion } from "../version.ts";
import { checkConfig } from "./check_config.ts";
import { findEarlierUnit, findRunningCommand, findStaleLinks } from "./earlier_service.ts";
import type { OwnProgram } from "./own_program.ts";
import type { ServiceRequest } from "./service_command.ts";
import { decideSettings, type EarlierCommand } from "./service_settings.ts";
import { commandPath, earlierManager, type EarlierUnit, type SystemdInput } from "./systemd_plan.ts";
import { readState, stateProperties, type SystemdState } from "./systemd_state.ts";
import { environmentFile } from "./systemd_unit.ts";
import { flagsIn, unitFolder, unitName } from "./unit_file.ts";

/** Of one question to systemd. */
const questionLimitMs = 10_000;

/**
 * What `program` would be installed with. Throws `bad_request` for flags that make no service, `config_missing`, and
 * what systemd and the disk throw.
 */
export async function readSystemdInput(request: ServiceRequest, program: OwnProgram): Promise<SystemdInput> {
  const { options, output } = request;
  const earlier = findEarlierUnit();
  const settings = await decideForSystemd(request, earlier);
  await checkConfig(settings.config, output);
  return {
    settings,
    program,
    version: agentVersion,
    guardText: startGuardScript(),
    earlier,
    hasManager: existsSync(`${unitFolder}/${earlierManager}`) || existsSync(`/lib/systemd/system/${earlierManager}`),
    staleLinks: await findStaleLinks(),
    isCommandFree: existsSync("/usr/local/bin") && !existsSync(commandPath),
    proxy: options.proxy,
    environmentText: readSystemFile(environmentFile) ?? "",
    isNoStart: options.isNoStart,
  };
}

/** What systemd says of the service. Throws when it does not answer. */
export async function readServiceState(signal: AbortSignal): Promise<SystemdState> {
  const args = ["show", unitName, `--property=${stateProperties}`];
  const { stdout } = await runCommand("systemctl", args, { signal, timeoutMs: questionLimitMs });
  return readState(stdout);
}

async function decideForSystemd({ options, output, signal }: ServiceRequest, earlier: EarlierUnit | undefined) {
  const decided = decideSettings({
    given: options.agentFlags,
    earlier: earlier === undefined ? undefined : await earlierCommand(earlier, signal),
    workingDirectory: Deno.cwd(),
    platform: { os: "linux", homeDir: undefined },
    agentDir: "/opt/reagent",
  });
  if (decided.kind === "error") throw new AgentError("bad_request", decided.text);
  const isTakeover = earlier !== undefined && !earlier.facts.isOurs;
  if (isTakeover) output.print(`taking over the service of ${earlier.path}`);
  return decided.settings;
}

/** A unit may start a script that has the flags in it; then the agent that runs has them. */
async function earlierCommand({ facts }: EarlierUnit, signal: AbortSignal): Promise<EarlierCommand> {
  const { workingDirectory } = facts;
  const args = flagsIn(facts.command);
  if (args.some((arg) => /^--?config(=|$)/.test(arg))) return { args, workingDirectory };
  const { mainPid } = await readServiceState(signal);
  const running = mainPid === undefined ? undefined : findRunningCommand();
  return running ?? { args, workingDirectory };
}
