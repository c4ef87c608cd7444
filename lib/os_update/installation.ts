/** Decides how an installation stands. Pure. */

import type { RaucProgress, RaucState } from "../dbus/rauc.ts";

/** How an installation stands. */
export type InstallationState =
  | { kind: "running" }
  | { kind: "installed" }
  | { kind: "failed"; why: string }
  /** Nobody knows any more. */
  | { kind: "unknown"; why: string };

/** What was noted when an installation began. */
export interface BegunInstallation {
  /** The start of the machine; undefined where the system has none. */
  bootId: string | undefined;
  /** Which of its systems was running. */
  bootSlot: string;
  /** The installer has said that it begins. */
  isBegun: boolean;
}

/** The last step of an installation, whether it went well or not. */
export function isLastStep({ percent, depth }: RaucProgress): boolean {
  return percent === 100 && depth <= 1;
}

/**
 * How an installation stands that an earlier process of the agent has begun. The installer is a program of its own, and
 * may have gone on, ended, or been ended with the machine.
 */
export function judgeBegun(
  begun: BegunInstallation,
  { state, bootId }: { state: RaucState; bootId: string | undefined },
): InstallationState {
  if (begun.bootId !== bootId) {
    return state.bootSlot !== "" && state.bootSlot !== begun.bootSlot
      ? { kind: "installed" }
      : { kind: "unknown", why: "the device was restarted meanwhile, into the same system" };
  }
  if (state.operation !== "idle") return { kind: "running" };
  if (!begun.isBegun) return { kind: "unknown", why: "the agent ended before the installer said that it begins" };
  if (state.lastError !== "") return { kind: "failed", why: state.lastError };
  if (isLastStep(state.progress)) return { kind: "installed" };
  // Idle is no proof: see `RaucState`.
  if (state.progress.message !== "") return { kind: "running" };
  return { kind: "unknown", why: "the installer was restarted meanwhile" };
}
