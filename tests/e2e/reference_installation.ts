/**
 * A device as the reference agent leaves it: its program with the lock of the machine, its unit and its manager, its
 * database with rows in every table, and the containers of apps as it starts them, on a real engine.
 */

import type { DatabaseSync } from "node:sqlite";
import { saveDeviceApp } from "../../scripts/studio/device_apps.ts";
import { appByName, ensureApp, repositoryOf } from "../../scripts/studio/releases.ts";
import { buildImage, pushImage } from "../../scripts/testbed/images.ts";
import { createReferenceTables, fullRequestRow, fullStateRow, insertRow } from "../lib/store/reference_database.ts";
import type { AgentFixture } from "./agent_fixture.ts";
import type { ServiceMachine } from "./service_fixture.ts";

/** The program of the version that is there: it holds the lock, and does nothing else. */
const program = "#!/bin/sh\nexec flock -n /tmp/ironflock-reagent.lock sleep 1000000\n";

const agentDir = "/opt/reagent";

/** What is there. */
export const reference = {
  folder: agentDir,
  unit: "reagent.service",
  manager: "reagent-manager.service",
  version: "0.20.20",
  flockFile: `${agentDir}/device.flock`,
  databaseFile: `${agentDir}/reagent.db`,
  /** A file of the app Shop. */
  dataFile: `${agentDir}/apps/prod/shop/orders`,
};

/** The apps: with the state that both the device and Studio know. */
export const referenceApps = [
  { name: "Shop", stage: "PROD", state: "RUNNING", isCompose: false },
  { name: "Stack", stage: "PROD", state: "RUNNING", isCompose: true },
  { name: "Lamp", stage: "PROD", state: "PRESENT", isCompose: false },
  { name: "Bench", stage: "DEV", state: "RUNNING", isCompose: false },
] as const;
type App = typeof referenceApps[number];

/** A device on a machine, before its reference agent is there. */
interface Place {
  fixture: AgentFixture;
  machine: ServiceMachine;
}

/** Makes all of it, and starts it. */
export async function installReferenceDevice(place: Place): Promise<void> {
  const { fixture, machine } = place;
  for (const folder of ["build", "compose/Stack", "shared", "prod/shop", "dev/bench"]) {
    await Deno.mkdir(`${agentDir}/apps/${folder}`, { recursive: true });
  }
  await Deno.writeTextFile(reference.dataFile, "41, 42");
  await Deno.writeTextFile(reference.flockFile, JSON.stringify(machine.device.flock), { mode: 0o600 });
  for (const app of referenceApps) {
    await publish(place, app);
    await tellStudio(place, app);
    if (app.state === "RUNNING") await (app.isCompose ? startProject(place, app) : startContainer(place, app));
  }
  fillDatabase(place);
  await Deno.writeTextFile(`${agentDir}/reagent-v${reference.version}`, program, { mode: 0o755 });
  await Deno.symlink(`reagent-v${reference.version}`, `${agentDir}/reagent`);
  const lines = [
    ...["[Unit]", "Description=Reagent", "After=docker.service", "[Service]"],
    `Environment=DOCKER_HOST=${fixture.engine.host}`,
    `ExecStart=${agentDir}/reagent -config ${reference.flockFile} -prettyLogging -nmw=false -update=false`,
    ...["Restart=always", "[Install]", "WantedBy=multi-user.target", ""],
  ];
  await machine.addUnit(reference.unit, lines.join("\n"));
  const manager = "[Service]\nExecStart=/bin/sleep 1000000\n[Install]\nWantedBy=multi-user.target\n";
  await machine.addUnit(reference.manager, manager);
}

/** The containers on the engine: which ones they are, and since when they run. */
export async function readContainers({ engine }: AgentFixture): Promise<string[]> {
  const ids = (await engine.docker("ps", "-aq", "--no-trunc")).split("\n");
  const format = "{{.Name}} {{.Id}} {{.State.Status}} {{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}}";
  return (await engine.docker("inspect", "-f", format, ...ids)).split("\n").sort();
}

function imageOf({ fixture: { registry, studio } }: Place, { name, stage }: App): string {
  const repository = repositoryOf(appByName(studio.store, name));
  return stage === "PROD"
    ? `${registry.host}/${repository}:1`
    : `${registry.host}/${repository.replace("prod_", "dev_")}`;
}

async function publish(place: Place, app: App): Promise<void> {
  const { engine, registry, studio } = place.fixture;
  const { name, stage, isCompose } = app;
  ensureApp(studio.store, name);
  const image = imageOf(place, app);
  const recipe = { prints: [`I am ${name}`], tickMs: 500 };
  if (stage === "DEV") return await buildImage(engine, { reference: image, recipe });
  const pushed = image.slice(registry.host.length + 1);
  await pushImage(engine, registry, { name: pushed, recipe, keepLocal: true });
  studio.addRelease(name, "1", isCompose ? { dockerCompose: { services: { web: { image } } } } : {});
}

