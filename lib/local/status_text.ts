/** Shows on a terminal what the agent tells. Pure. */

import { escapeForCell } from "../base/quote.ts";
import type { AgentFacts, AppFacts, DiskFacts, ProblemFacts } from "./agent_facts.ts";

/** Makes a part of a line stand out. */
export type Paint = (color: keyof typeof colors, text: string) => string;

const colors = { red: 31, green: 32, yellow: 33, bold: 1 } as const;

/** Paints nothing where the output is no terminal, or colours are not wanted. */
export function paintFor(isColored: boolean): Paint {
  return (color, text) => isColored ? `\x1b[${colors[color]}m${text}\x1b[0m` : text;
}

/** What `reagent status` prints, without a line end at its end. Texts of others are escaped. */
export function statusText(facts: AgentFacts, paint: Paint): string {
  const { version, pid, uptimeSeconds, device, engine, lastUpdate } = facts;
  const rows: [string, string][] = [
    ["Agent", `${version}, up ${ageText(uptimeSeconds)} (pid ${pid})`],
    ["Device", `${device.name} (${device.serialNumber})`],
    ["Connection", connectionText(facts)],
    ["Engine", engine.state],
    ...(lastUpdate === "" ? [] : [["Last update", lastUpdate] satisfies [string, string]]),
  ];
  const shown = rows.map(([name, text]) => `${`${name}:`.padEnd(13)}${paintState(escapeForCell(text), paint)}`);
  return [
    ...shown,
    ...facts.isEmergency ? [paint("red", "The disk is too full to work: apps are stopped until space is free")] : [],
    "",
    ...appTable(facts.apps),
    "",
    ...diskTable(facts.disks),
    "",
    ...problemLines(facts.problems, paint),
  ].join("\n");
}

/** `3 days`, `5 hours`, as the engine's command line says it. */
export function ageText(seconds: number): string {
  const steps: readonly [limit: number, unit: number, name: string][] = [
    [60, 1, "second"],
    [3_600, 60, "minute"],
    [172_800, 3_600, "hour"],
    [Infinity, 86_400, "day"],
  ];
  const [, unit, name] = steps.find(([limit]) => seconds < limit) ?? [0, 1, "second"];
  const count = Math.floor(seconds / unit);
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** `1.5 GiB`. */
export function diskSizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let index = 0;
  let rest = bytes;
  for (; rest >= 1_024 && index < units.length - 1; index += 1) rest /= 1_024;
  return `${index === 0 ? rest : rest.toFixed(1)} ${units[index]}`;
}

/** Rows in columns that are as wide as they need to be. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => row.map(escapeForCell));
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  return cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("   ").trimEnd());
}

function connectionText({ connection, device }: AgentFacts): string {
  const { state, forSeconds, heardSecondsAgo } = connection;
  if (state === "offline") return "offline (-offline)";
  if (state === "connected") return `connected to ${device.endpointUrl} for ${ageText(forSeconds)}`;
  const heard = heardSecondsAgo < 0 ? "never connected" : `last heard ${ageText(heardSecondsAgo)} ago`;
  return `connecting to ${device.endpointUrl} (${heard})`;
}

function paintState(text: string, paint: Paint): string {
  if (/^(connected|available)/.test(text)) return text.replace(/^\S+/, (word) => paint("green", word));
  return text.replace(/^(connecting|unavailable)/, (word) => paint("red", word));
}

function appTable(apps: readonly AppFacts[]): string[] {
  if (apps.length === 0) return ["No apps"];
  const rows = apps.map(({ name, stage, version, state, target, container }) => {
    return [name, stage, version || "-", state === target ? state : `${state} (wanted: ${target})`, container];
  });
  return tableLines([["APP", "STAGE", "VERSION", "STATE", "CONTAINER"], ...rows]);
}

function diskTable(disks: readonly DiskFacts[]): string[] {
  const rows = disks.map(({ path, totalBytes, freeBytes }) => {
    const percent = totalBytes > 0 ? `${Math.round(100 * (1 - freeBytes / totalBytes))}%` : "-";
    return [path, diskSizeText(totalBytes), diskSizeText(freeBytes), percent];
  });
  return tableLines([["DISK", "SIZE", "AVAILABLE", "USED"], ...rows]);
}

function problemLines(problems: readonly ProblemFacts[], paint: Paint): string[] {
  if (problems.length === 0) return ["No warnings or errors since the start"];
  const lines = problems.map(({ time, level, message, error }) => {
    const color = level === "warn" ? "yellow" : "red";
    const text = error === "" ? message : `${message}: ${error}`;
    return `${escapeForCell(time)} ${paint(color, escapeForCell(level))} ${escapeForCell(text)}`;
  });
  return ["Last warnings and errors:", ...lines];
}
