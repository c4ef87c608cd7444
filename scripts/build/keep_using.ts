/**
 * Keeps `using` declarations through the minifier. It replaces a variable that is used once by its value, also when the
 * declaration disposes of the value at the end of its block: files would stay open, and locks held. A second use before
 * the declaration prevents that, and is removed afterwards. Pure.
 */

/** Of the minifier's input and output. */
const declaration = /\b(?:await )?using [\w$]+ ?=/g;

const mark = "keepUsing__";

/** How many `using` declarations there are in the text of a bundle. */
export function countUsing(code: string): number {
  return code.match(declaration)?.length ?? 0;
}

/** The text of a bundle that is not minified, with a use before each declaration. */
export function markUsing(code: string): string {
  return code.replace(/^([ \t]*)((?:await )?using ([\w$]+) = )/gm, `$1${mark}(() => $3);\n$1$2`);
}

/** The minified text without these uses. Throws when not exactly `count` declarations are left. */
export function unmarkUsing(code: string, count: number): string {
  const clean = code.replace(new RegExp(`(^|[,;{}])${mark}\\(\\(\\)=>[\\w$]+\\);`, "gm"), (_, before) => {
    return before === "," ? ";" : before;
  });
  const left = countUsing(clean);
  if (clean.includes(mark)) throw new Error(`The minified bundle has uses of "${mark}" that cannot be removed`);
  if (left !== count) throw new Error(`The minified bundle has ${left} "using" declarations instead of ${count}`);
  return clean;
}
