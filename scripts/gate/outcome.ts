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

/** The linter with a plugin crashes at its end in about one of ten runs; what crashed has not judged. */
const crashLimit = 5;

/** Runs a command of the runtime, again if the runtime itself crashed. Its output is the text of a failure. */
export async function runDeno(args: string[]): Promise<Outcome> {
  const signal = AbortSignal.timeout(limitMs);
  const options = { args, cwd: projectRoot, env: { NO_COLOR: "1" }, signal };
  let output = await new Deno.Command(Deno.execPath(), options).output();
  for (let crashes = 1; output.signal === "SIGSEGV" && crashes < crashLimit; crashes += 1) {
    output = await new Deno.Command(Deno.execPath(), options).output();
  }
  const { success, stdout, stderr } = output;
  if (success) return { passed: true, text: "" };
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const limitText = signal.aborted ? `\nIt took longer than ${limitMs / 1000} s and was killed` : "";
  return { passed: false, text: `${text.trim()}${limitText}` };
}
