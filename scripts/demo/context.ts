/** What the parts of the demo share: a connected device, requests to it, and the log of the app. */

import { systemClock } from "../../lib/async/clock.ts";
import { AgentError } from "../../lib/base/errors.ts";
import type { DesiredChange } from "../studio/desired_change.ts";
import { readableText } from "../studio/log_events.ts";
import type { Report } from "../studio/reports.ts";
import type { AddedDevice, FollowedLogs, Studio } from "../studio/studio.ts";
import { demoApp, type Docker } from "./docker.ts";
import type { Narrator } from "./narrator.ts";
import type { DemoPart } from "./parts.ts";

/** How the demo is run. */
export interface DemoOptions {
  part: DemoPart;
  docker: Docker;
  narrator: Narrator;
  /** Stops the demo, which still cleans up. */
  stop: AbortSignal;
  /** Keeps other agents away; released right before the demo's own agent takes it. */
  lock: DisposableStack;
}

/** The running demo. */
export interface DemoContext extends DemoOptions {
  folder: string;
  studio: Studio;
  device: AddedDevice;
  busybox: string;
  /** Waits for something; rejects when the demo is stopped or the agent ends. */
  until<T>(work: Promise<T>): Promise<T>;
}

/** The line that the Studio shows where a log was cleared. */
const clearedLine = "--- cleared ---";

/** Characters of a line of the log that are shown. */
const lineLimit = 90;

/** How long a build, or a pull of several images, may take on a slow machine. */
const reportLimitMs = 60_000;

/** Requests a change of the app, waits until the device reports `end`, and prints what it has reported. */
export async function requestState(
  { narrator, studio, device, until }: DemoContext,
  change: DesiredChange,
  end: Partial<Report> & Pick<Report, "state">,
): Promise<void> {
  await narrator.timed(async () => {
    const { after } = await until(studio.request(device, demoApp, change));
    await until(studio.waitForReport(device, end, { after, limitMs: reportLimitMs }));
    return studio.reports(device).slice(after).map(({ state }) => state);
  }, (states) => `The device reported ${states.join(" → ")}`);
}

/** Prints the lines of the app's log from now on. */
export async function followLog(
  { narrator, studio, device }: DemoContext,
  options: { stage?: "DEV" } = {},
): Promise<FollowedLogs> {
  const onLine = (line: string) => {
    const text = readableText(line);
    if (text === undefined || line === clearedLine) return;
    for (const part of text.split("\n")) narrator.quote("log", shorten(part.trimEnd()));
  };
  return await studio.followLogs(device, demoApp, { ...options, onLine });
}

/** Fits into a line of a terminal. */
function shorten(text: string): string {
  return text.length > lineLimit ? `${text.slice(0, lineLimit - 1)}…` : text;
}

/** Shows the log for a while. Throws when no line of it contains one of `texts`. */
export async function readLog(
  { narrator, until, stop }: DemoContext,
  logs: FollowedLogs,
  options: { texts: readonly string[]; forMs: number },
): Promise<void> {
  const { texts, forMs } = options;
  const countOf = (text: string) => logs.lines.filter((line) => line.includes(text)).length;
  await narrator.timed(async () => {
    await until(systemClock.sleep(forMs, stop));
    const missing = texts.find((text) => countOf(text) === 0);
    if (missing !== undefined) throw new AgentError("timeout", `No line of ${missing} arrived in ${forMs} ms`);
    return texts.map((text) => `${countOf(text)} lines of ${text}`).join(" and ");
  }, (counted) => `${counted} came ${texts.length > 1 ? "" : "from the container "}through the agent and the router`);
}
