/** Words for results. Pure. */

/** What a check has found. */
export interface Finding {
  result: "ok" | "warn" | "fail";
  /** What was seen. */
  text: string;
  /** What to do, in one sentence; empty when nothing is to be done. */
  advice: string;
}

/** All is well. */
export function fine(text: string): Finding {
  return { result: "ok", text, advice: "" };
}

/** Something will go wrong, or could not be looked at. */
export function doubtful(text: string, advice: string): Finding {
  return { result: "warn", text, advice };
}

/** Something keeps the agent from working. */
export function broken(text: string, advice: string): Finding {
  return { result: "fail", text, advice };
}

/** A check that came to no result. */
export function unchecked(error: string): Finding {
  return doubtful(`Cannot be checked: ${error}`, "Look into it by hand, or run the command again.");
}
