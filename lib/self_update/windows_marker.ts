/**
 * The marker file of a switch on Windows, `update-state.json`, and what follows from it. There is no start guard: the
 * program renames its own file, and each start of the service decides from the marker. Pure.
 */

import { isCount, isDict, parseJson, readText } from "../base/json.ts";

/** `swapping`: files are being renamed. `rolledback`: the new version is blocked until another one is activated. */
export type MarkerPhase = "swapping" | "probation" | "rolledback";

/** The content of the file. */
export interface WindowsMarker {
  phase: MarkerPhase;
  newVersion: string;
  oldVersion: string;
  /** Starts of the new version on probation. */
  attempts: number;
  /** In UTC, RFC 3339 with seconds. */
  updatedAt: string;
}

/** What a start of the service has to do first. */
export type MarkerAction =
  | { kind: "nothing" }
  | { kind: "clear" }
  /** Write the marker, and run. */
  | { kind: "store"; marker: WindowsMarker }
  /** Put the version before in its place, write `marker` and be restarted; where that fails, write `ifKept` and run. */
  | { kind: "rollBack"; marker: WindowsMarker; ifKept: WindowsMarker };

/** A version on probation may be started so often. */
export const probationStarts = 3;

const markerPhases: readonly MarkerPhase[] = ["swapping", "probation", "rolledback"];

/** The text of the file: compact JSON, as the reference agent writes it. */
export function encodeMarker({ phase, newVersion, oldVersion, attempts, updatedAt }: WindowsMarker): string {
  return JSON.stringify({
    ...{ phase, new_version: newVersion, old_version: oldVersion },
    ...{ attempts, updated_at: updatedAt },
  });
}

/** Reads the text of the file. Undefined when it is no marker, which counts as none. */
export function decodeMarker(text: string): WindowsMarker | undefined {
  const value = parseJson(text);
  if (!isDict(value)) return undefined;
  const phase = markerPhases.find((name) => name === value.phase);
  const newVersion = readText(value.new_version) ?? "";
  if (phase === undefined || newVersion === "") return undefined;
  return {
    phase,
    newVersion,
    oldVersion: readText(value.old_version) ?? "",
    attempts: isCount(value.attempts) ? value.attempts : 0,
    updatedAt: readText(value.updated_at) ?? "",
  };
}

/** What the start of the version `running` means. */
export function markerAtStart(
  marker: WindowsMarker | undefined,
  { running, now }: { running: string; now: string },
): MarkerAction {
  if (marker === undefined) return { kind: "nothing" };
  switch (marker.phase) {
    case "swapping":
      return { kind: "clear" };
    case "rolledback":
      return { kind: "nothing" };
    case "probation": {
      const rolledBack: WindowsMarker = { ...marker, phase: "rolledback", updatedAt: now };
      if (running === marker.oldVersion) return { kind: "store", marker: rolledBack };
      // Somebody has put another version there by hand.
      if (running !== marker.newVersion) return { kind: "clear" };
      const counted = { ...marker, attempts: marker.attempts + 1, updatedAt: now };
      if (counted.attempts <= probationStarts) return { kind: "store", marker: counted };
      return { kind: "rollBack", marker: { ...rolledBack, attempts: counted.attempts }, ifKept: counted };
    }
  }
}

/** Whether a version was rolled back and must not be activated again. */
export function isBlockedByMarker(marker: WindowsMarker | undefined, version: string): boolean {
  return marker?.phase === "rolledback" && marker.newVersion === version;
}

/** Whether the marker goes once the version has lived long enough. */
export function isProvenByUptime(marker: WindowsMarker | undefined): boolean {
  return marker?.phase === "probation";
}
