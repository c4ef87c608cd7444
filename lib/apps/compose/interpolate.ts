/** What compose makes of `$NAME` and `${NAME…}` in a text, for texts that the agent itself has to know. Pure. */

/** A deeper text is left as it is. */
const interpolationDepth = 8;

/**
 * The text with the values of variables: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`,
 * `${NAME+other}`, and `$$` for a dollar sign. A variable that has no value is empty, also one that must have one:
 * compose reports it. What cannot be read stays.
 */
export function interpolate(text: string, variables: ReadonlyMap<string, string>): string {
  return expand(text, { variables, depth: 0 });
}

interface Expansion {
  variables: ReadonlyMap<string, string>;
  depth: number;
}

function expand(text: string, expansion: Expansion): string {
  if (expansion.depth > interpolationDepth) return text;
  let done = "";
  for (let at = 0; at < text.length;) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) return done + text.slice(at);
    done += text.slice(at, dollar);
    const { value, end } = expandOne(text, dollar, expansion);
    done += value;
    at = end;
  }
  return done;
}

function expandOne(text: string, dollar: number, expansion: Expansion): { value: string; end: number } {
  const next = text[dollar + 1];
  if (next === "$") return { value: "$", end: dollar + 2 };
  if (next !== "{") {
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(dollar + 1))?.[0];
    if (name === undefined) return { value: "$", end: dollar + 1 };
    return { value: expansion.variables.get(name) ?? "", end: dollar + 1 + name.length };
  }
  const close = closingBrace(text, dollar + 2);
  const inner = close === undefined ? "" : text.slice(dollar + 2, close);
  const [, name, operator = "", rest = ""] = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?$/s.exec(inner) ?? [];
  if (close === undefined || name === undefined) return { value: "$", end: dollar + 1 };
  return { value: choose({ name, operator, rest }, expansion), end: close + 1 };
}

function choose(
  { name, operator, rest }: { name: string; operator: string; rest: string },
  { variables, depth }: Expansion,
): string {
  const value = variables.get(name);
  const hasValue = value !== undefined && !(operator.startsWith(":") && value === "");
  const other = () => expand(rest, { variables, depth: depth + 1 });
  if (operator.endsWith("-")) return hasValue ? value : other();
  if (operator.endsWith("+")) return hasValue ? other() : "";
  return value ?? "";
}

function closingBrace(text: string, start: number): number | undefined {
  let open = 1;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === "{") open += 1;
    else if (text[at] === "}") open -= 1;
    if (open === 0) return at;
  }
  return undefined;
}
