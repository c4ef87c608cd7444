/** Reads the arguments of the Studio's procedures, strictly: everything must be there and of the right type. */

import { type Dict, isCount, isDict, reject } from "../../lib/base/json.ts";

/** The members of the one dict that a procedure takes. Every reader throws `bad_request` that names the member. */
export class Fields {
  readonly #procedure: string;
  readonly #dict: Dict;

  /** Throws `bad_request` unless `args` is a list with exactly one dict. */
  constructor(procedure: string, args: readonly unknown[]) {
    this.#procedure = procedure;
    if (args.length !== 1) this.#fail("args", "a list with one object", args);
    const dict = args[0];
    if (!isDict(dict)) this.#fail("args[0]", "an object", dict ?? null);
    this.#dict = dict;
  }

  /** True when the member is there and not null. */
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

  /** A value that `is` knows. */
  known<T>(name: string, is: (value: unknown) => value is T, expected: string): T {
    const value = this.#dict[name];
    return is(value) ? value : this.#reject(name, expected);
  }

  /** What `read` gives for a member that is there, undefined for one that is not. */
  maybe<T>(name: string, read: (name: string) => T): T | undefined {
    return this.has(name) ? read(name) : undefined;
  }

  /** Says that a member cannot be used. */
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
