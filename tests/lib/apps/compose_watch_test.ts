import assert from "node:assert/strict";
import { FakeDevice } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;
const project = "prod_9_ghostapp_compose";
const definition = { name: project, services: { web: { image: "w:1" }, db: { image: "d:1" } } };

interface Change {
  services?: readonly string[];
  file?: (folder: string) => string;
  /** Called when a command line is run. */
  onCommand?: () => void;
}

/** A device whose engine has a project of an older agent, and whose database is lost. */
async function withProject({ services = ["web", "db"], file, onCommand }: Change = {}): Promise<FakeDevice> {
  // Every command line is given what is here.
  const engineEnvironment = new Proxy({}, {
    get: () => onCommand?.(),
  });
  const device = new FakeDevice({}, () => ({ engineEnvironment }));
  const folder = `${device.folder}/Ghost.App`;
  Deno.mkdirSync(folder);
  Deno.writeTextFileSync(`${folder}/docker-compose.json`, JSON.stringify(definition));
  for (const service of services) {
    device.engine.stock(`${service[0]}:1`, {});
    const Labels = {
      "com.docker.compose.project": project,
      "com.docker.compose.service": service,
      "com.docker.compose.container-number": "1",
      "com.docker.compose.project.config_files": file?.(device.folder) ?? `${folder}/docker-compose.json`,
    };
    const Env = ["APP_KEY=9", "GREETING=hello", `ONLY=${service}`];
    await device.engine.create(`${project}-${service}-1`, { Image: `${service[0]}:1`, Labels, Env }, never);
    await device.engine.start(`${project}-${service}-1`, never);
  }
  await device.loseDatabase();
  await device.apps.reconcileLocal(never);
  await device.advance(1_000);
  return device;
}

Deno.test("M42: a running project is watched without a command line", async () => {
  let commands = 0;
  await using device = await withProject({ onCommand: () => commands += 1 });
  await device.advance(600_000);
  assert.deepEqual([device.apps.list()[0]?.state, commands], ["RUNNING", 0]);
  device.engine.kill(`${project}-db-1`);
  await device.advance(100);
  assert.deepEqual([device.apps.list()[0]?.state, commands], ["FAILED", 0]);
  // Its next start runs one.
  for (let tries = 0; commands === 0 && tries < 100; tries++) await device.advance(1_000);
  assert.ok(commands > 0);
});

Deno.test("#13: a running project is adopted after the database was lost, and followed", async () => {
  await using device = await withProject();
  const [app] = device.apps.list();
  assert.deepEqual([app?.appName, app?.state, app?.id], ["Ghost.App", "RUNNING", { appKey: 9, stage: "PROD" }]);
  assert.deepEqual(device.studio.followed, ["prod_9_ghost.app: db-1,web-1"]);
  assert.equal(device.engine.status(`${project}-web-1`), "running");
});

Deno.test("#13: a project that is not made from a file of the agent's is left alone", async () => {
  await using device = await withProject({ file: () => "/home/me/docker-compose.json" });
  assert.deepEqual(device.apps.list(), []);
  assert.equal(device.engine.status(`${project}-web-1`), "running");
});

Deno.test("#13: a service that fails fails its app, and its log says which and how", async () => {
  await using device = await withProject();
  device.studio.clear();
  device.engine.kill(`${project}-db-1`);
  const entries = await device.advance(100);
  assert.deepEqual(entries.slice(0, 3), [
    "FAILED",
    '"Ghost.App (PROD) failed because db-1 exited with status code: 137"',
    '"Entered a crashloop (1st attempt), retrying in 5s"',
  ]);
});

Deno.test("#13: an unhealthy service is named in the log of its app", async () => {
  await using device = await withProject();
  device.studio.clear();
  device.engine.check(`${project}-web-1`, { status: "unhealthy", output: "no answer" });
  assert.deepEqual(await device.advance(100), ['"web-1 is unhealthy: no answer"']);
});

Deno.test("#13: a project of which a service is missing is not running", async () => {
  await using device = await withProject({ services: ["web"] });
  assert.notEqual(device.apps.list()[0]?.state, "RUNNING");
});

Deno.test("M50, #13: a project that Studio does not name is removed with its networks, and no other is", async () => {
  await using device = await withProject();
  const label = "com.docker.compose.project";
  device.engine.networks.set("own", { [label]: project }).set("foreign", { [label]: "nextcloud" });
  await device.apps.request({
    app_key: 7,
    app_name: "Shop",
    stage: "PROD",
    target_state: "RUNNING",
    newest_version: "1",
  });
  await device.advance(2_000);
  device.studio.answer = () => [];
  await device.clock.advance(2_000);
  const connecting = device.apps.reconcileRemote(never);
  await device.advance(60_000);
  await connecting;
  assert.equal(device.engine.status(`${project}-web-1`), undefined);
  assert.deepEqual([...device.engine.networks.keys()], ["foreign"]);
});
