import assert from "node:assert/strict";
import { readApps } from "../../../lib/store/app_rows.ts";
import { readRequests } from "../../../lib/store/request_rows.ts";
import { Folder } from "./samples.ts";
import { pathOf } from "../../../scripts/paths.ts";

Deno.test("no acknowledged app is lost when the writing process is killed", async () => {
  using folder = new Folder();
  let acknowledged = 0;
  for (let round = 0; round < 5; round++) {
    acknowledged = await writeUntilKilled(folder.file(), { first: acknowledged + 1, count: 20 + round * 7 });
    using database = folder.open();
    const apps = readApps(database);
    assert.ok(apps.length >= acknowledged, `${apps.length} of ${acknowledged} rows`);
    assert.deepEqual(apps.map((app) => app.id.appKey), apps.map((_, index) => index + 1));
    // Both rows of an app come in one transaction.
    assert.equal(readRequests(database).length, apps.length);
    acknowledged = apps.length;
  }
});

/**
 * Lets a child write apps one after the other, kills it after `count` acknowledgements, and returns the last
 * acknowledged key.
 */
async function writeUntilKilled(path: string, options: { first: number; count: number }): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-read",
      "--allow-write",
      pathOf("writer.ts", import.meta.url),
      path,
      `${options.first}`,
    ],
    stdout: "piped",
  }).spawn();
  let text = "";
  let isKilled = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (isKilled || text.split("\n").length <= options.count) continue;
    child.kill("SIGKILL");
    isKilled = true;
  }
  assert.equal((await child.status).signal, "SIGKILL");
  return Number(text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1));
}
