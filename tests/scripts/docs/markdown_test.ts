import assert from "node:assert/strict";
import { duration, size, table } from "../../../scripts/docs/markdown.ts";

Deno.test("table() keeps a bar inside its cell", () => {
  assert.equal(table(["a", "b"], [["x | y", ""]]), "| a | b |\n| --- | --- |\n| x \\| y |  |");
});

Deno.test("table() keeps a cell on one line", () => {
  assert.equal(table(["a"], [["x\ny"]]).split("\n").length, 3);
});

const durations: [ms: number, text: string][] = [[500, "0.5 s"], [2_000, "2 s"], [90_000, "90 s"], [600_000, "10 min"]];

for (const [ms, text] of durations) {
  Deno.test(`duration() writes ${ms} ms as ${text}`, () => assert.equal(duration(ms), text));
}

const sizes: [bytes: number, text: string][] = [[500, "500 bytes"], [20_480, "20 KiB"], [1_048_576, "1 MiB"], [
  1_048_577,
  "1048577 bytes",
]];

for (const [bytes, text] of sizes) {
  Deno.test(`size() writes ${bytes} bytes as ${text}`, () => assert.equal(size(bytes), text));
}
