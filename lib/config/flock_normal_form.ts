/** The normal form of the members of a .flock file. Pure. */

import { type JsonMember, type JsonNode, scalarValue } from "../base/json_tree.ts";
import type { Field, FieldKind } from "./flock_fields.ts";

/** Where a field is, and the place to note by path that its type is wrong. */
export interface FieldContext {
  path: string;
  wrong: Map<string, string>;
}

/** What a value of each kind is when it is missing, as JSON. */
const zeros: Readonly<Record<FieldKind, string>> = { text: '""', number: "0", flag: "false", any: "null" };

const expectations: Readonly<Record<FieldKind, string>> = {
  text: "text",
  number: "a whole number below 2^53 without fraction or exponent",
  flag: "true or false",
  any: "anything",
};

/**
 * The known fields in their order, each with a value, and then the unknown ones: names are matched whatever their case,
 * of fields with one name the last counts, null is the zero value.
 */
export function normalizeMembers(
  members: readonly JsonMember[],
  { known, context }: { known: readonly Field[]; context: FieldContext },
): JsonMember[] {
  const given = new Map<string, JsonNode>();
  const unknown = new Map<string, JsonNode>();
  const names = new Map(known.map((field) => [foldCase(field.name), field.name]));
  for (const { name, value } of members) {
    const knownName = names.get(foldCase(name));
    if (knownName === undefined) unknown.set(name, value);
    else given.set(knownName, value);
  }
  const first = known.flatMap((field) => {
    const value = normalizeValue(given.get(field.name), field, context);
    return field.isOptional && scalarValue(value) === "" ? [] : [{ name: field.name, value }];
  });
  return [...first, ...[...unknown].map(([name, value]) => ({ name, value }))];
}

function normalizeValue(value: JsonNode | undefined, field: Field, context: FieldContext): JsonNode {
  const path = context.path + field.name;
  const given = value?.kind === "scalar" && value.text === "null" ? undefined : value;
  if (typeof field.kind !== "string") {
    if (given !== undefined && given.kind !== "object") {
      context.wrong.set(path, `${path} must be an object, got ${kindName(given)}`);
      return given;
    }
    const members = normalizeMembers(given?.members ?? [], {
      known: field.kind,
      context: { ...context, path: `${path}.` },
    });
    return { kind: "object", members };
  }
  if (given === undefined) return scalarNode(zeros[field.kind]);
  if (field.kind === "any" || fits(given, field.kind)) return given;
  context.wrong.set(path, `${path} must be ${expectations[field.kind]}, got ${kindName(given)}`);
  return given;
}

function fits(node: JsonNode, kind: "text" | "number" | "flag"): boolean {
  const value = scalarValue(node);
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "flag":
      return typeof value === "boolean";
    case "number":
      return isWholeNumber(node);
  }
}

/**
 * As other agents read it: digits without a fraction or exponent. Beyond 2^53 several numbers are stored as the same
 * one.
 */
export function isWholeNumber(node: JsonNode): boolean {
  return node.kind === "scalar" && /^-?\d+$/.test(node.text) && Number.isSafeInteger(Number(node.text));
}

/** A scalar with this JSON text. */
export function scalarNode(text: string): JsonNode {
  return { kind: "scalar", text };
}

/** The simple case folding by which other agents match names; two other letters fold to ASCII ones. */
function foldCase(name: string): string {
  return name.toLowerCase().replaceAll("ſ", "s").replaceAll("\u212a", "k");
}

function kindName(node: JsonNode): string {
  if (node.kind === "list") return "a list";
  if (node.kind === "object") return "an object";
  const value = scalarValue(node);
  return typeof value === "string" ? "text" : typeof value === "number" ? "a number" : "a boolean";
}
