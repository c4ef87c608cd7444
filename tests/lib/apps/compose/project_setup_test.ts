import assert from "node:assert/strict";
import { type ProjectOptions, ProjectSetup } from "../../../../lib/apps/compose/project_setup.ts";
import { ContainerSetup } from "../../../../lib/apps/container/container_setup.ts";
import { publishedBy } from "../../../../lib/apps/container/port_slots.ts";
import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";
import { appFromRequest } from "../../../../lib/apps/state/live_app.ts";
import { hasCode } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import type { AppRequest } from "../../../../lib/model/app.ts";
import { quietDevice } from "../../../fakes/fake_surroundings.ts";
import { sampleRequest } from "../../store/samples.ts";

const never = new AbortController().signal;

const definition = { services: { web: { image: "r.example.com/apps/prod_x_71_fan_ctl_web:1", ports: ["8080:80"] } } };

/** A setup on folders of its own. */
class World implements Disposable {
  readonly root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "project-setup-" }));
  readonly composeDir = `${this.root}/apps/compose`;
  readonly buildDir = `${this.root}/apps/build`;
  readonly said: string[] = [];
  readonly projects: ProjectSetup;

  constructor() {
    for (const folder of [this.composeDir, this.buildDir]) Deno.mkdirSync(folder, { recursive: true });
    const device = { ...quietDevice(this.root), log: silentLog };
    const setup = new ContainerSetup({
      ...device,
      surroundings: () => ({ lanAddress: "10.0.0.9", baseUrl: "https://studio.example.com", appCredKey: "key" }),
      folderOf: (named) => new DataFolder({ appsDir: `${this.root}/apps` }, named),
      isPortFree: () => true,
      reservations: () => [],
      say: (_, text) => void this.said.push(text),
      makeWay: () => {},
    });
    this.projects = new ProjectSetup({ ...device, composeDir: this.composeDir, buildDir: this.buildDir, setup });
  }

  async write(change: Partial<AppRequest> = {}, options: Partial<ProjectOptions> = {}) {
    const request = sampleRequest({ ports: [], environment: {}, environmentTemplate: {}, ...change });
    const app = appFromRequest(request, "RUNNING");
    return await this.projects.write(app, { request, definition, published: undefined, ...options }, never);
  }

  app(change: Partial<AppRequest> = {}) {
    return appFromRequest(sampleRequest(change), "RUNNING");
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

const modeOf = (path: string) => (Deno.lstatSync(path).mode ?? 0) & 0o7777;

Deno.test("write() prepares both files and the variables of a project", async () => {
  using world = new World();
  const environment = { A: { value: "it's $5\n" }, "BAD NAME": { value: "1" }, BIG: { value: "x".repeat(30_000) } };
  const files = await world.write({ environment });
  const folder = `${world.composeDir}/Fan_Ctl`;
  assert.deepEqual(files, {
    project: "prod_71_fan_ctl_compose",
    folder,
    file: `${folder}/docker-compose.json`,
    envFile: `${folder}/.env-compose`,
  });
  const env = `${world.root}/apps/prod/fan_ctl/env`;
  assert.deepEqual(JSON.parse(await Deno.readTextFile(files.file)), {
    name: "prod_71_fan_ctl_compose",
    services: {
      web: {
        image: "r.example.com/apps/prod_x_71_fan_ctl_web:1",
        env_file: ".env-compose",
        extra_hosts: ["host.docker.internal:host-gateway"],
        ports: ["0.0.0.0:40000:80"],
        volumes: [`${env}:/data/env:ro`],
      },
    },
  });
  const variables = await Deno.readTextFile(files.envFile);
  assert.match(variables, /^A="it's \$\$5\\n"$/m);
  assert.match(variables, /^DEVICE_PORT_FOR_8080="40000"$/m);
  assert.match(variables, /^BIG="x{30000}"$/m);
  assert.ok(!variables.includes("BAD NAME") && !variables.endsWith("\n"));
  assert.equal(await Deno.readTextFile(`${env}/A.txt`), "it's $5\n");
  assert.deepEqual(world.said, [
    `Warning: ignored environment variable(s) with invalid name(s): ["BAD NAME"] — names cannot be empty, contain ` +
    "spaces or '=', or start with '#'",
  ]);
});

Deno.test("M66: both files are closed to others, whatever was there before", async () => {
  using world = new World();
  const folder = `${world.composeDir}/Fan_Ctl`;
  Deno.mkdirSync(folder, { mode: 0o755 });
  Deno.writeTextFileSync(`${folder}/.env-compose`, "old", { mode: 0o644 });
  const files = await world.write();
  assert.deepEqual([folder, files.file, files.envFile].map(modeOf), [0o700, 0o600, 0o600]);
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
    ".env-compose",
    "docker-compose.json",
  ]);
});

Deno.test("write() follows no link that lies in the place of its folder or files", async () => {
  using world = new World();
  const outside = `${world.root}/outside`;
  Deno.mkdirSync(outside);
  Deno.writeTextFileSync(`${outside}/passwd`, "root");
  Deno.symlinkSync(outside, `${world.composeDir}/Fan_Ctl`);
  const { folder, file } = await world.write();
  assert.deepEqual([...Deno.readDirSync(outside)].map(({ name }) => name), ["passwd"]);
  Deno.removeSync(file);
  Deno.symlinkSync(`${outside}/passwd`, file);
  await world.write();
  assert.equal(Deno.readTextFileSync(`${outside}/passwd`), "root");
  assert.ok(Deno.lstatSync(file).isFile && Deno.lstatSync(folder).isDirectory);
});

