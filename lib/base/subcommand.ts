/** What a subcommand of the program is: `reagent <name> …`. */

/** Where a subcommand prints lines. A closed pipe is no error. */
export interface LineOutput {
  /** One line on standard output. */
  print(line: string): void;
  /** One line on standard error. */
  complain(line: string): void;
}

/** Gets the arguments after its name, and returns the exit code of the program. */
export type Subcommand = (args: readonly string[], output: LineOutput) => Promise<number>;