/** Studio wants what is there, and has been told that it is. */
async function tellStudio({ fixture: { studio }, machine: { device } }: Place, { name, stage, state }: App) {
  await studio.request(device, name, { target: state, stage });
  const app = studio.apps(device).find(({ appName }) => appName === name);
  if (app === undefined) throw new Error(`Studio does not have ${name}`);
  saveDeviceApp(studio.store, { deviceKey: device.deviceKey, app: { ...app, current: state } });
}

/** The options with which the reference agent creates containers. */
async function startContainer(place: Place, app: App): Promise<void> {
  const { fixture: { engine, studio }, machine: { device } } = place;
  const { appKey } = appByName(studio.store, app.name);
  const [stage, lower] = [app.stage.toLowerCase(), app.name.toLowerCase()];
  const variables = {
    DEVICE_SERIAL_NUMBER: device.serial,
    ENV: app.stage,
    DEVICE_KEY: String(device.deviceKey),
    SWARM_KEY: String(device.swarmKey),
    APP_KEY: String(appKey),
    APP_NAME: app.name,
    DEVICE_NAME: device.name,
    TUNNEL_DOMAIN: "localhost",
  };
  await engine.docker(
    ...["run", "--detach", "--tty", "--name", `${stage}_${appKey}_${lower}`, "--label", "real=True"],
    ...["--privileged", "--cap-add", "ALL", "--device", "/dev:/dev", "--add-host", "host.docker.internal:host-gateway"],
    ...["--mount", `type=bind,source=${agentDir}/apps/shared,target=/shared`],
    ...["--mount", `type=bind,source=${agentDir}/apps/${stage}/${lower},target=/data`],
    ...Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...(app.stage === "DEV" ? ["--interactive"] : []),
    imageOf(place, app),
  );
}

async function startProject(place: Place, app: App): Promise<void> {
  const { fixture: { engine, studio } } = place;
  const { appKey } = appByName(studio.store, app.name);
  const folder = `${agentDir}/apps/compose/${app.name}`;
  const web = {
    env_file: ".env-compose",
    extra_hosts: ["host.docker.internal:host-gateway"],
    image: imageOf(place, app),
    volumes: [`${agentDir}/apps/prod/${app.name.toLowerCase()}/env:/data/env:ro`],
  };
  const file = `${folder}/docker-compose.json`;
  const name = `prod_${appKey}_${app.name.toLowerCase()}_compose`;
  await Deno.writeTextFile(file, JSON.stringify({ name, services: { web } }));
  await Deno.writeTextFile(`${folder}/.env-compose`, `APP_KEY=${appKey}\nAPP_NAME=${app.name}`);
  await engine.docker("compose", "-f", file, "up", "--remove-orphans", "-d", "--no-build");
}

function fillDatabase({ fixture: { studio }, machine: { device } }: Place): void {
  using sql: DatabaseSync = createReferenceTables(reference.databaseFile, "young");
  const insert = (table: string, row: Parameters<typeof insertRow>[1]) => insertRow({ sql, table }, row);
  for (const { name, stage, state } of referenceApps) {
    const app = studio.apps(device).find(({ appName }) => appName === name);
    if (app === undefined) throw new Error(`Studio does not have ${name}`);
    const { appKey: app_key, releaseKey: release_key } = app;
    const version = stage === "PROD" ? "1" : "";
    const row = { ...fullStateRow, app_name: name, app_key, stage, version, release_key };
    insert("AppStates", { ...row, state });
    for (const before of ["REMOVED", "DOWNLOADING", "PRESENT"]) insert("AppStateHistory", { ...row, state: before });
    // As it stores a row of Studio's.
    insert("RequestedAppStates", {
      ...{ ...fullRequestRow, app_name: name, app_key, stage, release_key, new_release_key: app.newReleaseKey },
      ...{ version, present_version: version, newest_version: version, request_update: 0, ports: "[]" },
      ...{ current_state: state, manually_requested_state: state },
      ...{ requestor_account_key: app.requestorAccountKey, device_owner_account_key: device.ownerAccountKey },
      ...{ environment_variables: "{}", environment_template: "{}" },
      docker_compose: JSON.stringify(app.dockerCompose),
      new_docker_compose: JSON.stringify(app.newDockerCompose),
    });
    const log = JSON.stringify([`an old line of ${name}`]);
    insert("LogHistory", { app_name: name.toLowerCase(), app_key, stage, log_type: "APP", log });
  }
}
