/** Keeps the bundle plain ASCII. Pure. */

/**
 * The same code with escapes for all other characters: in strings, regular expressions and names they mean the same.
 * With one such character the runtime would keep two bytes in memory for every character of the bundle.
 */
export function asAscii(code: string): string {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
