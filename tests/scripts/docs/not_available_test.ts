import assert from "node:assert/strict";
import { later, noArguments, type Procedure, working } from "../../../lib/handlers/procedure.ts";
import { renderNotAvailable } from "../../../scripts/docs/not_available.ts";

const common: Omit<Procedure, "name"> = { privilege: "router", deniedText: "", args: "none", result: "empty" };

const rows = [
  later({ ...common, name: "open_door", laterIssue: "doors" }),
  working({ ...common, name: "ring_bell", decode: noArguments, run: () => ({}) }),
  later({ ...common, name: "close_door", laterIssue: "doors" }),
  later({ ...common, name: "clean_window", laterIssue: "windows" }),
];

Deno.test("renderNotAvailable() lists missing procedures by area, and none that works", () => {
  const page = renderNotAvailable(rows);
  assert.ok(page.includes("- doors: `open_door`, `close_door`\n- windows: `clean_window`\n"), page);
  assert.ok(!page.includes("ring_bell"), page);
});

Deno.test("renderNotAvailable() counts them", () => {
  assert.ok(renderNotAvailable(rows).includes("3 of 4 procedures"));
});

Deno.test("renderNotAvailable() says so when all are available", () => {
  const page = renderNotAvailable(rows.filter((row) => row.isAvailable));
  assert.ok(page.includes("## Procedures\n\nAll 1 procedures are available.\n\n## Also missing"), page);
});
