// box engine registry
/** What apps can do with their folders, and other users of the device cannot. */

import assert from "node:assert/strict";
import { mustRun, runProgram } from "../../scripts/programs.ts";
import { nestFolders } from "../fakes/deep_folders.ts";
import { AppsFixture } from "./apps_fixture.ts";

const environment = { LEVEL: { value: "three" } };

Deno.test("folders of apps", async (t) => {
  await using fixture = await AppsFixture.start();
  const folder = `${fixture.folder}/apps/prod/shop`;
  const runs = "cat /data/env/LEVEL.txt > /data/seen; id -u >> /data/seen; mkdir /data/own";
  await fixture.publish("1", { user: 1000, runs, tickMs: 200 });

  await t.step(
    "#9: an app whose image has a user of its own can read its variables and write to its data",
    async () => {
      await fixture.requestUntil("RUNNING", '"Now running app Shop (1)"', { environment });
      assert.equal(await Deno.readTextFile(`${folder}/seen`), "three1000\n");
    },
  );

  await t.step("#9: other users of the device cannot enter the folders of apps", async () => {
    const asOther = (...command: string[]) => {
      return runProgram("setpriv", ["--reuid", "12345", "--regid", "12345", "--clear-groups", ...command]);
    };
    // The folders above that of the test are closed as well.
    await Deno.chmod(fixture.folder, 0o755);
    await mustRun("mount", ["--bind", fixture.folder, "/mnt"]);
    try {
      assert.equal((await asOther("ls", "/mnt")).code, 0);
      for (const path of ["/mnt/apps", "/mnt/apps/prod/shop/seen", "/mnt/apps/prod/shop/env/LEVEL.txt"]) {
        const { code, stderr } = await asOther("ls", path);
        assert.ok(code !== 0 && stderr.includes("Permission denied"), `${path}: ${stderr}`);
      }
    } finally {
      await mustRun("umount", ["/mnt"]);
    }
  });

  await t.step(
    "#7: an app that swaps its variables for links gets new ones, and nothing outside is changed",
    async () => {
      const outside = `${fixture.folder}/outside`;
      await Deno.mkdir(outside, { mode: 0o750 });
      await Deno.writeTextFile(`${outside}/LEVEL.txt`, "precious");
      await fixture.requestUntil("PRESENT", '"Successfully stopped Shop"');
      await mustRun("rm", ["-r", `${folder}/env`, `${folder}/own`]);
      await Deno.symlink(outside, `${folder}/env`);
      await fixture.requestUntil("RUNNING", '"Now running app Shop (1)"', { environment });
      assert.equal(await Deno.readTextFile(`${folder}/env/LEVEL.txt`), "three");
      assert.deepEqual([await Deno.readTextFile(`${outside}/LEVEL.txt`), [...Deno.readDirSync(outside)].length], [
        ...["precious", 1],
      ]);
      assert.equal(((await Deno.stat(outside)).mode ?? 0) & 0o7777, 0o750);
    },
  );

  await t.step("#1: an app that has nested 13,000 folders in its data and its variables is uninstalled", async () => {
    await nestFolders(`${folder}/deep`, 13_000);
    await nestFolders(`${folder}/env/deep`, 13_000);
    await fixture.request("UNINSTALLED");
    await fixture.until("UNINSTALLED", 120_000);
    const names = [...Deno.readDirSync(`${fixture.folder}/apps`)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["build", "compose", "prod", "shared"]);
    assert.deepEqual([...Deno.readDirSync(`${fixture.folder}/apps/prod`)], []);
  });
});
