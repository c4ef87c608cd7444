// box engine registry crossbar
/**
 * A device changes from a reference agent to this one while its apps run: none of them notices, and nothing that the
 * device has kept is lost.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { agentVersion } from "../../lib/version.ts";
import { AgentFixture } from "./agent_fixture.ts";
import { AgentVersions } from "./guarded_agent.ts";
import { installReferenceDevice, readContainers, reference, referenceApps } from "./reference_installation.ts";
import { ServiceMachine } from "./service_fixture.ts";
import { UpdatedDevice } from "./updated_device.ts";

type Row = Record<string, unknown>;

function readTable(name: string): Row[] {
  using sql = new DatabaseSync(reference.databaseFile, { readOnly: true });
  return sql.prepare(`SELECT * FROM ${name} ORDER BY id`).all().map((row) => ({ ...row }));
}

/** The rows with the columns that the rows before had. */
function cutTo(before: readonly Row[], rows: readonly Row[]): Row[] {
  const names = Object.keys(before[0] ?? {});
  return rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name]])));
}

/** The states of apps are written again, with the time of that. */
function withoutTime({ timestamp: _, ...row }: Row): Row {
  return row;
}

/** As docs/operating.md says. */
async function goBack(machine: ServiceMachine): Promise<void> {
  const { folder, unit, manager, version } = reference;
  await Deno.remove(`${folder}/reagent`);
  await Deno.symlink(`reagent-v${version}`, `${folder}/reagent`);
  await machine.addUnit(unit, await Deno.readTextFile(`${folder}/reagent.service.earlier`));
  await machine.systemd.mustRun("systemctl", "enable", "--now", manager);
  for (const name of [unit, manager]) assert.equal(await machine.systemd.show(name, "ActiveState"), "active");
}

Deno.test("reagent service install takes over a device of the reference agent", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "t-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const program = `${folder}/reagent`;
  await Deno.writeTextFile(program, (await AgentVersions.build()).program(), { mode: 0o755 });
  const fixture = stack.use(await AgentFixture.start());
  const { studio } = fixture;
  const machine = stack.use(await ServiceMachine.start({ studio, device: fixture.addDevice(), program }));
  const agent = new UpdatedDevice(fixture, { device: machine.device, folder: reference.folder });
  await installReferenceDevice({ fixture, machine });
  const containers = await readContainers(fixture);
  const tables = ["AppStates", "AppStateHistory", "RequestedAppStates", "LogHistory", "DeviceStates"];
  const before = tables.map((name) => readTable(name));

  const printed = await machine.mustService("install");
  assert.match(printed, /^taking over the service of \/etc\/systemd\/system\/reagent\.service$/m);
  await agent.untilConnected(agentVersion).catch((error) => machine.explain(error));
  for (const { name: appName, stage, state } of referenceApps) {
    await studio.waitForReport(machine.device, { appName, stage, state });
  }
  assert.equal(await Deno.readTextFile(reference.dataFile), "41, 42");
  assert.equal(JSON.parse(await Deno.readTextFile(reference.flockFile)).secret, machine.device.secret);
  for (const [index, name] of tables.entries()) {
    const [was = [], is] = [before[index], cutTo(before[index] ?? [], readTable(name))];
    // History goes on, and the log of what runs does.
    const kept = name === "LogHistory" ? is.filter(({ app_name: app }) => app === "lamp") : is.slice(0, was.length);
    const wanted = name === "LogHistory" ? was.filter(({ app_name: app }) => app === "lamp") : was;
    assert.deepEqual(kept.map(withoutTime), wanted.map(withoutTime), name);
  }
  const args = [{ containerName: fixture.container("Lamp") }];
  const [lines] = (await studio.call(machine.device, "get_app_log_history", { args })).args;
  assert.deepEqual(lines, ["an old line of Lamp"]);

  // Behind what the agent does after it has connected.
  const { after } = await studio.request(machine.device, "Shop", { target: "RUNNING" });
  await studio.waitForReport(machine.device, { appName: "Shop", state: "RUNNING" }, { after });

  assert.deepEqual(await readContainers(fixture), containers);
  await machine.mustService("uninstall");
  assert.deepEqual(await readContainers(fixture), containers);
  await goBack(machine);
  assert.deepEqual(await readContainers(fixture), containers);
});
