/** A variable of an app: the names and values it can have, as files and in a container. Pure. */

/** One variable. Its value is any text without NUL, line breaks included. */
export interface Variable {
  name: string;
  value: string;
}

/**
 * Bytes of `NAME=value`. Longer variables reach the app as files only, because the kernel limits what a process is
 * started with.
 */
export const variableLimitBytes = 20_480;

/** Bytes of a name: each becomes a file `<NAME>.txt`, and file systems allow 255. */
const nameLimitBytes = 251;

/** Names that only the agent may set. */
const agentOnlyNames: ReadonlySet<string> = new Set(["APP_AUTH_ID", "APP_AUTH_SECRET"]);

/** True when both a variable and a file can have this name. */
export function isVariableName(name: string): boolean {
  return /^[^=/\\\p{Cc}]+$/u.test(name) && name.isWellFormed() && utf8Length(name) <= nameLimitBytes;
}

/** True for a name that only the agent may set. */
export function isReservedName(name: string): boolean {
  return agentOnlyNames.has(name);
}

/** A JSON value as the text of a variable; lists and objects stay JSON. Undefined when it cannot be written as text. */
export function valueText(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return decimalText(value);
    case "boolean":
      return `${value}`;
    default:
      return value === null ? "" : jsonText(value);
  }
}

/** The variables as the engine takes them, without those that are too long. */
export function containerEnv(variables: readonly Variable[]): string[] {
  return variables.map(({ name, value }) => `${name}=${value}`).filter((text) =>
    utf8Length(text) <= variableLimitBytes
  );
}

/** A sentence for each variable that is too long for a container. */
export function describeTooLong(variables: readonly Variable[]): string[] {
  return variables.filter(({ name, value }) => utf8Length(`${name}=${value}`) > variableLimitBytes).map(({ name }) =>
    `The variable "${name}" is only in the file /data/env/${name}.txt: it has more than ${variableLimitBytes} bytes`
  );
}

/** A number without an exponent, whatever its size. */
function decimalText(value: number): string {
  if (Number.isInteger(value)) return `${BigInt(value)}`;
  const [, sign = "", whole = "", rest = "", exponent] = /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(`${value}`) ?? [];
  return exponent === undefined ? `${value}` : `${sign}0.${"0".repeat(Number(exponent) - 1)}${whole}${rest}`;
}

function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    // Cyclic or too deep: it did not come as JSON, and no variable could hold it.
    return undefined;
  }
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
