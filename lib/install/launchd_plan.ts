/** The daemon of launchd that runs the agent on macOS: its file, and the steps to make and undo it. Pure. */

import { guardFiles } from "../self_update/start_guard.ts";
import type { InstallStep } from "./install_step.ts";
import type { ServiceVerb } from "./service_command.ts";
import { agentArguments, type ServiceSettings } from "./service_settings.ts";

/** The name of the daemon. */
export const launchdLabel = "com.ironflock.reagent";

/** Its file. Only root may write it, or launchd refuses it. */
export const plistPath = `/Library/LaunchDaemons/${launchdLabel}.plist`;

/** What a daemon is made from. */
export interface LaunchdInput {
  settings: ServiceSettings;
  /** The file that runs, and the runtime that it needs if it is a launcher. */
  program: { path: string; runtime: string | undefined };
  version: string;
  guardText: string;
  proxy: Readonly<Record<string, string>>;
  isNoStart: boolean;
}

/** Where launchd looks for programs has nothing of the engine's in it. */
const path = "/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/** The text of the file. Source: launchd.plist(5). */
export function launchdPlist({ settings, program, proxy }: LaunchdInput): string {
  const guard = `${settings.agentDir}/${guardFiles.guard}`;
  const runtime: Record<string, string> = program.runtime === undefined ? {} : { REAGENT_RUNTIME: program.runtime };
  const variables = { PATH: path, HOME: "/var/root", ...runtime, ...proxy };
  const command = [guard, settings.agentDir, ...agentArguments(settings)];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    "<!-- Written by reagent service install, which replaces it. -->",
    '<plist version="1.0">',
    "<dict>",
    ...entry("Label", textElement(launchdLabel)),
    ...entry("ProgramArguments", `<array>${command.map(textElement).join("")}</array>`),
    ...entry("EnvironmentVariables", dictionary(variables)),
    ...entry("RunAtLoad", "<true/>"),
    ...entry("KeepAlive", "<true/>"),
    ...entry("ThrottleInterval", "<integer>5</integer>"),
    // It ends by itself within 10 s.
    ...entry("ExitTimeOut", "<integer>15</integer>"),
    ...entry("ProcessType", textElement("Interactive")),
    // A core would have the secret of the device in it.
    ...entry("HardResourceLimits", "<dict><key>Core</key><integer>0</integer></dict>"),
    ...entry("StandardErrorPath", textElement("/var/log/reagent.stderr.log")),
    "</dict>",
    "</plist>",
    "",
  ].join("\n");
}

/** The steps of a verb. An installed daemon is unloaded first, because launchd reads the file only when it loads it. */
export function planLaunchd(verb: Exclude<ServiceVerb, "status">, input: LaunchdInput): InstallStep[] {
  const unload: InstallStep = { kind: "run", command: ["launchctl", "bootout", `system/${launchdLabel}`], warning: "" };
  const load: InstallStep = { kind: "run", command: ["launchctl", "bootstrap", "system", plistPath] };
  switch (verb) {
    case "install":
      return [...stepsToPlace(input), unload, ...input.isNoStart ? [] : [load]];
    case "uninstall":
      return [unload, { kind: "remove", path: plistPath }];
    case "start":
      return [load];
    case "stop":
      return [{ ...unload, warning: undefined }];
    case "restart":
      return [{ kind: "run", command: ["launchctl", "kickstart", "-k", `system/${launchdLabel}`] }];
  }
}

/** `running`, `stopped`, or `unknown (…)`, from what `launchctl print` prints; without output it is not loaded. */
export function launchdStateWord(text: string): string {
  const state = /^\tstate = (.*)$/m.exec(text)?.[1]?.trim();
  if (state === "running") return "running";
  return state === undefined || state === "not running" || state === "waiting" ? "stopped" : `unknown (${state})`;
}

function stepsToPlace(input: LaunchdInput): InstallStep[] {
  const { settings: { agentDir }, program, version, guardText } = input;
  const name = `reagent-v${version}`;
  return [
    { kind: "makeFolder", path: agentDir, mode: 0o755 },
    ...program.path === `${agentDir}/${name}`
      ? []
      : [{ kind: "placeProgram", from: program.path, to: `${agentDir}/${name}` } as const],
    { kind: "writeFile", path: `${agentDir}/${guardFiles.guard}`, text: guardText, mode: 0o755 },
    { kind: "link", path: `${agentDir}/${guardFiles.program}`, target: name },
    { kind: "remove", path: `${agentDir}/${guardFiles.fallback}` },
    // A proxy may have a login.
    { kind: "writeFile", path: plistPath, text: launchdPlist(input), mode: 0o600 },
  ];
}

function entry(key: string, value: string): string[] {
  return [`  <key>${key}</key>`, `  ${value}`];
}

function dictionary(values: Readonly<Record<string, string>>): string {
  const entries = Object.entries(values).map(([key, value]) => `<key>${escapeXml(key)}</key>${textElement(value)}`);
  return `<dict>${entries.join("")}</dict>`;
}

function textElement(text: string): string {
  return `<string>${escapeXml(text)}</string>`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
