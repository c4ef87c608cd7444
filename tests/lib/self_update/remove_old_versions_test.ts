import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { temporaryPath } from "../../../lib/files/leftovers.ts";
import { removeOldVersions } from "../../../lib/self_update/remove_old_versions.ts";

Deno.test("removeOldVersions() keeps what may be started, and removes old versions and what interruptions have left", async () => {
  const agentDir = await Deno.makeTempDir({ prefix: "o-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(agentDir, { recursive: true }));
  const downloadsDir = `${agentDir}/downloads`;
  await Deno.mkdir(downloadsDir);
  const own = temporaryPath(`${agentDir}/reagent-v1.3.0`).slice(agentDir.length + 1);
  const kept = ["reagent-v1.1.0", "reagent-v1.2.0", "reagent-v1.3.0", "reagent.db", ".reagent-v.tmp", own];
  const gone = ["reagent-v1.0.0", ".reagent-v0.9.0.12-1796083200000-0123abcd.tmp", "downloads/reagent-v1.1.0"];
  for (const name of [...kept, ...gone]) await Deno.writeTextFile(`${agentDir}/${name}`, "x");
  await Deno.symlink("reagent-v1.2.0", `${agentDir}/reagent`);
  await removeOldVersions({ agentDir, downloadsDir }, { running: "1.2.0", newest: "1.3.0", log: silentLog });
  const left = [...Deno.readDirSync(agentDir)].map(({ name }) => name).sort();
  assert.deepEqual(left, [...kept, "downloads", "reagent"].sort());
  assert.deepEqual([...Deno.readDirSync(downloadsDir)], []);
});
