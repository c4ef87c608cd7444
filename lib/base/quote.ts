/** Text in double quotes as Go's `strconv.Quote` writes it, for flag errors, flag defaults and the pretty log. Pure. */

const namedEscapes: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** Everything but letters, marks, digits, punctuation, symbols and spaces. */
const unsafe = /[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\n\t]/gu;

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Characters of a text that are quoted: more than any line of the log has. */
const quoteLimitChars = 16_384;

/**
 * `text` in double quotes; unprintable characters, quotes and backslashes are escaped. Half a surrogate pair becomes
 * U+FFFD. Of a text above 16,384 characters the rest is left out, and `…` stands for it.
 */
export function quoteText(text: string): string {
  return `"${escapeText(text)}"`;
}

/** Like `quoteText` without the quotes around it. */
export function escapeText(text: string): string {
  let escaped = "";
  for (const character of text.slice(0, quoteLimitChars).toWellFormed()) escaped += escapeCharacter(character);
  return text.length > quoteLimitChars ? `${escaped}…` : escaped;
}

/**
 * `text` as a terminal may show it: control characters, those that turn the direction of writing, and other invisible
 * ones are escaped. Line ends and tabs stay, and so do backslashes: what comes out is for eyes, not for parsers.
 */
export function escapeForTerminal(text: string): string {
  return text.toWellFormed().replace(unsafe, escapeText);
}

/** Like `escapeForTerminal`, on one line. */
export function escapeForCell(text: string): string {
  return escapeForTerminal(text).replace(/[\n\t]/g, escapeText);
}

function escapeCharacter(character: string): string {
  const named = namedEscapes[character];
  if (named !== undefined) return named;
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x1_0000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}