Deno.test("write() leaves files alone that are up to date, and replaces others as a whole", async () => {
  using world = new World();
  const { file, envFile } = await world.write();
  const inodes = () => [file, envFile].map((path) => Deno.statSync(path).ino);
  const before = inodes();
  await world.write();
  assert.deepEqual(inodes(), before);
  await world.write({ environment: { NEW: { value: "1" } } });
  assert.equal(inodes()[0], before[0]);
  assert.notEqual(inodes()[1], before[1]);
});

Deno.test("change 2.4: write() can leave the variables alone that running containers read", async () => {
  using world = new World();
  await world.write({ environment: { A: { value: "1" } } });
  const { envFile } = await world.write({ environment: { A: { value: "2" } } }, { keepsVariables: true });
  assert.equal(await Deno.readTextFile(`${world.root}/apps/prod/fan_ctl/env/A.txt`), "1");
  assert.match(await Deno.readTextFile(envFile), /^A="2"$/m);
});

Deno.test("DEV projects lie in the folder of their upload, without what a user has set", async () => {
  using world = new World();
  const environmentTemplate = { T: { defaultValue: "t" } };
  const { project, envFile, file } = await world.write({
    ...{ stage: "DEV", environment: { A: { value: "1" } }, environmentTemplate },
  });
  assert.equal(project, "dev_71_fan_ctl_compose");
  assert.equal(file, `${world.buildDir}/Fan_Ctl/docker-compose.json`);
  const variables = await Deno.readTextFile(envFile);
  assert.match(variables, /^T="t"$/m);
  assert.match(variables, /^DEVICE_PORT_FOR_8080="8080"$/m);
  assert.ok(!/^A=/m.test(variables));
});

Deno.test("apps.md 3.5.4: the log of a DEV app says which port is not the declared one", async () => {
  using world = new World();
  await world.write({ stage: "DEV", appKey: 5, appName: "other" });
  await world.write({ stage: "DEV" });
  assert.deepEqual(world.said, ["Port 8080 is reached on host port 40000, because host port 8080 is in use"]);
});

Deno.test("write() keeps files of variables that are here, and says which are not", async () => {
  using world = new World();
  const folder = `${world.composeDir}/Fan_Ctl`;
  Deno.mkdirSync(folder);
  Deno.writeTextFileSync(`${folder}/here.env`, "");
  const services = { web: { image: "a", env_file: ["here.env", "gone.env"] } };
  const { file } = await world.write({}, { definition: { services } });
  assert.deepEqual(JSON.parse(Deno.readTextFileSync(file)).services.web.env_file, [".env-compose", "here.env"]);
  assert.deepEqual(world.said, ['Warning: The file "gone.env" of the compose file is left out: it is not here']);
});

Deno.test("write() of a definition that makes no sense changes no file of the project", async () => {
  using world = new World();
  const { file } = await world.write();
  const before = Deno.readTextFileSync(file);
  const broken = world.write({}, { definition: { services: { web: "nginx" } } });
  await assert.rejects(broken, (error) => hasCode(error, "bad_definition"));
  assert.equal(Deno.readTextFileSync(file), before);
  await assert.rejects(world.write({ appName: "../x" }), (error) => hasCode(error, "bad_request"));
});

Deno.test("M45: replacePorts() replaces what an error of compose names, for the next write()", async () => {
  using world = new World();
  const { file } = await world.write();
  const app = world.app();
  const engineText = "Bind for 0.0.0.0:40000 failed: port is already allocated";
  assert.equal(world.projects.replacePorts(app, { request: sampleRequest(), engineText }), true);
  assert.equal(world.projects.replacePorts(app, { request: sampleRequest(), engineText }), false);
  await world.write();
  assert.match(Deno.readTextFileSync(file), /0\.0\.0\.0:40001:80/);
});

Deno.test("deleteEnv() and deleteFolder() remove what a project has, twice without an error", async () => {
  using world = new World();
  const { folder, file, envFile } = await world.write();
  for (const _ of [1, 2]) {
    await world.projects.deleteEnv(world.app());
    assert.throws(() => Deno.lstatSync(envFile));
    assert.ok(Deno.lstatSync(file).isFile);
  }
  for (const _ of [1, 2]) {
    await world.projects.deleteFolder(world.app(), never);
    assert.throws(() => Deno.lstatSync(folder));
  }
  assert.ok(Deno.lstatSync(world.composeDir).isDirectory);
});

Deno.test("deleteFolder() removes a link, not what it leads to", async () => {
  using world = new World();
  Deno.writeTextFileSync(`${world.root}/kept`, "");
  Deno.symlinkSync(world.root, `${world.composeDir}/Fan_Ctl`);
  await world.projects.deleteEnv(world.app());
  await world.projects.deleteFolder(world.app(), never);
  assert.ok(Deno.lstatSync(`${world.root}/kept`).isFile);
  assert.throws(() => Deno.lstatSync(`${world.composeDir}/Fan_Ctl`));
});

Deno.test("publishedBy() has the ports of all services, also of several containers of one", () => {
  const binding = (hostPort: number) => [{ hostIp: "0.0.0.0", hostPort }];
  const services: Parameters<typeof publishedBy>[0] = [
    { service: "web", published: { "80/tcp": binding(1) } },
    { service: "web", published: { "80/tcp": binding(2), "53/udp": binding(3) } },
    { service: "db" },
  ];
  assert.deepEqual(publishedBy(services), {
    "web|80/tcp": [...binding(1), ...binding(2)],
    "web|53/udp": binding(3),
  });
});
