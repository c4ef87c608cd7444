/** Runs commands of the runtime, and programs that a build has made. */

import { projectRoot } from "../paths.ts";

/** How a command ended, and what it printed on both outputs. */
export interface CommandEnd {
  success: boolean;
  text: string;
}

/** The longest that a result may take to print its version. */
const trialLimitMs = 30_000;

/**
 * Runs a command of the runtime with these environment variables only. It sees `DENORT_BIN` only when told so: the base
 * executable of one platform must not be used for another.
 */
export async function runRuntime(
  args: readonly string[],
  options: { environment: Readonly<Record<string, string>>; isBaseGiven?: boolean },
): Promise<CommandEnd> {
  const { DENORT_BIN, ...others } = options.environment;
  const env = { ...others, NO_COLOR: "1", ...(options.isBaseGiven && DENORT_BIN ? { DENORT_BIN } : {}) };
  return await end(new Deno.Command(Deno.execPath(), { args: [...args], cwd: projectRoot, env, clearEnv: true }));
}

/** Runs a program for at most 30 s. One that cannot be started has failed, with the reason as its text. */
export async function tryProgram(
  program: string,
  { args, environment }: { args: readonly string[]; environment: Readonly<Record<string, string>> },
): Promise<CommandEnd> {
  const signal = AbortSignal.timeout(trialLimitMs);
  const options = { args: [...args], env: { ...environment, NO_COLOR: "1" }, clearEnv: true, signal };
  try {
    const ended = await end(new Deno.Command(program, options));
    return signal.aborted ? { success: false, text: `it did not end within ${trialLimitMs / 1_000} s` } : ended;
  } catch (error) {
    return { success: false, text: error instanceof Error ? error.message : String(error) };
  }
}

async function end(command: Deno.Command): Promise<CommandEnd> {
  const output = await command.output();
  const decoder = new TextDecoder();
  return { success: output.success, text: decoder.decode(output.stdout) + decoder.decode(output.stderr) };
}
