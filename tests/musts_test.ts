/** Every rule that agents have kept over the years is a test with its number in its name, or a difference. */

import assert from "node:assert/strict";
import { projectRoot } from "../scripts/paths.ts";

const last = 66;

Deno.test("each of the rules M1 to M66 is the name of a test, or a row in docs/differences.md", () => {
  const names = listTests().flatMap((path) => {
    const text = Deno.readTextFileSync(path);
    return [...text.matchAll(/["`]((?:M\d+, )*M\d+)[:,] /g)].map(([, numbers = ""]) => numbers);
  });
  const rows = Deno.readTextFileSync(`${projectRoot}docs/differences.md`).split("\n");
  names.push(...rows.filter((row) => row.startsWith("|")));
  const found = new Set(names.flatMap((text) => text.match(/\bM\d+\b/g) ?? []));
  const all = Array.from({ length: last }, (_, index) => `M${index + 1}`);
  assert.deepEqual(all.filter((name) => !found.has(name)), []);
  assert.deepEqual([...found].filter((name) => !all.includes(name)), []);
});

function listTests(folder = `${projectRoot}tests`): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? listTests(path) : name.endsWith(".ts") ? [path] : [];
  });
}
