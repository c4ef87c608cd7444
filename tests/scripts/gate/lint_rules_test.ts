import assert from "node:assert/strict";
import plugin, { commentColumnLimit, functionLineLimit } from "../../../scripts/gate/lint_rules.ts";

/** A body of `lines` lines, braces included. */
const body = (lines: number) => `{\n${"  run();\n".repeat(lines - 2)}}`;
const long = body(functionLineLimit + 1);
const tooLong = (name: string) => [`${name} has 41 lines, more than 40`];
const tooMany = (name: string, count = 3) => [`${name} takes ${count} arguments; use an options object`];

const table: { name: string; text: string; faults: string[] }[] = [
  { name: "a function at the limit passes", text: `function read() ${body(functionLineLimit)}`, faults: [] },
  { name: "a long function fails", text: `export async function read() ${long}`, faults: tooLong("read()") },
  { name: "a long method fails", text: `class A { read() ${long} }`, faults: tooLong("read()") },
  { name: "a long private method fails", text: `class A { #read() ${long} }`, faults: tooLong("read()") },
  { name: "a long method of an object fails", text: `const a = { read() ${long} };`, faults: tooLong("read()") },
  { name: "a long arrow function fails", text: `const read = () => ${long};`, faults: tooLong("read()") },
  { name: "a long callback fails", text: `run(() => ${long});`, faults: tooLong("A function") },
  { name: "arguments over several lines do not count", text: `function read(\n${"\n".repeat(50)}) {}`, faults: [] },
  { name: "the body of a test may be long", text: `Deno.test("name", () => ${long});`, faults: [] },
  { name: "so may that of an ignored test", text: `Deno.test.ignore("name", async () => ${long});`, faults: [] },
  { name: "and that of a test with options", text: `Deno.test({ ...options, async fn() ${long} });`, faults: [] },
  {
    name: "what is called in a test may not",
    text: `Deno.test("name", async () => {\n  await run(() => ${long});\n});`,
    faults: tooLong("A function"),
  },

  { name: "two arguments pass", text: "function read(a: string, b: string) {}", faults: [] },
  { name: "a signal may come third", text: "function read(a: string, b: A, signal?: AbortSignal) {}", faults: [] },
  { name: "a signal of another name may, too", text: "function read(a: A, b: A, stop: AbortSignal) {}", faults: [] },
  {
    name: "a signal may not come before others",
    text: "export function read(a: A, signal: AbortSignal, b: A) {}",
    faults: tooMany("read()"),
  },
  { name: "three arguments fail", text: "export const read = (a: A, b: A, c: A) => a;", faults: tooMany("read()") },
  { name: "three arguments pass inside a file", text: "const read = (a: A, b: A, c: A) => a;", faults: [] },
  { name: "three arguments of a private method pass", text: "class A { #read(a: A, b: A, c: A) {} }", faults: [] },
  { name: "four arguments fail", text: "function read(a: A, b: A, c: A, d: A) {}", faults: tooMany("read()", 4) },
  {
    name: "an object of options may come third, and a signal fourth",
    text: "export function read(a: A, b: A, { c, d }: C, signal: AbortSignal) {}",
    faults: [],
  },
  {
    name: "options are known by their type, too",
    text: "export function read(a: A, b: A, c: ReadOptions) {}",
    faults: [],
  },
  {
    name: "a rest argument counts",
    text: "export function read(a: A, b: A, ...rest: A[]) {}",
    faults: tooMany("read()"),
  },
  { name: "this does not count", text: "function read(this: A, a: A, b: A) {}", faults: [] },
  {
    name: "constructors count",
    text: "class A { constructor(a: A, b: A, c: A) {} }",
    faults: tooMany("constructor()"),
  },
  { name: "private ones may take three", text: "class A { private constructor(a: A, b: A, c: A) {} }", faults: [] },
  {
    name: "methods of interfaces count",
    text: "interface A { read(a: A, b: A, c: A): void }",
    faults: tooMany("read()"),
  },
  { name: "types of callbacks pass", text: "type Read = (a: A, b: A, c: A) => void;", faults: [] },
  { name: "a callback is given what its caller likes", text: "text.replace(/a/, (a, b, c) => b);", faults: [] },
  { name: "the executor of a class is a callback", text: "new Watch((a, b, c) => b);", faults: [] },

  { name: "a comment at the limit passes", text: `// ${"x".repeat(commentColumnLimit - 3)}`, faults: [] },
  {
    name: "a wide comment fails",
    text: `// ${"ü".repeat(commentColumnLimit - 2)}`,
    faults: ["The comment is 121 columns wide"],
  },
  {
    name: "each wide line of a block fails",
    text: `/**\n * ${"x".repeat(118)}\n * short\n * ${"x".repeat(119)}\n */`,
    faults: ["The comment is 121 columns wide", "The comment is 122 columns wide"],
  },
  {
    name: "the code before a comment counts",
    text: `run(); // ${"x".repeat(111)}`,
    faults: ["The comment is 121 columns wide"],
  },
  { name: "wide code is no comment", text: `run("${"x".repeat(130)}");`, faults: [] },
];

for (const { name, text, faults } of table) {
  Deno.test(`lint_rules: ${name}`, () => {
    const found = Deno.lint.runPlugin(plugin, "lib/a.ts", `${text}\n`).map(({ message }) => message);
    assert.deepEqual(found, faults);
  });
}
