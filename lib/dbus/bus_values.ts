/** Values of D-Bus messages: how the agent sees them, and readers that check what they get. Pure. */

import { AgentError } from "../base/errors.ts";

/**
 * A value with its D-Bus type, which is what dictionaries of settings hold: to write back what was read, each must keep
 * its own.
 */
export interface BusVariant {
  readonly signature: string;
  readonly value: BusValue;
}

/** A dictionary. Its keys may be anything, `__proto__` included. */
export type BusDict = ReadonlyMap<BusValue, BusValue>;

/** A list, or a structure. */
export type BusList = readonly BusValue[];

/**
 * Any value. Numbers of 64 bits are `bigint`, lists of bytes are `Uint8Array`, structures are lists. Texts, object
 * paths and signatures are `string`.
 */
export type BusValue = string | number | bigint | boolean | Uint8Array | BusList | BusDict | BusVariant;

/** Makes a variant. */
export function busVariant(signature: string, value: BusValue): BusVariant {
  return { signature, value };
}

/** Whether it is a variant. */
export function isBusVariant(value: BusValue | undefined): value is BusVariant {
  return typeof value === "object" && "signature" in value;
}

/** The value in a variant, however deep; any other value as it is. */
export function unwrapped(value: BusValue | undefined): BusValue | undefined {
  let inner = value;
  while (isBusVariant(inner)) inner = inner.value;
  return inner;
}

/**
 * Throws `protocol_error` ("Cannot read <where>: …") unless it is a text. Variants are unwrapped, as in all readers.
 */
export function readBusText(value: BusValue | undefined, where: string): string {
  const inner = unwrapped(value);
  if (typeof inner !== "string") throw otherKind(where, "a text");
  return inner;
}

/** A number of at most 32 bits; one of 64 bits when it is exact as a number. Throws like `readBusText()`. */
export function readBusNumber(value: BusValue | undefined, where: string): number {
  const inner = unwrapped(value);
  const number = typeof inner === "bigint" ? Number(inner) : inner;
  if (typeof number !== "number" || (typeof inner === "bigint" && !Number.isSafeInteger(number))) {
    throw otherKind(where, "a number");
  }
  return number;
}

/** Throws like `readBusText()`. */
export function readBusBoolean(value: BusValue | undefined, where: string): boolean {
  const inner = unwrapped(value);
  if (typeof inner !== "boolean") throw otherKind(where, "true or false");
  return inner;
}

/** Throws like `readBusText()`. */
export function readBusBytes(value: BusValue | undefined, where: string): Uint8Array {
  const inner = unwrapped(value);
  if (!(inner instanceof Uint8Array)) throw otherKind(where, "bytes");
  return inner;
}

/** A list or a structure. Throws like `readBusText()`. */
export function readBusList(value: BusValue | undefined, where: string): BusList {
  const inner = unwrapped(value);
  if (!isBusList(inner)) throw otherKind(where, "a list");
  return inner;
}

/** A list of texts or object paths. Throws like `readBusText()`. */
export function readBusTexts(value: BusValue | undefined, where: string): string[] {
  return readBusList(value, where).map((entry) => readBusText(entry, where));
}

/** Throws like `readBusText()`. */
export function readBusDict(value: BusValue | undefined, where: string): BusDict {
  const inner = unwrapped(value);
  if (!(inner instanceof Map)) throw otherKind(where, "a dictionary");
  return inner;
}

function isBusList(value: BusValue | undefined): value is BusList {
  return Array.isArray(value);
}

function otherKind(where: string, wanted: string): AgentError {
  return new AgentError("protocol_error", `Cannot read ${where}: it is not ${wanted}`);
}
