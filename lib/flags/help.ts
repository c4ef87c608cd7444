/** The help text of a table of flags, laid out as Go's `flag` package does. Pure. */

import { quoteText } from "../base/quote.ts";

/** What the help says about one flag. */
export interface FlagHelp {
  name: string;
  kind: "string" | "bool" | "uint";
  standard: string | boolean | number;
  description: string;
}

/** The help text, without the last line break. `program` is how the program was invoked. */
export function helpText(program: string, flags: readonly FlagHelp[]): string {
  const sorted = flags.toSorted((a, b) => a.name < b.name ? -1 : 1);
  return [`Usage of ${program}:`, ...sorted.flatMap(helpLines)].join("\n");
}

function helpLines(flag: FlagHelp): string[] {
  const word = flag.kind === "bool" ? "" : ` ${flag.kind}`;
  return [`  -${flag.name}${word}`, `    \t${flag.description}${standardText(flag.standard)}`];
}

/** The zero value of a type goes without saying. */
function standardText(standard: string | boolean | number): string {
  if (standard === "" || standard === false || standard === 0) return "";
  return ` (default ${typeof standard === "string" ? quoteText(standard) : standard})`;
}
