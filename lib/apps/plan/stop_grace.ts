/** Decides how long a container may take between its stop signal and SIGKILL. Pure. */

/** What is known of a container that is about to be stopped. */
export interface StopTraits {
  /** False when its first process does nothing about the stop signal; undefined when that is not known. */
  handlesSignal: boolean | undefined;
  /** What its image asks for; negative for without end. */
  stopTimeoutSeconds: number | undefined;
}

/** For a process that cannot react: waiting longer would change nothing. */
const deafGraceSeconds = 1;

/** For all others, unless their image asks for another time. */
export const stopGraceSeconds = 10;

/** Whatever an image asks for. */
export const stopLimitSeconds = 300;

/** The seconds until SIGKILL. When in doubt the app gets its time: what it has not stored yet would be lost. */
export function graceSecondsOf({ handlesSignal, stopTimeoutSeconds = stopGraceSeconds }: StopTraits): number {
  const asked = stopTimeoutSeconds < 0 ? stopLimitSeconds : Math.floor(stopTimeoutSeconds);
  return Math.min(asked, handlesSignal === false ? deafGraceSeconds : stopLimitSeconds);
}
