import assert from "node:assert/strict";
import { type Decision, fieldOf, renderDecisions, titleOf } from "../../../scripts/docs/decisions.ts";

const page: Decision = {
  file: "0007-doors.md",
  text: `# 7. Doors: they open inwards

- **Date:** 2026-01-02
- **Choice:** Inwards, because
  of the snow.
- **Reason:** Snow.
- **Cost:** Room.
- **What would change it:** Summer.

More about doors.
`,
};

Deno.test("titleOf() leaves out the number", () => {
  assert.equal(titleOf(page), "Doors: they open inwards");
});

const fields: [field: Parameters<typeof fieldOf>[1], text: string][] = [
  ["Date", "2026-01-02"],
  ["Choice", "Inwards, because of the snow."],
  ["What would change it", "Summer."],
];

for (const [field, text] of fields) {
  Deno.test(`fieldOf() reads "${field}" as one line`, () => assert.equal(fieldOf(page, field), text));
}

Deno.test("fieldOf() is empty for a field that the page does not have", () => {
  assert.equal(fieldOf({ file: "0001-x.md", text: "# 1. X\n\n- **Date:** today\n" }, "Cost"), "");
});

Deno.test("renderDecisions() links each page with its number and date", () => {
  const index = renderDecisions([page]);
  assert.ok(index.includes("| 7 | [Doors: they open inwards](0007-doors.md) | 2026-01-02 |"), index);
});
