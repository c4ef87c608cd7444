import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { placeCopy, placeLink, placeTextFile, placeWritten } from "../../../lib/files/place_file.ts";

async function makeFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "p-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  return folder;
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

/** Of a process before this one, and of another file. */
const leftovers = [".it.1-1-0123abcd.tmp", ".item.1-1-0123abcd.tmp"];

const ways: readonly [name: string, place: (path: string) => Promise<void>][] = [
  ["placeCopy()", (path) => placeCopy(import.meta.filename ?? "", { to: path, mode: 0o600 })],
  ["placeTextFile()", (path) => placeTextFile("text", { to: path, mode: 0o600 })],
  ["placeLink()", (path) => placeLink("elsewhere", { at: path })],
];

for (const [name, place] of ways) {
  Deno.test(`${name} replaces a link and not what it leads to, and removes what an earlier process has left of it`, async () => {
    await using stack = new AsyncDisposableStack();
    const folder = await makeFolder(stack);
    for (const left of leftovers) await Deno.writeTextFile(`${folder}/${left}`, "half");
    await Deno.writeTextFile(`${folder}/precious`, "kept");
    await Deno.symlink("precious", `${folder}/it`);
    await place(`${folder}/it`);
    assert.deepEqual(namesIn(folder), [".item.1-1-0123abcd.tmp", "it", "precious"]);
    assert.equal(await Deno.readTextFile(`${folder}/precious`), "kept");
    assert.notEqual(await Deno.readLink(`${folder}/it`).catch(() => ""), "precious");
  });
}

Deno.test("placeWritten() leaves what was there, and nothing else, when the new file cannot be written", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await makeFolder(stack);
  await Deno.writeTextFile(`${folder}/it`, "before");
  const written = placeWritten({ to: `${folder}/it`, mode: 0o644 }, async (temporary) => {
    await Deno.writeTextFile(temporary, "half");
    throw new Error("power");
  });
  await assert.rejects(written, (error) => hasCode(error, "io_failed"));
  assert.deepEqual(namesIn(folder), ["it"]);
  assert.equal(await Deno.readTextFile(`${folder}/it`), "before");
});
