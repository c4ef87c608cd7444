/**
 * The words of a line in a unit of systemd: how they are quoted, and how they are read. Pure. Source:
 * systemd.syntax(7).
 */

const escapedCharacters: Readonly<Record<string, string>> = {
  ...{ a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", s: " " },
  ...{ "\\": "\\", '"': '"', "'": "'" },
};

/** `word` as one word of `ExecStart=`, in which `%` and `$` stand for themselves. It has no control characters. */
export function quoteUnitWord(word: string): string {
  const plain = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  if (/^[^\s"'\\;]+$/.test(plain)) return plain;
  return `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The words of a line; undefined when a quote is never closed. What `$` and `%` stand for is not replaced. */
export function splitUnitLine(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    if (character === "\\") {
      index += 1;
      word = (word ?? "") + unescape(line.charAt(index));
    } else if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = (word ?? "") + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words.map((text) => text.replaceAll("%%", "%"));
}

/** Other escapedCharacters, such as those with digits, are left as they are. */
function unescape(character: string): string {
  return escapedCharacters[character] ?? `\\${character}`;
}
