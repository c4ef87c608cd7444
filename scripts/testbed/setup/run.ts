/** Runs the programs that set-up needs. */

/** What a program printed, and whether it ended well. */
export interface Ended {
  success: boolean;
  text: string;
}

/** Runs a program to its end without input. `text` is its output and its errors. A missing program is a failure. */
export async function run(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Ended> {
  try {
    const output = await new Deno.Command(program, { args: [...args], stdin: "null", ...options }).output();
    const decoder = new TextDecoder();
    return { success: output.success, text: decoder.decode(output.stdout) + decoder.decode(output.stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { success: false, text: `There is no program "${program}"` };
    throw error;
  }
}

/**
 * Like `run`, but throws an error that ends with the program's last lines when it fails. Gives the program's output.
 */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<string> {
  const ended = await run(program, args, options);
  if (ended.success) return ended.text;
  const command = [program, ...args].join(" ").slice(0, 200);
  throw new Error(`Cannot run "${command}":\n${ended.text.trim().split("\n").slice(-15).join("\n")}`);
}
