import assert from "node:assert/strict";
import { findSharedNames, topLevelNames } from "../../../scripts/gate/top_level_names.ts";

Deno.test("topLevelNames() finds every kind of declaration and nothing inside them", () => {
  const text = `
const a = 1;
export let b: number;
export async function c(): Promise<void> {
  const inner = 1;
}
function* d() {}
export abstract class E {}
export default class F {}
interface G {
  type: string;
}
export type H = string;
declare const i: number;
enum J {}
import { k } from "./k.ts";
`;
  assert.deepEqual(topLevelNames(text), ["a", "b", "c", "d", "E", "F", "G", "H", "i", "J"]);
});

Deno.test("topLevelNames() counts overloads, and a type with the name of a value, once", () => {
  assert.deepEqual(topLevelNames("export function a(): void;\nexport function a(b?: 1) {}\ntype a = 1;\n"), ["a"]);
});

const twice = [{ path: "lib/a.ts", text: "const limitMs = 1;\n" }, { path: "lib/b.ts", text: "const limitMs = 2;\n" }];

const table: { name: string; allowed: Record<string, string>; violations: string[] }[] = [
  {
    name: "a name that two files define fails",
    allowed: {},
    violations: ["limitMs is defined in lib/a.ts and lib/b.ts"],
  },
  { name: "a listed one passes", allowed: { limitMs: "each its own" }, violations: [] },
  {
    name: "an entry that is not needed fails",
    allowed: { limitMs: "each its own", stop: "both end something" },
    violations: ["stop is listed as a shared name and is not shared"],
  },
];

for (const { name, allowed, violations } of table) {
  Deno.test(`findSharedNames(): ${name}`, () => assert.deepEqual(findSharedNames(twice, allowed), violations));
}
