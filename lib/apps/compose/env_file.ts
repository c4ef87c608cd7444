/** The file with the variables of a compose app, written so that each service sees every value as it is. Pure. */

import { isVariableName, type Variable } from "../container/variable.ts";

/** A warning quotes so many names, and says how many there are. */
const shownNames = 20;

/**
 * True for a name that compose takes: letters, digits, `_`, `.`, `-`, `[` and `]`. One with any other character makes
 * it refuse the whole file.
 */
export function isEnvFileName(name: string): boolean {
  return isVariableName(name) && /^[\p{L}\p{N}_.[\]-]+$/u.test(name);
}

/** The content of the file, one variable a line, without a line break at its end. Names must be those that it takes. */
export function envFileText(variables: readonly Variable[]): string {
  return variables.map(({ name, value }) => `${name}=${inQuotes(value)}`).join("\n");
}

/** What the app's log says of such names, behind `Warning: `. Its wording is part of the wire. */
export function invalidNamesText(names: readonly string[]): string {
  const shown = names.slice(0, shownNames).map((name) => JSON.stringify(name.slice(0, 60)));
  const more = names.length > shownNames ? [`and ${names.length - shownNames} more`] : [];
  return `ignored environment variable(s) with invalid name(s): [${[...shown, ...more].join(" ")}] — ` +
    "names cannot be empty, contain spaces or '=', or start with '#'";
}

/**
 * In double quotes compose undoes exactly these escapes; in single ones a backslash at the end of a value could not be
 * written. Line breaks are escaped so that a value stays on its line.
 */
function inQuotes(value: string): string {
  return `"${value.replace(/[\\"$\n\r]/g, (character) => escapes[character] ?? character)}"`;
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', $: "$$", "\n": "\\n", "\r": "\\r" };
