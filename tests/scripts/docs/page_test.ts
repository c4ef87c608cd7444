import assert from "node:assert/strict";
import { findStale, format, type Page, writePages } from "../../../scripts/docs/page.ts";

const pages: Page[] = [
  { path: "a.md", text: "# A\n\n| x | y |\n| --- | --- |\n| long | z |\n" },
  { path: "b.md", text: "# B\n" },
];

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "reagent-docs-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("findStale() names pages that are missing", () =>
  withFolder(async (folder) => {
    assert.deepEqual((await findStale(folder, pages)).map((page) => page.path), ["a.md", "b.md"]);
  }));

Deno.test("findStale() finds nothing after writePages()", () =>
  withFolder(async (folder) => {
    assert.deepEqual(await writePages(folder, pages), ["a.md", "b.md"]);
    assert.deepEqual(await findStale(folder, pages), []);
    assert.deepEqual(await writePages(folder, pages), []);
  }));

Deno.test("findStale() names the one page that somebody has changed", () =>
  withFolder(async (folder) => {
    await writePages(folder, pages);
    await Deno.writeTextFile(`${folder}/b.md`, "# B, by hand\n");
    assert.deepEqual((await findStale(folder, pages)).map((page) => page.path), ["b.md"]);
  }));

Deno.test("format() gives what the formatter would leave as it is", async () => {
  const once = await format(pages[0]?.text ?? "");
  assert.equal(await format(once), once);
  assert.ok(once.includes("| long | z |"), once);
});
