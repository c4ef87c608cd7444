/** Tests of the modes of everything that an agent creates at its start. */

import assert from "node:assert/strict";
import { mustRun } from "../../scripts/programs.ts";
import { pathOf, projectRoot } from "../../scripts/paths.ts";

const expected = `
600 device.flock
700 opt/agent/apps
700 opt/agent/apps/build
700 opt/agent/apps/compose
777 opt/agent/apps/shared
755 opt/agent
700 opt/agent/downloads
600 opt/agent/reagent.db
600 opt/agent/reagent.db-shm
600 opt/agent/reagent.db-wal
755 log
755 log/deep
600 log/deep/reagent.log
755 opt`.trim().split("\n").sort();

for (const umask of ["000", "077"]) {
  Deno.test(`#9: the modes of what an agent creates do not depend on the umask ${umask}`, async () => {
    const root = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${root}/device.flock`, '{"swarm_key": 12}', { mode: 0o666 });
      await Deno.chmod(`${root}/device.flock`, 0o666);
      const script = `umask ${umask}; exec "$0" run --no-prompt --quiet --no-check -P=agent "$1" "$2"`;
      const program = pathOf("modes_program.ts", import.meta.url);
      const { stdout } = await mustRun("sh", ["-c", script, Deno.execPath(), program, root], { cwd: projectRoot });
      assert.deepEqual(stdout.trim().split("\n").sort(), expected);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}
