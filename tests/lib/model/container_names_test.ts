/** Names of containers. */

import assert from "node:assert/strict";
import { readContainerName } from "../../../lib/model/container_names.ts";

const rows: [text: string, name: string | undefined][] = [
  ["prod_42_shop", "prod_42_shop"],
  ["/prod_42_shop", "prod_42_shop"],
  ["A.b-c_1", "A.b-c_1"],
  ["", undefined],
  ["/", undefined],
  ["//x", undefined],
  ["a b", undefined],
  ["a#b", undefined],
  ["../info", undefined],
  ["a/b", undefined],
  ["x\n", undefined],
  [`x${"y".repeat(600)}`, undefined],
];

for (const [text, name] of rows) {
  Deno.test(`"${text.slice(0, 20)}" is ${name === undefined ? "no name" : "the name"} of a container`, () => {
    assert.equal(readContainerName(text), name);
  });
}
