/** The service on a machine with systemd: looks at what is there, plans, and does it. */

import { AgentError } from "../base/errors.ts";
import type { LineOutput } from "../base/subcommand.ts";
import { existsSync } from "../files/exists.ts";
import { agentVersion } from "../version.ts";
import { findEarlierUnit } from "./earlier_service.ts";
import { describeStep, type InstallStep } from "./install_step.ts";
import { findOwnProgram } from "./own_program.ts";
import { runInstallSteps } from "./run_install_steps.ts";
import type { ServiceRequest } from "./service_command.ts";
import { decideSettings, type ServiceSettings } from "./service_settings.ts";
import { readServiceState, readSystemdInput } from "./systemd_input.ts";
import {
  earlierManager,
  type EarlierUnit,
  keptUnitName,
  planSystemdInstall,
  planSystemdUninstall,
  type SystemdInput,
  unitTextOf,
} from "./systemd_plan.ts";
import { stateWord } from "./systemd_state.ts";
import { flagsIn, unitFolder, unitName } from "./unit_file.ts";

/** How long a verb waits for what it has asked for. The unit's `TimeoutStopSec` is below it. */
const stateChangeLimitMs = 30_000;

const hint = 'look at "systemctl status reagent" and "journalctl -u reagent"';

/** Does what is asked for. Throws with one sentence for people when it cannot. */
export async function runSystemdService(request: ServiceRequest): Promise<void> {
  const { verb, options } = request;
  if (!existsSync("/run/systemd/system")) {
    throw new AgentError(
      "not_available",
      "this machine does not run systemd; start the agent with: reagent -config FILE",
    );
  }
  const needsRoot = verb !== "status" && !options.isDryRun;
  if (needsRoot && Deno.uid() !== 0) throw new AgentError("denied", `root must run this: sudo reagent service ${verb}`);
  if (verb === "install") return await install(request);
  const unit = findEarlierUnit();
  const state = await readServiceState(request.signal);
  if (unit === undefined && !state.isLoaded) {
    throw new AgentError("not_available", "the service reagent is not installed");
  }
  if (verb === "status") return request.output.print(stateWord(state));
  if (verb === "uninstall") return await uninstall(request, unit);
  const steps: InstallStep[] = [{ kind: "run", command: ["systemctl", "--no-block", verb, unitName] }];
  await doSteps(request, steps);
  if (!options.isDryRun) await awaitState(request, verb === "stop" ? "stopped" : "running");
}

async function install(request: ServiceRequest): Promise<void> {
  const { options, output } = request;
  const input = await readSystemdInput(request, await findOwnProgram());
  if (options.isDryRun) output.print(unitTextOf(input).trimEnd());
  await doSteps(request, planSystemdInstall(input));
  if (options.isDryRun) return;
  reportTakeover(input, output);
  for (const path of input.earlier?.overrides ?? []) {
    output.complain(`warning: ${path} starts the agent in another way, without its guard; remove ExecStart= there`);
  }
  output.print(`installed the service reagent: version ${agentVersion} in ${input.settings.agentDir}`);
}

function reportTakeover({ earlier, settings, hasManager }: SystemdInput, { print }: LineOutput): void {
  if (earlier === undefined || earlier.facts.isOurs) return;
  const { otherLines } = earlier.facts;
  print(`apps, database and config stay: ${settings.appsDir}, ${settings.dbFileName}, ${settings.config}`);
  print(`the unit before is kept as ${settings.agentDir}/${keptUnitName}`);
  if (hasManager) print(`${earlierManager} is off: the agent switches its versions itself`);
  for (const line of otherLines) print(`left out of the new unit: ${line}`);
}

async function uninstall(request: ServiceRequest, unit: EarlierUnit | undefined): Promise<void> {
  const { options, output } = request;
  const path = `${unitFolder}/${unitName}`;
  if (unit !== undefined && !unit.facts.isOurs) {
    throw new AgentError("not_available", `${unit.path} was not written by reagent service install; it stays`);
  }
  await doSteps(request, planSystemdUninstall({ unitPath: path }));
  if (options.isDryRun || unit === undefined) return;
  const left = await settingsOfUnit(unit);
  output.print("removed the service reagent; the containers of apps go on");
  if (left === undefined) return;
  for (const place of [left.agentDir, left.appsDir, left.dbFileName, left.config, left.logFile]) {
    if (existsSync(place)) output.print(`left: ${place}`);
  }
  const kept = `${left.agentDir}/${keptUnitName}`;
  if (existsSync(kept)) output.print(`the unit before ours is ${kept}`);
}

function settingsOfUnit({ facts }: EarlierUnit): Promise<ServiceSettings | undefined> {
  const decided = decideSettings({
    given: [],
    earlier: { args: flagsIn(facts.command), workingDirectory: "/" },
    workingDirectory: "/",
    platform: { os: "linux", homeDir: undefined },
    agentDir: "/opt/reagent",
  });
  return Promise.resolve(decided.kind === "settings" ? decided.settings : undefined);
}

async function doSteps({ options, output, signal }: ServiceRequest, steps: readonly InstallStep[]): Promise<void> {
  if (options.isDryRun) {
    for (const step of steps) output.print(`# would ${describeStep(step)}`);
    return;
  }
  await runInstallSteps(steps, {
    signal,
    warn: (text) => output.complain(`warning: ${text}`),
    isRunning: async () => (await readServiceState(signal)).activeState === "active",
    hint,
  });
}

async function awaitState({ output, signal }: ServiceRequest, wanted: "running" | "stopped"): Promise<void> {
  const endMs = performance.now() + stateChangeLimitMs;
  for (;;) {
    const word = stateWord(await readServiceState(signal));
    if (word === wanted) return output.print(word);
    if (performance.now() > endMs) {
      return output.complain(`warning: the service is in the state "${word}" after 30 s; ${hint}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
