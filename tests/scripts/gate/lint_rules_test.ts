import assert from "node:assert/strict";
import plugin, { commentColumnLimit, functionLineLimit } from "../../../scripts/gate/lint_rules.ts";

/** A body of `lines` lines, braces included. */
const body = (lines: number) => `{\n${"  run();\n".repeat(lines - 2)}}`;
const long = body(functionLineLimit + 1);
const tooLong = (name: string) => [`${name} has 41 lines, more than 40`];
const tooMany = (name: string, count = 3) => [`${name} takes ${count} arguments; use an options object`];

const table: { name: string; text: string; violations: string[] }[] = [
  { name: "a function at the limit passes", text: `function read() ${body(functionLineLimit)}`, violations: [] },
  { name: "a long function fails", text: `export async function read() ${long}`, violations: tooLong("read()") },
  { name: "a long method fails", text: `class A { read() ${long} }`, violations: tooLong("read()") },
  { name: "a long private method fails", text: `class A { #read() ${long} }`, violations: tooLong("read()") },
  { name: "a long method of an object fails", text: `const a = { read() ${long} };`, violations: tooLong("read()") },
  { name: "a long arrow function fails", text: `const read = () => ${long};`, violations: tooLong("read()") },
  { name: "a long callback fails", text: `run(() => ${long});`, violations: tooLong("A function") },
  { name: "lines before the body do not count", text: `function read(\n${"\n".repeat(50)}) {}`, violations: [] },
  { name: "the body of a test may be long", text: `Deno.test("name", () => ${long});`, violations: [] },
  { name: "so may that of an ignored test", text: `Deno.test.ignore("name", async () => ${long});`, violations: [] },
  { name: "and that of a test with options", text: `Deno.test({ ...options, async fn() ${long} });`, violations: [] },
  {
    name: "a callback inside a test may not",
    text: `Deno.test("name", async () => {\n  await run(() => ${long});\n});`,
    violations: tooLong("A function"),
  },

  { name: "two arguments pass", text: "function read(a: string, b: string) {}", violations: [] },
  { name: "a signal may come third", text: "function read(a: string, b: A, signal?: AbortSignal) {}", violations: [] },
  {
    name: "a signal of another name may, too",
    text: "function read(a: A, b: A, stop: AbortSignal) {}",
    violations: [],
  },
  {
    name: "a signal may not come before others",
    text: "export function read(a: A, signal: AbortSignal, b: A) {}",
    violations: tooMany("read()"),
  },
  { name: "three arguments fail", text: "export const read = (a: A, b: A, c: A) => a;", violations: tooMany("read()") },
  { name: "three arguments pass inside a file", text: "const read = (a: A, b: A, c: A) => a;", violations: [] },
  { name: "three arguments of a private method pass", text: "class A { #read(a: A, b: A, c: A) {} }", violations: [] },
  { name: "four arguments fail", text: "function read(a: A, b: A, c: A, d: A) {}", violations: tooMany("read()", 4) },
  {
    name: "an object of options may come third, and a signal fourth",
    text: "export function read(a: A, b: A, { c, d }: C, signal: AbortSignal) {}",
    violations: [],
  },
  {
    name: "what may be left out for {} is options",
    text: "export const read = (a: A, b: A, c: A = {}) => a;",
    violations: [],
  },
  {
    name: "options are known by their type, too",
    text: "export function read(a: A, b: A, c: ReadOptions) {}",
    violations: [],
  },
  {
    name: "a rest argument counts",
    text: "export function read(a: A, b: A, ...rest: A[]) {}",
    violations: tooMany("read()"),
  },
  { name: "this does not count", text: "function read(this: A, a: A, b: A) {}", violations: [] },
  {
    name: "constructors count",
    text: "class A { constructor(a: A, b: A, c: A) {} }",
    violations: tooMany("constructor()"),
  },
  { name: "private ones may take three", text: "class A { private constructor(a: A, b: A, c: A) {} }", violations: [] },
  {
    name: "methods of interfaces count",
    text: "interface A { read(a: A, b: A, c: A): void }",
    violations: tooMany("read()"),
  },
  { name: "function types pass", text: "type Read = (a: A, b: A, c: A) => void;", violations: [] },
  { name: "inline callbacks pass", text: "text.replace(/a/, (a, b, c) => b);", violations: [] },
  { name: "inline callbacks of constructors pass", text: "new Watch((a, b, c) => b);", violations: [] },

  { name: "a comment at the limit passes", text: `// ${"x".repeat(commentColumnLimit - 3)}`, violations: [] },
  {
    name: "a wide comment fails",
    text: `// ${"ü".repeat(commentColumnLimit - 2)}`,
    violations: ["The comment is 121 columns wide"],
  },
  {
    name: "each wide line of a block fails",
    text: `/**\n * ${"x".repeat(118)}\n * short\n * ${"x".repeat(119)}\n */`,
    violations: ["The comment is 121 columns wide", "The comment is 122 columns wide"],
  },
  {
    name: "the code before a comment counts",
    text: `run(); // ${"x".repeat(111)}`,
    violations: ["The comment is 121 columns wide"],
  },
  { name: "wide code is no comment", text: `run("${"x".repeat(130)}");`, violations: [] },
];

for (const { name, text, violations } of table) {
  Deno.test(`lint_rules: ${name}`, () => {
    const found = Deno.lint.runPlugin(plugin, "lib/a.ts", `${text}\n`).map(({ message }) => message);
    assert.deepEqual(found, violations);
  });
}
