/**
 * JSON as a tree that loses nothing: members keep their order, even those with numbers as names, and scalars keep their
 * text, so that numbers too big for a double survive. Pure.
 */

import { parseJson } from "./json.ts";

/** A value. `text` of a scalar is its JSON text; a list keeps its items. */
export type JsonNode =
  | { kind: "scalar"; text: string }
  | { kind: "list"; items: JsonNode[] }
  | { kind: "object"; members: JsonMember[] };

/** One member of an object, its name decoded. */
export interface JsonMember {
  name: string;
  value: JsonNode;
}

/** A tree, or the reason why there is none: a phrase that quotes nothing of the text. */
export type ParsedJson = { kind: "tree"; root: JsonNode } | { kind: "broken"; reason: string };

const nestingLimit = 100;

/** Reads JSON text. All members with the same name are kept. */
export function parseJsonTree(text: string): ParsedJson {
  if (text.trim() === "") return { kind: "broken", reason: "it is empty" };
  try {
    JSON.parse(text);
  } catch (error) {
    return { kind: "broken", reason: reasonOf(error, text) };
  }
  const root = new TreeReader(text).read(0);
  return root === undefined
    ? { kind: "broken", reason: `it is nested deeper than ${nestingLimit} levels` }
    : { kind: "tree", root };
}

/** The text of a tree, indented by one space a level, without a line break at the end. */
export function formatJsonTree(node: JsonNode, indent = ""): string {
  switch (node.kind) {
    case "scalar":
      return node.text;
    case "list":
      return block("[]", { lines: node.items.map((item) => formatJsonTree(item, `${indent} `)), indent });
    case "object": {
      const lines = node.members.map(({ name, value }) => {
        return `${JSON.stringify(name)}: ${formatJsonTree(value, `${indent} `)}`;
      });
      return block("{}", { lines, indent });
    }
  }
}

/** The value of a scalar: text, a number, true, false or null. Undefined for lists and objects. */
export function scalarValue(node: JsonNode): unknown {
  return node.kind === "scalar" ? parseJson(node.text) : undefined;
}

function block(brackets: "[]" | "{}", { lines, indent }: { lines: readonly string[]; indent: string }): string {
  if (lines.length === 0) return brackets;
  return `${brackets[0]}\n${lines.map((line) => `${indent} ${line}`).join(",\n")}\n${indent}${brackets[1]}`;
}

/** The runtime's own message quotes the text around the error, which may be a secret; only its position is used. */
function reasonOf(error: unknown, text: string): string {
  // For a short text it quotes everything and names no position; every value begins with one of these characters.
  const lead = /^[ \t\r\n]*(?![-{["0-9tfn \t\r\n])/.exec(text)?.[0].split("\n");
  if (lead !== undefined) return `it is not valid JSON (line ${lead.length}, column ${(lead.at(-1)?.length ?? 0) + 1})`;
  const message = error instanceof Error ? error.message : "";
  const position = /\(line (\d+) column (\d+)\)/.exec(message);
  if (position !== null) return `it is not valid JSON (line ${position[1]}, column ${position[2]})`;
  return /end of JSON|Unterminated/.test(message) ? "it ends too early" : "it is not valid JSON";
}

/** Takes linear time, even for long strings. */
function stringPattern(): RegExp {
  return /"[^"\\]*(?:\\.[^"\\]*)*"/y;
}

/** Walks over text that is known to be JSON. */
class TreeReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined when the text is nested too deeply. */
  read(depth: number): JsonNode | undefined {
    if (depth > nestingLimit) return undefined;
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === "{") return this.#readObject(depth);
    if (first === "[") return this.#readList(depth);
    return { kind: "scalar", text: this.#take(first === '"' ? stringPattern() : /[^\s,\]}]+/y) };
  }

  #readObject(depth: number): JsonNode | undefined {
    const members: JsonMember[] = [];
    for (this.#open(); !this.#closes("}");) {
      const name = parseJson(this.#take(stringPattern()));
      this.#skipSpace();
      this.#at += 1;
      const value = this.read(depth + 1);
      if (value === undefined) return undefined;
      members.push({ name: String(name), value });
    }
    return { kind: "object", members };
  }

  #readList(depth: number): JsonNode | undefined {
    const items: JsonNode[] = [];
    for (this.#open(); !this.#closes("]");) {
      const item = this.read(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return { kind: "list", items };
  }

  #open(): void {
    this.#at += 1;
  }

  /** Skips a comma before the next entry, or the closing bracket; true for the bracket. */
  #closes(bracket: string): boolean {
    this.#skipSpace();
    const next = this.#text[this.#at];
    if (next === undefined) return true;
    if (next === "," || next === bracket) this.#at += 1;
    this.#skipSpace();
    return next === bracket;
  }

  #skipSpace(): void {
    this.#take(/[ \t\r\n]*/y);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += taken.length;
    return taken;
  }
}
