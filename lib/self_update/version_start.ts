/** Decides what the start of a version means: whether it is on probation, or was rolled back. Pure. */

import type { ActivationNeed, ActivationState } from "./activation_state.ts";
import type { LastUpdate } from "./update_record.ts";
import type { VersionLinks } from "./version_links.ts";

/** What follows from what is found at a start. */
export type VersionStart =
  /** Nothing. */
  | { kind: "settled" }
  /** The version that runs has to prove itself, else the guard goes back to `from`. */
  | { kind: "probation"; from: string; needs: ActivationNeed }
  /** It has proved itself, which was not noted to its end. */
  | { kind: "proven"; from: string }
  /** A switch to another version did not take place. */
  | { kind: "interrupted" }
  /** The guard has gone back from `to`. */
  | { kind: "rolledBack"; from: string; to: string; why: string };

/** What is found at a start. */
export interface StartFindings {
  running: string;
  links: VersionLinks;
  /** Undefined when there is none that can be read. */
  state: ActivationState | undefined;
  last: LastUpdate | undefined;
}

const unknownReason = "it did not prove itself; the reason could not be noted";

/** See `VersionStart`. The links count; the state and the record say what they cannot. */
export function versionStart({ running, links, state, last }: StartFindings): VersionStart {
  const { program, fallback } = links;
  if (fallback === undefined) return afterSwitch({ running, state, last });
  if (program === running && fallback !== running) {
    const needs = state?.to === running ? state.needs : "connection";
    return { kind: "probation", from: fallback, needs };
  }
  // The guard runs the version before from its own place when it cannot change the links.
  if (state?.phase === "rolledBack" && state.to !== running) return rolledBack(running, state.to, state.why);
  if (program !== undefined && program !== running && fallback === running) {
    return rolledBack(running, program, unknownReason);
  }
  return { kind: "interrupted" };
}

function afterSwitch({ running, state, last }: Omit<StartFindings, "links">): VersionStart {
  if (state !== undefined) {
    if (state.to === running) return state.phase === "trial" ? { kind: "proven", from: state.from } : settled;
    if (state.phase === "rolledBack") return rolledBack(running, state.to, state.why);
    // A switch that was interrupted has left its fallback; without it somebody has gone back.
    return state.from === running ? rolledBack(running, state.to, unknownReason) : settled;
  }
  if (last?.outcome !== "probation" && last?.outcome !== "ready") return settled;
  if (last.to === running) return { kind: "proven", from: last.from };
  if (last.outcome === "ready" || last.from !== running) return settled;
  return rolledBack(running, last.to, unknownReason);
}

const settled: VersionStart = { kind: "settled" };

function rolledBack(from: string, to: string, why: string): VersionStart {
  return { kind: "rolledBack", from, to, why: why === "" ? unknownReason : why };
}
