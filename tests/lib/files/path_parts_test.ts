import assert from "node:assert/strict";
import { fileNameOf, folderOf } from "../../../lib/files/path_parts.ts";

const cases: [path: string, folder: string, name: string][] = [
  ["/opt/reagent/reagent.db", "/opt/reagent", "reagent.db"],
  ["/reagent.db", "/", "reagent.db"],
  ["reagent.db", ".", "reagent.db"],
  ["data/reagent.db", "data", "reagent.db"],
];

for (const [path, folder, name] of cases) {
  Deno.test(`folderOf() and fileNameOf() split "${path}"`, () => {
    assert.deepEqual([folderOf(path), fileNameOf(path)], [folder, name]);
  });
}
