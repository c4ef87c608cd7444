/** Judges the first run of a result. Pure. */

import type { Trial } from "./options.ts";
import { explainFailure } from "./plan.ts";
import type { CommandEnd } from "./runtime_command.ts";

/** What is wrong with the run; undefined when nothing is. */
export function trialProblem({ success, text }: CommandEnd, { args, prints }: Trial): string | undefined {
  if (!success) return explainFailure(text);
  if (prints === undefined || text.trim() === prints) return undefined;
  return `${args.join(" ")} must print "${prints}", it printed ${JSON.stringify(text.trim().slice(0, 200))}`;
}
