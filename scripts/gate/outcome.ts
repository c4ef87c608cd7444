/** How checks of the gate end, and the runtime's own checks. */

import { projectRoot } from "../paths.ts";

/** How a check ended. */
export interface Outcome {
  passed: boolean;
  /** For the user: the violations, or a result worth knowing. May be empty. */
  text: string;
}

/** A check that takes longer is killed and has failed. */
const limitMs = 10 * 60_000;

/** Runs a command of the runtime; its output is the text of a failure. */
export async function runDeno(args: string[]): Promise<Outcome> {
  const signal = AbortSignal.timeout(limitMs);
  const options = { args, cwd: projectRoot, env: { NO_COLOR: "1" }, signal };
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), options).output();
  if (success) return { passed: true, text: "" };
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const limitText = signal.aborted ? `\nIt took longer than ${limitMs / 1000} s and was killed` : "";
  return { passed: false, text: `${text.trim()}${limitText}` };
}
