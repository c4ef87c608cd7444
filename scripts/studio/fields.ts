/** Reads the arguments of the Studio's procedures. Strict: every member must be present and have the right type. */

import { type Dict, isCount, isDict, reject } from "../../lib/base/json.ts";

/** The members of the only argument of a procedure. Every reader throws `bad_request` with the member's name. */
export class Fields {
  readonly #procedure: string;
  readonly #dict: Dict;

  /** Throws `bad_request` unless `args` is a list with one dict. */
  constructor(procedure: string, args: readonly unknown[]) {
    this.#procedure = procedure;
    if (args.length !== 1) this.#fail("args", "a list with one object", args);
    const dict = args[0];
    if (!isDict(dict)) this.#fail("args[0]", "an object", dict ?? null);
    this.#dict = dict;
  }

  /** True when the member is present and not null. */
  has(name: string): boolean {
    return this.#dict[name] !== undefined && this.#dict[name] !== null;
  }

  /** A whole number ≥ 0. */
  count(name: string): number {
    const value = this.#dict[name];
    return isCount(value) ? value : this.#reject(name, "a whole number");
  }

  /** Text that may be empty. */
  text(name: string): string {
    const value = this.#dict[name];
    return typeof value === "string" ? value : this.#reject(name, "text");
  }

  /** True or false. */
  flag(name: string): boolean {
    const value = this.#dict[name];
    return typeof value === "boolean" ? value : this.#reject(name, "true or false");
  }

  /** An object. */
  dict(name: string): Dict {
    const value = this.#dict[name];
    return isDict(value) ? value : this.#reject(name, "an object");
  }

  /** A list of objects. */
  dicts(name: string): Dict[] {
    const value = this.#dict[name];
    return Array.isArray(value) && value.every(isDict) ? value : this.#reject(name, "a list of objects");
  }

  /** A value that `is` accepts; `expected` describes it in the error. */
  known<T>(name: string, { is, expected }: { is: (value: unknown) => value is T; expected: string }): T {
    const value = this.#dict[name];
    return is(value) ? value : this.#reject(name, expected);
  }

  /** The result of `read` for a member that is present; undefined otherwise. */
  maybe<T>(name: string, read: (name: string) => T): T | undefined {
    return this.has(name) ? read(name) : undefined;
  }

  /** Throws because a member cannot be accepted. */
  refuse(name: string, expected: string): never {
    this.#reject(name, expected);
  }

  #reject(name: string, expected: string): never {
    this.#fail(`args[0].${name}`, expected, this.#dict[name] ?? null);
  }

  #fail(path: string, expected: string, got: unknown): never {
    reject(this.#procedure, path, { expected, got });
  }
}
