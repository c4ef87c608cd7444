/** Turns anything into a small value that JSON can carry, without secrets. Never throws. */

import { messageOf, textOf } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { isPrivateMember, isSecretName } from "../base/secret_name.ts";
import { mask } from "./hide_by_look.ts";
import type { Secrets } from "./secrets.ts";

/** A JSON value. */
export type PlainValue = string | number | boolean | null | PlainValue[] | { [name: string]: PlainValue };

/** What is hidden, and how much is shown. */
export interface PlainOptions {
  secrets: Secrets;
  /** Characters of the whole value. */
  limitChars: number;
}

const depthLimit = 8;
const memberNameLimitChars = 256;
const more = "…";

/** So much JSON within texts is read for one value; the rest is hidden from its first private member on. */
const nestedLimitChars = 16_384;

/** Names below a private member that are shown: of variables, services and hosts. */
const shownName = /^[\w.:/-]{1,256}$/;

/** A text in which secrets are hidden already, and which is short enough. */
export class MaskedText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text. */
  toString(): string {
    return this.#text;
  }
}

/**
 * Turns `value` into JSON of at most about `limitChars` characters; `…` stands for the rest. Members with the name of a
 * secret are masked, and all values in members that hold variables, commands or compose files, also in JSON within
 * texts. Bigints, dates, errors, functions and symbols become
 * text, maps objects, sets lists, and bytes their count.
 */
export function plainValue(value: unknown, options: PlainOptions): PlainValue {
  return new Rendering(options).render(value);
}

/** Like `plainValue()` for the member of an object, whose name may promise a secret. */
export function plainMember(name: string, value: unknown, options: PlainOptions): PlainValue {
  return new Rendering(options).member(name, value);
}

/** The text of anything that was thrown: its message and those of its causes. */
export function errorText(error: unknown, options: PlainOptions): string {
  if (error instanceof Error) return options.secrets.hideAndCut(chainText(error), options.limitChars);
  const plain = plainValue(error, options);
  return typeof plain === "string" ? plain : JSON.stringify(plain);
}

/** Errors whose message or cause cannot be read still get a line. */
function chainText(error: Error): string {
  try {
    return String(textOf(error));
  } catch {
    try {
      return String(messageOf(error));
    } catch {
      return "an error without a readable message";
    }
  }
}

/** Renders one value. Invariant: `#above` holds exactly the objects around the current one. */
class Rendering {
  readonly #secrets: Secrets;
  readonly #above = new Set<object>();
  #leftChars: number;
  #leftNestedChars: number;

  constructor(options: PlainOptions, nestedChars = nestedLimitChars) {
    this.#secrets = options.secrets;
    this.#leftChars = options.limitChars;
    this.#leftNestedChars = nestedChars;
  }

  render(value: unknown): PlainValue {
    if (this.#leftChars <= 0) return more;
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return Number.isFinite(value) ? this.#scalar(value) : this.#text(String(value));
      case "boolean":
        return this.#scalar(value);
      case "undefined":
        return this.#nothing();
      case "bigint":
      case "symbol":
        return this.#text(String(value));
      case "function":
        return this.#text("[function]");
      case "object":
        return value === null ? this.#nothing() : this.#guarded(value);
    }
  }

  /** Users keep secrets in variables of any name. */
  member(name: string, value: unknown): PlainValue {
    if (isSecretName(name)) return mask;
    return isPrivateMember(name) ? this.#private(value) : this.render(value);
  }

  #private(value: unknown): PlainValue {
    const names = maskedNames(value);
    return typeof names === "object" && names !== null ? this.#guarded(names) : names === null ? null : mask;
  }

  #masked(value: MaskedText): string {
    const text = String(value);
    this.#leftChars -= text.length + 2;
    return text;
  }

  #nothing(): null {
    this.#leftChars -= 4;
    return null;
  }

  #text(text: string): string {
    const shown = this.#nested(text) ?? this.#secrets.hideAndCut(text, this.#leftChars);
    this.#leftChars -= shown.length + 2;
    return shown;
  }

  /** JSON in a text is masked like any other value. */
  #nested(text: string): string | undefined {
    if (text.length > this.#leftNestedChars || !/^\s*[{[]/.test(text)) return undefined;
    this.#leftNestedChars -= text.length;
    const value = parseJson(text);
    if (typeof value !== "object" || value === null) return undefined;
    const options = { secrets: this.#secrets, limitChars: this.#leftChars };
    return JSON.stringify(new Rendering(options, this.#leftNestedChars).render(value));
  }

  /** A secret may consist of digits, or be a word like `true`. */
  #scalar(value: number | boolean): PlainValue {
    const text = String(value);
    this.#leftChars -= text.length;
    const hidden = this.#secrets.hide(text);
    return hidden === text ? value : hidden;
  }

  /** Getters and proxies may throw. */
  #guarded(value: object): PlainValue {
    if (this.#above.has(value)) return this.#text("[circular]");
    if (this.#above.size >= depthLimit) return this.#text("[nested too deep]");
    this.#above.add(value);
    try {
      return this.#object(value);
    } catch {
      return this.#text("[unreadable]");
    } finally {
      this.#above.delete(value);
    }
  }

  #object(value: object): PlainValue {
    if (value instanceof MaskedText) return this.#masked(value);
    if (value instanceof Error) return this.#text(chainText(value));
    if (value instanceof URL || value instanceof RegExp) return this.#text(String(value));
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return this.#text(`[${value.byteLength} bytes]`);
    if (Array.isArray(value)) return this.#list(value);
    if (value instanceof Set) return this.#list(value);
    if (value instanceof Map) return this.#members(value);
    if ("toJSON" in value && typeof value.toJSON === "function") return this.render(value.toJSON());
    return this.#members(membersOf(value));
  }

  #list(values: Iterable<unknown>): PlainValue[] {
    const list: PlainValue[] = [];
    for (const value of values) {
      this.#leftChars -= 3;
      list.push(this.render(value));
      if (this.#leftChars <= 0) break;
    }
    return list;
  }

  #members(members: Iterable<readonly [unknown, unknown]>): PlainValue {
    const shown: [string, PlainValue][] = [];
    for (const [key, value] of members) {
      if (value === undefined) continue;
      if (this.#leftChars <= 0) {
        shown.push([more, more]);
        break;
      }
      const name = typeof key === "string" ? key : messageOf(this.render(key));
      const shownKey = this.#secrets.hideAndCut(name, memberNameLimitChars);
      this.#leftChars -= shownKey.length + 4;
      shown.push([shownKey, this.member(name, value)]);
    }
    return Object.fromEntries(shown);
  }
}

/** Of an object the names of its members; everything else is masked. */
function maskedNames(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (typeof value !== "object" || Array.isArray(value)) return mask;
  return Object.fromEntries(Object.keys(value).map((name) => [shownName.test(name) ? name : mask, mask]));
}

function* membersOf(value: object): Iterable<readonly [string, unknown]> {
  for (const name of Object.keys(value)) yield [name, Reflect.get(value, name)];
}
