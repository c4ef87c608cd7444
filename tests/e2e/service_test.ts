// box
/** The agent as a service of a real systemd: installed, killed, restarted, booted, and removed. */

import assert from "node:assert/strict";
import { agentVersion } from "../../lib/version.ts";
import { ServiceMachine } from "./service_fixture.ts";
import { testTakeover } from "./service_takeover.ts";

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

const unit = "reagent.service";

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function dryRun(machine: ServiceMachine): Promise<void> {
  const printed = await machine.mustService("install", "--dry-run", "-config", machine.flockFile);
  assert.match(printed, /^Type=notify$/m);
  assert.match(printed, new RegExp(`^ExecStart=/opt/reagent/start_reagent.sh .* -config ${machine.flockFile} `, "m"));
  assert.match(printed, /^# would write \/etc\/systemd\/system\/reagent\.service$/m);
  assert.equal(await exists("/opt/reagent"), false);
  assert.equal(await exists(`${machine.systemd.folder}/units/${unit}`), false);
}

async function install(machine: ServiceMachine): Promise<void> {
  const printed = await machine.mustService("install", "-config", machine.flockFile, "-nmw=false", "-update=false");
  assert.match(printed, new RegExp(`installed the service reagent: version ${agentVersion} in /opt/reagent`));
  await machine.untilAnswering();
  assert.equal(await Deno.readLink("/opt/reagent/reagent"), `reagent-v${agentVersion}`);
  assert.equal(await Deno.readLink("/usr/local/bin/reagent"), "/opt/reagent/reagent");
  assert.equal(await machine.mustService("status"), "running\n");
  assert.equal(await machine.systemd.show(unit, "UnitFileState"), "enabled");
}

async function killed(machine: ServiceMachine): Promise<void> {
  const before = await machine.mainPid();
  const restarts = Number(await machine.systemd.show(unit, "NRestarts"));
  await machine.signal("KILL");
  await machine.untilAnswering({ otherThan: before });
  assert.equal(await machine.systemd.show(unit, "NRestarts"), String(restarts + 1));
}

async function restartedByStudio(machine: ServiceMachine): Promise<void> {
  const before = await machine.mainPid();
  assert.deepEqual((await machine.studio.call(machine.device, "system_restart_agent")).args, []);
  await machine.untilAnswering({ otherThan: before });
}

async function booted(machine: ServiceMachine): Promise<void> {
  // The kernel of the machine goes on, and the start guard would pause this start as one of many.
  await Deno.remove("/opt/reagent/start_reagent.starts");
  await machine.reboot();
  await machine.untilAnswering();
}

async function uninstall(machine: ServiceMachine): Promise<void> {
  const printed = await machine.mustService("uninstall");
  for (const place of ["/opt/reagent", "/opt/reagent/reagent.db", machine.flockFile]) {
    assert.match(printed, new RegExp(`^left: ${place}$`, "m"));
    assert.ok(await exists(place), place);
  }
  assert.equal(await exists(`${machine.systemd.folder}/units/${unit}`), false);
  assert.equal(await exists(`${machine.systemd.folder}/units/multi-user.target.wants/${unit}`), false);
  for (const verb of ["uninstall", "status"]) {
    const { code, stderr } = await machine.service(verb);
    assert.deepEqual([code, stderr], [1, "error: the service reagent is not installed\n"]);
  }
}

Deno.test("the agent is a service of systemd", async (test) => {
  await using machine = await ServiceMachine.start();
  await test.step("--dry-run prints the unit and changes nothing", () => dryRun(machine));
  await test.step("install starts it", () => install(machine));
  await test.step("it is started again after kill -9", () => killed(machine));
  await test.step("system_restart_agent starts it again", () => restartedByStudio(machine));
  await test.step("it starts when the machine boots after a power loss", () => booted(machine));
  await test.step("uninstall leaves its data, and says so", () => uninstall(machine));
  if (isNightly) await testTakeover(test, machine);
});
