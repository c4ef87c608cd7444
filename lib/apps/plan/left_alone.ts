/**
 * Decides whether work on what an app has written may begin. Work in which the agent has ended twice would end it again
 * at every start, so the app is left alone for a while and the rest of the device goes on. Pure.
 */

/** Work on an app that was begun and has not been finished by the process that began it. */
export interface UnfinishedWork {
  /** For people: what was done, as in `deleting its data`. */
  what: string;
  /** The start of the machine on which it was begun. */
  bootId: string;
  /** On how many processes it was begun in a row. */
  begun: number;
  /** Since the start of the machine, in milliseconds. */
  beganAtMs: number;
}

/** The start of the machine, as far as it is known. */
export interface WorkMoment {
  bootId: string;
  uptimeMs: number;
}

/** What follows for work that is about to begin. */
export type WorkVerdict =
  /** `isSuspect`: a process has ended in it, so nothing else of its kind should be done at the same time. */
  | { kind: "go"; begun: number; isSuspect: boolean }
  /** `forMs`: how long it is still left alone. */
  | { kind: "leave"; forMs: number };

/** So many processes may end in the same work. */
export const endedLimit = 2;

/** How long an app is left alone, unless Studio requests something of it. */
export const leftAloneMs = 3_600_000;

/**
 * Whether work may begin, given what an earlier process has left unfinished. A restart of the machine proves nothing.
 */
export function judgeWork(unfinished: UnfinishedWork | undefined, now: WorkMoment): WorkVerdict {
  if (unfinished === undefined || unfinished.bootId !== now.bootId) return { kind: "go", begun: 1, isSuspect: false };
  const forMs = unfinished.beganAtMs + leftAloneMs - now.uptimeMs;
  if (unfinished.begun >= endedLimit && forMs > 0) return { kind: "leave", forMs };
  return { kind: "go", begun: unfinished.begun + 1, isSuspect: true };
}

/** What people read in the app's log. */
export function leftAloneText({ what, begun }: UnfinishedWork, forMs: number): string {
  const minutes = Math.max(1, Math.round(forMs / 60_000));
  return `The agent has ended ${begun} times while ${what}, and leaves this app alone; ` +
    `it tries again in ${minutes} min, or when Studio requests something of the app`;
}
