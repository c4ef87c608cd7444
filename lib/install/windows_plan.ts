/**
 * The Windows service: the steps of each verb, through the programs of Windows, and what they print. Pure. None of it
 * has run on Windows, so `windows_service.ts` only prints the steps.
 */

import { type InstallStep, runningLimitMs } from "./install_step.ts";
import { agentArguments, type ServiceSettings } from "./service_settings.ts";

/** What the service is made from. */
export interface WindowsInput {
  settings: ServiceSettings;
  /** The program that runs, and the config as it was given. */
  programPath: string;
  givenConfig: string;
  proxy: Readonly<Record<string, string>>;
  /** Files with the publisher's root certificates. */
  certificates: readonly string[];
  isNoStart: boolean;
}

const serviceName = "reagent";
const repairTask = "IronFlock Agent Repair";
const eventSource = String.raw`HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\reagent`;
const serviceKey = String.raw`HKLM\SYSTEM\CurrentControlSet\Services\reagent`;

/** Names of groups are translated, their numbers are not: LocalSystem, administrators, users. */
const groups = { system: "*S-1-5-18", administrators: "*S-1-5-32-544", users: "*S-1-5-32-545" };

/** The steps of `install`. Whatever fails after the service exists is only reported. */
export function planWindowsInstall(input: WindowsInput): InstallStep[] {
  const { settings, programPath, givenConfig } = input;
  const { agentDir, appsDir } = settings;
  const full = (sid: string) => `${sid}:(OI)(CI)F`;
  return [
    ...[agentDir, appsDir].map((path): InstallStep => ({ kind: "makeFolder", path, mode: 0o755 })),
    run("icacls", agentDir, "/inheritance:r", "/grant:r", full(groups.system), full(groups.administrators)),
    run("icacls", appsDir, "/grant", `${groups.users}:(OI)(CI)M`),
    ...copyUnlessSame(programPath, `${agentDir}\\reagent.exe`),
    ...copyUnlessSame(givenConfig, settings.config),
    { kind: "writeFile", path: `${agentDir}\\repair.cmd`, text: repairScript(agentDir), mode: 0o644 },
    ...stepsToCreate(settings),
    ...stepsAfterCreation(input),
    ...input.isNoStart ? [] : [
      tryTo("cannot start the service; look at reagent.log and the event log", "sc.exe", "start", serviceName),
      { kind: "awaitRunning", limitMs: runningLimitMs } as const,
    ],
  ];
}

/** The steps of `uninstall`. The agent's folder and the data of apps stay. */
export function planWindowsUninstall(
  { agentDir, certificateNames }: { agentDir: string; certificateNames: readonly string[] },
): InstallStep[] {
  return [
    tryTo("", "sc.exe", "stop", serviceName),
    run("sc.exe", "delete", serviceName),
    tryTo("cannot remove the source of events", "reg", "delete", eventSource, "/f"),
    tryTo("cannot remove the task for repairs", "schtasks", "/delete", "/tn", repairTask, "/f"),
    tryTo("cannot remove the exclusion from the virus scanner", ...exclusion("Remove", agentDir)),
    ...certificateNames.flatMap((name) =>
      certificateStores.map((store) => tryTo("", "certutil", "-delstore", store, name))
    ),
  ];
}

/** The program that starts the service after an exchange of its file was interrupted. Its lines end as in DOS. */
export function repairScript(agentDir: string): string {
  return [
    "@echo off",
    `cd /d "${agentDir.replaceAll("%", "%%")}"`,
    "if exist reagent.exe goto start",
    "if exist reagent-prev.exe (ren reagent-prev.exe reagent.exe & goto start)",
    'for /f "delims=" %%f in (\'dir /b /o-d reagent-v*.exe\') do (ren "%%f" reagent.exe & goto start)',
    ":start",
    "sc start reagent",
    "",
  ].join("\r\n");
}

