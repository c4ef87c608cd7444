import assert from "node:assert/strict";
import { isInstalled, markInstalled, partsFolder } from "../../../../scripts/testbed/setup/folder.ts";

Deno.test("partsFolder() is shared by the clones of a user, and can be set", () => {
  const rootOf = (variables: Record<string, string>) => partsFolder({ get: (name) => variables[name] }).root;
  assert.equal(rootOf({ HOME: "/h" }), "/h/.cache/reagent-parts");
  assert.equal(rootOf({ HOME: "/h", XDG_CACHE_HOME: "/c" }), "/c/reagent-parts");
  assert.equal(rootOf({ HOME: "/h", REAGENT_PARTS: "/p" }), "/p");
  assert.match(rootOf({}), /\/\.parts$/);
});

Deno.test("a folder counts as installed only when it was completed with the same recipe", async () => {
  const folder = await Deno.makeTempDir();
  try {
    assert.equal(await isInstalled(folder, "1"), false);
    await markInstalled(folder, "1");
    assert.equal(await isInstalled(folder, "1"), true);
    assert.equal(await isInstalled(folder, "2"), false);
    assert.equal(await isInstalled(`${folder}/missing`, "1"), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
