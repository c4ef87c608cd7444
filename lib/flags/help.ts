/** The help text for flags, in the layout of Go's `flag` package. Pure. */

import { quoteText } from "../base/quote.ts";

/** One flag in the help text. */
export interface FlagHelp {
  name: string;
  kind: "string" | "bool" | "uint";
  defaultValue: string | boolean | number;
  description: string;
}

/** The help text, without a line break at its end. `program` is the name under which it was invoked. */
export function helpText(program: string, flags: readonly FlagHelp[]): string {
  const sorted = flags.toSorted((a, b) => a.name < b.name ? -1 : 1);
  return [`Usage of ${program}:`, ...sorted.flatMap(helpLines)].join("\n");
}

function helpLines(flag: FlagHelp): string[] {
  const typeName = flag.kind === "bool" ? "" : ` ${flag.kind}`;
  return [`  -${flag.name}${typeName}`, `    \t${flag.description}${defaultText(flag.defaultValue)}`];
}

/** The zero value of a type is not shown. */
function defaultText(value: string | boolean | number): string {
  if (value === "" || value === false || value === 0) return "";
  return ` (default ${typeof value === "string" ? quoteText(value) : value})`;
}
