/** The steps that make the agent a service of systemd, and those that undo it. Pure. */

import { guardFiles } from "../self_update/start_guard.ts";
import { environmentFile, systemdUnit } from "./systemd_unit.ts";
import { mergeEnvironment, proxyOfService } from "./environment_file.ts";
import { type InstallStep, runningLimitMs } from "./install_step.ts";
import type { ServiceSettings } from "./service_settings.ts";
import { type UnitFacts, unitFolder, unitName } from "./unit_file.ts";

/** The program of the reference agent that switches its versions. It would switch ours. */
export const earlierManager = "reagent-manager.service";

/** The unit before ours, kept in the agent's folder. */
export const keptUnitName = "reagent.service.earlier";

/** A unit that is there, and what systemd has made of it. */
export interface EarlierUnit {
  path: string;
  facts: UnitFacts;
  /** Drop-ins that start another program than the unit. They stay, and count for the next unit, too. */
  overrides: readonly string[];
}

/** What an installation on systemd is planned from. */
export interface SystemdInput {
  settings: ServiceSettings;
  /** The file that runs, and the runtime that it needs if it is a launcher. */
  program: { path: string; runtime: string | undefined };
  version: string;
  guardText: string;
  earlier: EarlierUnit | undefined;
  /** The manager of the reference agent is installed. */
  hasManager: boolean;
  /** Links in other folders than that of `multi-user.target`, which start the earlier unit. */
  staleLinks: readonly string[];
  /** `/usr/local/bin/reagent` is free for a link. */
  isCommandFree: boolean;
  proxy: string | undefined;
  /** The text of the file with variables. */
  environmentText: string;
  isNoStart: boolean;
}

/**
 * Until the last steps the earlier agent goes on, and at each moment the machine starts one of them when it boots. The
 * earlier manager is stopped before there is a new program for it to find, but switched off only after it is not
 * needed.
 */
export function planSystemdInstall(input: SystemdInput): InstallStep[] {
  const { settings, earlier, hasManager, staleLinks, isNoStart } = input;
  const { agentDir } = settings;
  const unitPath = `${unitFolder}/${unitName}`;
  const manager: InstallStep[] = hasManager
    ? [{ kind: "run", command: ["systemctl", "stop", earlierManager], warning: `cannot stop ${earlierManager}` }]
    : [];
  const isTakeover = earlier !== undefined && !earlier.facts.isOurs;
  return [
    ...manager,
    { kind: "makeFolder", path: agentDir, mode: 0o755 },
    ...programSteps(input),
    ...proxySteps(input),
    ...isTakeover ? [{ kind: "keepCopy", from: earlier.path, to: `${agentDir}/${keptUnitName}` } as const] : [],
    { kind: "writeFile", path: unitPath, text: unitTextOf(input), mode: 0o644 },
    { kind: "run", command: ["systemctl", "daemon-reload"] },
    { kind: "run", command: ["systemctl", "enable", unitName] },
    ...staleLinks.map((path): InstallStep => ({ kind: "remove", path })),
    ...hasManager ? [disableManager] : [],
    ...isNoStart ? [] : stepsToStart(),
  ];
}

/** The text of the unit for this machine. */
export function unitTextOf({ settings, program, earlier }: SystemdInput): string {
  return systemdUnit({
    settings,
    guard: `${settings.agentDir}/${guardFiles.guard}`,
    runtime: program.runtime,
    earlierAfter: earlier?.facts.after ?? [],
    earlierEnvironment: earlier?.facts.environmentLines ?? [],
  });
}

/** Data stays. */
export function planSystemdUninstall({ unitPath }: { unitPath: string }): InstallStep[] {
  return [
    { kind: "run", command: ["systemctl", "disable", "--now", unitName], warning: "cannot stop the service" },
    { kind: "remove", path: unitPath },
    { kind: "run", command: ["systemctl", "daemon-reload"] },
    { kind: "run", command: ["systemctl", "reset-failed", unitName], warning: "" },
  ];
}

const disableManager: InstallStep = {
  kind: "run",
  command: ["systemctl", "disable", earlierManager],
  warning: `cannot switch ${earlierManager} off; it would switch versions next to the agent`,
};

/** Not waited for by systemctl: a machine may take its time until the network is there. */
function stepsToStart(): InstallStep[] {
  return [
    { kind: "run", command: ["systemctl", "--no-block", "restart", unitName] },
    { kind: "awaitRunning", limitMs: runningLimitMs },
  ];
}

function programSteps({ settings: { agentDir }, program, version, guardText, isCommandFree }: SystemdInput) {
  const name = `reagent-v${version}`;
  const steps: InstallStep[] = [
    ...program.path === `${agentDir}/${name}`
      ? []
      : [{ kind: "placeProgram", from: program.path, to: `${agentDir}/${name}` } as const],
    { kind: "writeFile", path: `${agentDir}/${guardFiles.guard}`, text: guardText, mode: 0o755 },
    { kind: "link", path: `${agentDir}/${guardFiles.program}`, target: name },
    // Whoever installs a version by hand means it: no guard goes back from it.
    { kind: "remove", path: `${agentDir}/${guardFiles.fallback}` },
    ...isCommandFree ? [{ kind: "link", path: commandPath, target: `${agentDir}/${guardFiles.program}` } as const] : [],
  ];
  return steps;
}

/** So that `reagent status` works in every shell. */
export const commandPath = "/usr/local/bin/reagent";

function proxySteps({ proxy, environmentText }: SystemdInput): InstallStep[] {
  if (proxy === undefined) return [];
  const text = mergeEnvironment(environmentText, proxyOfService(proxy));
  return [{ kind: "writeFile", path: environmentFile, text, mode: 0o600 }];
}
