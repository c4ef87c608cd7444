/** How long a failed app waits for its next try, and what its log says of that. Pure. */

import { spreadWaitMs } from "../../async/backoff.ts";

const retrySchedule = { firstMs: 5_000, limitMs: 3_600_000 };

/** The wait before try number `attempt` (1, 2, …) in milliseconds: 5 s × n², at most an hour, spread by ±20 %. */
export function crashLoopDelayMs(attempt: number, random: number): number {
  return spreadWaitMs(retrySchedule, { attempt, random });
}

/** A registry that fails is no fault of the app, and nobody should have to wait for the app once it works again. */
const downloadSchedule = { firstMs: 5_000, limitMs: 24_000 };

/** At most so much is added to the pause that a registry asks for, so that not all apps come back at once. */
const pauseSpreadMs = 3_000;

/**
 * The wait before download number `attempt` (1, 2, …) in milliseconds: while the link is up, 5 s × n², at most 24 s,
 * spread by ±20 %; without a link as after any failure, because a connect begins the next try. Never shorter than the
 * pause that the registry asks for.
 */
export function downloadDelayMs(
  attempt: number,
  { isLinkUp, pauseMs, random }: { isLinkUp: boolean; pauseMs: number; random: number },
): number {
  const ownMs = spreadWaitMs(isLinkUp ? downloadSchedule : retrySchedule, { attempt, random });
  if (pauseMs === 0) return ownMs;
  return Math.max(ownMs, Math.round(pauseMs + random * Math.min(pauseSpreadMs, pauseMs / 5)) + 1);
}

/** The line in the app's log; its wording is part of the wire. */
export function crashLoopText(attempt: number, delayMs: number): string {
  return `Entered a crashloop (${ordinalText(attempt)} attempt), retrying in ${durationText(delayMs)}`;
}

/** `1st`, `2nd`, `3rd`, `4th`, … `11th`, `12th`, `13th`, … `21st`. */
export function ordinalText(count: number): string {
  const isTeen = count % 100 >= 11 && count % 100 <= 13;
  const endings: Readonly<Record<number, string>> = { 1: "st", 2: "nd", 3: "rd" };
  return `${count}${isTeen ? "th" : endings[count % 10] ?? "th"}`;
}

/** A duration as Go writes it: `500ms`, `4.235s`, `1m20.5s`, `1h0m0s`. */
export function durationText(durationMs: number): string {
  if (durationMs === 0) return "0s";
  if (durationMs < 1_000) return `${durationMs}ms`;
  const hours = Math.floor(durationMs / 3_600_000);
  const minutes = Math.floor(durationMs / 60_000) % 60;
  const seconds = (durationMs % 60_000) / 1_000;
  const head = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : "";
  return `${head}${seconds}s`;
}