/** A word of a command line, for programs that read it as C programs do. */
export function quoteWindowsWord(word: string): string {
  if (/^[^\s"]+$/.test(word)) return word;
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}

/** The words of a command line; the opposite of joining quoted ones. Backslashes count only in front of a quote. */
export function splitWindowsLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let isQuoted = false;
  for (const [part, slashes = ""] of line.matchAll(/(\\*)"|\\+|\s|[^\\"\s]+/g)) {
    if (part.endsWith('"')) {
      const isEscaped = slashes.length % 2 === 1;
      word = (word ?? "") + "\\".repeat(Math.floor(slashes.length / 2)) + (isEscaped ? '"' : "");
      if (!isEscaped) isQuoted = !isQuoted;
    } else if (!isQuoted && /^\s$/.test(part)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + part;
    }
  }
  return word === undefined ? words : [...words, word];
}

/** The command line of the service, from what `sc.exe qc` prints. */
export function readServiceCommand(text: string): string[] {
  return splitWindowsLine(/^\s*BINARY_PATH_NAME\s*:\s*(.*?)\s*$/m.exec(text)?.[1] ?? "");
}

const stateWords = [
  ...["", "stopped", "start pending", "stop pending", "running"],
  ...["continue pending", "pause pending", "paused"],
];

/** The state in words, from what `sc.exe query` prints; the numbers are not translated, the names may be. */
export function windowsStateWord(text: string): string {
  const number = Number(/^\s*STATE\s*:\s*(\d+)/m.exec(text)?.[1] ?? 0);
  return stateWords[number] || `unknown (${number})`;
}

const certificateStores = ["Root", "TrustedPublisher"];

function stepsToCreate(settings: ServiceSettings): InstallStep[] {
  const command = [`${settings.agentDir}\\reagent.exe`, ...agentArguments(settings)].map(quoteWindowsWord).join(" ");
  const create = ["create", serviceName, "binPath=", command, "start=", "delayed-auto", "obj=", "LocalSystem"];
  return [run("sc.exe", ...create, "DisplayName=", "IronFlock Device Agent")];
}

function stepsAfterCreation({ settings: { agentDir }, proxy, certificates }: WindowsInput): InstallStep[] {
  const pauses = "restart/5000/restart/30000/restart/120000";
  const repair = `"${agentDir}\\repair.cmd"`;
  const environment = Object.entries(proxy).map(([name, value]) => `${name}=${value}`).join("\\0");
  return [
    tryTo(
      "cannot set what happens after failures",
      ...["sc.exe", "failure", serviceName, "reset=", "86400"],
      "actions=",
      pauses,
    ),
    tryTo("cannot set what happens after failures", "sc.exe", "failureflag", serviceName, "1"),
    tryTo("cannot add the source of events", ...["reg", "add", eventSource, "/v", "EventMessageFile", "/t"], ...[
      "REG_EXPAND_SZ",
      "/d",
      String.raw`%SystemRoot%\System32\EventCreate.exe`,
      "/f",
    ]),
    tryTo("cannot add the task for repairs", ...["schtasks", "/create", "/tn", repairTask, "/sc", "ONSTART"], ...[
      "/ru",
      "SYSTEM",
      "/tr",
      repair,
      "/f",
    ]),
    ...environment === ""
      ? []
      : [tryTo("cannot set the proxy", ...["reg", "add", serviceKey, "/v", "Environment", "/t"], ...[
        "REG_MULTI_SZ",
        "/d",
        environment,
        "/f",
      ])],
    ...certificates.flatMap((file) =>
      certificateStores.map((store) => tryTo(`cannot trust ${file}`, "certutil", "-addstore", "-f", store, file))
    ),
    tryTo("cannot exclude frpc.exe from the virus scanner", ...exclusion("Add", agentDir)),
  ];
}

function exclusion(verb: "Add" | "Remove", agentDir: string): [string, ...string[]] {
  const path = `${agentDir}\\frpc.exe`.replaceAll("'", "''");
  return ["powershell", "-NoProfile", "-Command", `${verb}-MpPreference -ExclusionPath '${path}'`];
}

function copyUnlessSame(from: string, to: string): InstallStep[] {
  return from.toLowerCase() === to.toLowerCase() ? [] : [{ kind: "placeProgram", from, to }];
}

function run(program: string, ...args: string[]): InstallStep {
  return { kind: "run", command: [program, ...args] };
}

function tryTo(warning: string, program: string, ...args: string[]): InstallStep {
  return { kind: "run", command: [program, ...args], warning };
}
