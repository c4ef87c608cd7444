import assert from "node:assert/strict";
import { AgentError } from "../../../../lib/base/errors.ts";
import { parseJson } from "../../../../lib/base/json.ts";
import type { Reply } from "../../../../lib/wamp/invocations.ts";
import { StudioProcess } from "./studio_process.ts";

Deno.test("os show and os update print releases, progress, and what the device answers", async () => {
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  await studio.run("device", "add", "edge-1", "--serial", "SN-1");
  await using device = await studio.joinAs(parseJson(await Deno.readTextFile(`${studio.folder}/edge-1.flock`)));
  const current = { Name: "FlockOS", Version: "0.10.0", BuildTime: "20220330" };
  const newest = { Name: "", Version: "0.11.0", BuildTime: "" };
  const lastUpdate = { bundle: "x.raucb", outcome: "failed", why: "no\u001b[2J space" };
  let releases: Reply = {};
  await device.answer("get_os_release", () => releases);
  const without = await studio.run("os", "show", "edge-1");
  assert.deepEqual([without.code, without.output], [0, "edge-1 has an operating system without such updates\n"]);
  releases = { args: [{ currentRelease: current, latestRelease: newest, lastUpdate }] };
  assert.equal(
    (await studio.run("os", "show", "edge-1")).output,
    "installed  FlockOS  0.10.0  20220330\nnewest     0.11.0\nupdate     x.raucb  failed  no\u001b[2J space\n",
  );

  const tell = (name: string, ...values: Record<string, unknown>[]) =>
    values.forEach((value) => device.session.publish(`re.mgmt.SN-1.${name}_progress`, [value]));
  await device.answer("download_os_update", () => {
    const at = (currentBytes: number) => ({ increment: 1, currentBytes, fileSize: 1_000 });
    tell("download_os_update", at(0), at(99), at(100), at(1_000), { currentBytes: 5, fileSize: 0 });
    return {};
  });
  await device.answer("install_os_update", () => {
    tell("install_os_update", { operationName: "Checking bundle", progressPercent: 20 });
    tell("install_os_update", { operationName: "Installing done.", progressPercent: 100 });
    return {};
  });
  const updated = await studio.run("os", "update", "edge-1");
  assert.equal(updated.code, 0, updated.errors);
  assert.deepEqual(updated.output.split("\n"), [
    "  0 % of 1000 bytes",
    " 10 % of 1000 bytes",
    "100 % of 1000 bytes",
    " 20 % Checking bundle",
    "100 % Installing done.",
    "The update is installed; use it with: call edge-1 system_reboot",
    "",
  ]);

  await studio.run("account", "add", "bob");
  await studio.run("account", "allow", "2", "edge-1", "MAINTAIN");
  const asBob = await studio.run("os", "update", "edge-1", "--as", "2");
  assert.equal(asBob.code, 0, asBob.errors);
  assert.match(asBob.errors, /^Progress is not shown: .*not authorized/);
  await device.answer("install_os_update", () => {
    throw new AgentError("install_failed", "Cannot install the update: its signature");
  });
  const failed = await studio.run("os", "update", "edge-1");
  assert.deepEqual([failed.code, failed.errors], [1, "Cannot install the update: its signature\n"]);
});
