/** Runs programs of the system to their end. */

/** How a program is run. Without `stdin` it has no input. */
export interface ProgramOptions {
  env?: Record<string, string>;
  cwd?: string;
  stdin?: Uint8Array;
}

/** What a program printed, and how it ended. */
export interface Ended {
  success: boolean;
  /** 127, as in a shell, when there is no such program. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program. One that is missing, or fails, is no error. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Ended> {
  const { stdin, ...rest } = options;
  let child: Deno.ChildProcess;
  try {
    const input = stdin === undefined ? "null" : "piped";
    child = new Deno.Command(program, { args: [...args], stdin: input, stdout: "piped", stderr: "piped", ...rest })
      .spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { success: false, code: 127, stdout: "", stderr: `There is no program "${program}"` };
  }
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(stdin);
    await writer.close();
  }
  const { success, code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { success, code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Like `runProgram()`, but a failure is an error that ends with the last lines the program printed. */
export async function mustRun(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  const ended = await runProgram(program, args, options);
  if (ended.success) return ended;
  const command = [program, ...args].join(" ").slice(0, 200);
  const lines = (ended.stdout + ended.stderr).trim().split("\n").slice(-15).join("\n");
  throw new Error(`Cannot run "${command}":\n${lines || `it ended with code ${ended.code}`}`);
}

/** A text as one word of a command of `sh`. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
