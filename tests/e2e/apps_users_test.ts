// box engine registry
/** Apps whose images have users of their own, on engines with and without users of their own. */

import assert from "node:assert/strict";
import { mustRun, runProgram } from "../../scripts/programs.ts";
import type { AppRecipe } from "../../scripts/testbed/images.ts";
import { requireBox } from "../../scripts/testbed/box.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { AppsFixture, container } from "./apps_fixture.ts";

const pem = "-----BEGIN KEY-----\r\nMIIB\tAg==\r\n-----END KEY-----\n";
const environment = { LEVEL: { value: "three" }, PEM: { value: pem } };

/** Reads its variables, writes to its data and its volume, and reports in a file of its own. */
function reporting(user: number): AppRecipe {
  const runs = [
    "set -e",
    `printf %s "$PEM" >/data/pem${user}`,
    `cmp /data/pem${user} /data/env/PEM.txt`,
    `echo "$(id -u) $(cat /data/env/LEVEL.txt)" >/data/seen${user}`,
    `touch /data/x${user}`,
  ];
  return { user, runs: runs.join("\n"), tickMs: 200 };
}

for (const isRemapping of [false, true]) {
  const what = isRemapping ? "#11: an engine that remaps users" : "an engine";
  Deno.test(`${what} runs apps of any user, who can use their folders, whatever the umask is`, async (t) => {
    const options = isRemapping ? { args: await remappingArgs() } : {};
    const umask = Deno.umask();
    await using fixture = await AppsFixture.start({ engine: options });
    const folder = `${fixture.folder}/apps/prod/shop`;
    await fixture.publish("1", reporting(1000));
    await fixture.publish("2", reporting(65_534));
    await fixture.publish("3", reporting(0));

    const awaitReport = async (user: number) => {
      await pollUntil(`the report of ${user}`, async () => {
        const { stdout } = await runProgram("cat", [`${folder}/seen${user}`]);
        return stdout === `${user} three\n` || undefined;
      });
      assert.equal((await mustRun("cat", [`${folder}/pem${user}`])).stdout, pem);
    };
    const start = async (version: string, user: number) => {
      const fields = { environment, present_version: version, newest_version: version };
      await fixture.requestUntil("RUNNING", `"Now running app Shop (${version})"`, fields);
      await awaitReport(user);
    };

    for (const mask of [0o022, 0o077, 0o000]) {
      await t.step(
        `#10, #12: with the umask ${mask.toString(8)}, over an update and restarts of the agent`,
        async () => {
          try {
            Deno.umask(mask);
            await start("1", 1000);
            await fixture.restartAgent();
            const update = { environment, newest_version: "2", request_update: true };
            await fixture.requestUntil("RUNNING", '"Now running app Shop (2)"', update);
            await awaitReport(65_534);
            await fixture.restartAgent();
            for (const [version, user] of [["3", 0], ["1", 1000]] as const) {
              await fixture.requestUntil("PRESENT", '"Successfully stopped Shop"');
              await start(version, user);
            }
            await assertClosed(fixture);
            await fixture.removeAllApps();
          } finally {
            Deno.umask(umask);
          }
        },
      );
    }
    await t.step("apps own the machine on either engine", async () => {
      await start("3", 0);
      const format = "{{.HostConfig.Privileged}} {{.HostConfig.UsernsMode}}";
      const seen = await fixture.engine.docker("inspect", "-f", format, container);
      assert.equal(seen, isRemapping ? "true host" : "true ");
    });
  });
}

/** The users of its containers must be able to enter the folder of such an engine. */
async function remappingArgs(): Promise<string[]> {
  for (const file of ["/etc/subuid", "/etc/subgid"]) {
    await Deno.writeTextFile(file, "daemon:100000:65536\n", { append: true });
  }
  const { folder } = requireBox();
  await Deno.chmod(folder, 0o711);
  await Deno.mkdir(`${folder}/open`);
  await Deno.chmod(`${folder}/open`, 0o711);
  return ["--userns-remap", "daemon", "--data-root", `${folder}/open`];
}

/** Other users of the device cannot read what apps have. The folders above that of the test are closed as well. */
async function assertClosed(fixture: AppsFixture): Promise<void> {
  await Deno.chmod(fixture.folder, 0o755);
  await mustRun("mount", ["--bind", fixture.folder, "/mnt"]);
  try {
    for (const path of ["", "/prod/shop/seen1000", "/prod/shop/env/LEVEL.txt"]) {
      const ids = ["--reuid", "1000", "--regid", "1000", "--clear-groups"];
      const { code, stderr } = await runProgram("setpriv", [...ids, "ls", `/mnt/apps${path}`]);
      assert.ok(code !== 0 && stderr.includes("Permission denied"), `${path}: ${stderr}`);
    }
  } finally {
    await mustRun("umount", ["/mnt"]);
  }
}
