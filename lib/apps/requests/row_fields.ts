/** Reads the members of a row that Studio sends. One of another type counts as missing, and is noted. Pure. */

import { type Dict, isCount, isDict, readNumber, show } from "../../base/json.ts";

/** The members of one row. */
export class RowFields {
  /** A sentence for each member that was left out. */
  readonly leftOut: string[] = [];
  readonly #row: Dict;

  constructor(row: Dict) {
    this.#row = row;
  }

  /** A whole number, which may be text; 0 when it is missing. */
  count(name: string): number {
    const value = this.#row[name] ?? 0;
    const count = readNumber(value);
    if (isCount(count)) return count;
    return this.#leaveOut(name, { expected: "a whole number", got: value }, 0);
  }

  /** Text; empty when it is missing. */
  text(name: string): string {
    const value = this.#row[name] ?? "";
    return typeof value === "string" ? value : this.#leaveOut(name, { expected: "text", got: value }, "");
  }

  /** True or false; false when it is missing. */
  flag(name: string): boolean {
    const value = this.#row[name] ?? false;
    return typeof value === "boolean" ? value : this.#leaveOut(name, { expected: "true or false", got: value }, false);
  }

  /** An object; undefined when it is missing. What is there instead may be secret. */
  dict(name: string): Dict | undefined {
    const value = this.#row[name] ?? undefined;
    return value === undefined || isDict(value) ? value : this.#leaveOut(name, { expected: "an object" }, undefined);
  }

  #leaveOut<T>(name: string, { expected, got }: { expected: string; got?: unknown }, missing: T): T {
    this.leftOut.push(fieldLeftOut(name, `it must be ${expected}${got === undefined ? "" : `, got ${show(got)}`}`));
    return missing;
  }
}

/** The sentence for a field that is left out. */
export function fieldLeftOut(name: string, reason: string): string {
  return `The field "${name}" is left out: ${reason}`;
}
