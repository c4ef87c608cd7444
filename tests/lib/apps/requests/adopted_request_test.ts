import assert from "node:assert/strict";
import { adoptedRequest } from "../../../../lib/apps/requests/adopted_request.ts";
import { type ContainerOptions, createRequest } from "../../../../lib/apps/container/create_request.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { type ContainerDetails, decodeContainer } from "../../../../lib/docker/decode.ts";
import { container, FakeDevice, repository } from "../../../fakes/fake_device.ts";

const never = new AbortController().signal;
const rebuilt =
  '"The agent\'s database was damaged and has been set aside; what it knows of this app comes from the container engine and from Studio"';

const options: ContainerOptions = {
  image: "r.example.com/apps/prod_amd64_71_fan_ctl:1.2.0",
  app: { id: { appKey: 71, stage: "PROD" }, appName: "Fan_Ctl", version: "1.2.0", releaseKey: 12 },
  env: ["SPEED=7", "EMPTY=", "TWO=a=b"],
  ports: [{ port: 8080, transport: "tcp", hostPort: 31_003 }, { port: 53, transport: "udp", hostPort: 31_004 }],
  mounts: [],
  withGpu: false,
};

/** The container that the agent creates with `options`; `change` replaces members of what the engine returns. */
function containerWith(change: Partial<ContainerDetails> = {}): ContainerDetails {
  const body = createRequest(options);
  return {
    ...decodeContainer({ Id: "c1", Name: "/prod_71_fan_ctl", Config: body, HostConfig: body.HostConfig }),
    ...change,
  };
}

Deno.test("adoptedRequest() returns what a container of the agent was created for", () => {
  const request = adoptedRequest(containerWith());
  assert.deepEqual({ ...request, ports: request?.ports.map((rule) => [rule.port, rule.protocol, rule.hostPort]) }, {
    appKey: 71,
    stage: "PROD",
    appName: "Fan_Ctl",
    target: "RUNNING",
    current: undefined,
    requestorAccountKey: 0,
    deviceOwnerAccountKey: 0,
    releaseKey: 12,
    newReleaseKey: 0,
    version: "1.2.0",
    presentVersion: "1.2.0",
    newestVersion: "1.2.0",
    requestUpdate: false,
    cancelTransition: false,
    environment: { SPEED: { value: "7" }, EMPTY: { value: "" }, TWO: { value: "a=b" } },
    environmentTemplate: {},
    ports: [[8080, "tcp", 31_003], [53, "udp", 31_004]],
    otherPorts: [],
    dockerCompose: null,
    newDockerCompose: null,
    dockerCredentials: {},
    instanceKey: 0,
    appCredEpoch: 0,
  });
});

Deno.test("adoptedRequest() reads name and image when the container is from an older agent", () => {
  const request = adoptedRequest(containerWith({ labels: { real: "True" } }));
  assert.deepEqual([request?.appName, request?.stage, request?.appKey], ["fan_ctl", "PROD", 71]);
  assert.deepEqual([request?.version, request?.releaseKey], ["1.2.0", 0]);
  const untagged = adoptedRequest(containerWith({ labels: { real: "True" }, name: "dev_5_a" }));
  assert.deepEqual([untagged?.stage, untagged?.appKey, untagged?.appName], ["DEV", 5, "a"]);
});

Deno.test("adoptedRequest() leaves out the variables that the agent itself sets", () => {
  const own = [
    ...["DEVICE_SERIAL_NUMBER", "DEVICE_KEY", "DEVICE_NAME", "DEVICE_ENDPOINT_URL", "DEVICE_LAN_IP", "DEVICE_URL"],
    ...["DEVICE_PORT_FOR_80", "REMOTE_PORT_FOR_80", "ENV", "SWARM_KEY", "APP_KEY", "APP_NAME", "APP_AUTH_ID"],
    ...["APP_AUTH_SECRET", "TUNNEL_DOMAIN", "INSTANCE_KEY", "RESWARM_URL", "PATH"],
  ];
  const others = ["DEVICE", "MY_PATH", "PATHS", "ENVIRONMENT", "APP_LEVEL"];
  const env = [...own, ...others].map((name) => `${name}=x`);
  const request = adoptedRequest(containerWith({ env: [...env, "NO_VALUE", "=nameless"] }));
  assert.deepEqual(Object.keys(request?.environment ?? {}), others);
});

const foreign: { name: string; change: Partial<ContainerDetails> }[] = [
  { name: "without the agent's label", change: { labels: {} } },
  { name: "with another value of the label", change: { labels: { real: "true" } } },
  { name: "with the name of another program", change: { name: "postgres" } },
  { name: "with a name that has no key", change: { name: "prod_x_fan_ctl" } },
  { name: "with a name that no app can have", change: { name: "prod_71_.." } },
  { name: "whose labels name another app", change: { labels: { real: "True", "reagent.app-name": "other" } } },
  { name: "whose labels name another stage", change: { labels: { real: "True", "reagent.stage": "DEV" } } },
];

for (const { name, change } of foreign) {
  Deno.test(`adoptedRequest() returns nothing for a container ${name}`, () => {
    assert.equal(adoptedRequest(containerWith(change)), undefined);
  });
}

Deno.test("an app whose database was lost is adopted from its running container, and its log mentions that once", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING", { release_key: 7, environment: { LEVEL: { value: "x" } } });
  const before = await device.engine.inspect(container, never);
  await device.loseDatabase();
  device.studio.clear();
  await device.apps.reconcileLocal(never);
  await device.advance(5_000);
  assert.deepEqual(device.apps.list().map(({ appName, state }) => [appName, state]), [["Shop", "RUNNING"]]);
  assert.equal((await device.engine.inspect(container, never))?.startedAt, before?.startedAt);
  assert.deepEqual(device.studio.entries, []);
  device.studio.answer = () => {
    throw new AgentError("call_failed", "the backend is away");
  };
  const remote = () => Promise.all([assert.rejects(device.apps.reconcileRemote(never)), device.advance(2_000)]);
  await remote();
  await remote();
  assert.deepEqual(device.studio.entries.filter((entry) => entry === rebuilt).length, 1);
  assert.equal(device.studio.reports[0]?.releaseKey, 7);
  assert.equal((await device.engine.inspect(container, never))?.startedAt, before?.startedAt);
});

Deno.test("an adopted app is restarted after a crash, as it was", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING", { environment: { LEVEL: { value: "x" } } });
  await device.loseDatabase();
  await device.apps.reconcileLocal(never);
  device.engine.kill(container);
  await device.advance(10_000);
  assert.equal(device.engine.status(container), "running");
  assert.ok((await device.engine.inspect(container, never))?.env.includes("LEVEL=x"));
});

Deno.test("known apps are not adopted, and without a lost database none are", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING", { release_key: 7 });
  await device.request("PRESENT");
  device.engine.stock(`${repository}:9`, {});
  const body = createRequest({ ...options, image: `${repository}:9`, app: { ...options.app, appName: "Shop" } });
  await device.engine.create(container, body, never);
  await device.engine.create("prod_9_other", { ...body, Labels: { real: "True" } }, never);
  await device.stopAgent();
  device.startAgent();
  await device.apps.reconcileLocal(never);
  assert.deepEqual(device.apps.list().map(({ appName }) => appName), ["Shop"]);
  await device.stopAgent();
  device.startAgent({ isRebuilt: true });
  await device.apps.reconcileLocal(never);
  assert.deepEqual(device.apps.list().map(({ appName }) => appName), ["Shop", "other"]);
  await device.advance(5_000);
  assert.notEqual((await device.engine.inspect(container, never))?.status, "running", "it was wanted as PRESENT");
});

Deno.test("a container of another program is neither adopted nor touched", async () => {
  await using device = new FakeDevice();
  device.engine.stock("postgres:16", {});
  await device.engine.create("postgres", { Image: "postgres:16" }, never);
  await device.engine.create("prod_8_shop", { Image: "postgres:16" }, never);
  await device.loseDatabase();
  await device.apps.reconcileLocal(never);
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.deepEqual(device.apps.list(), []);
  assert.deepEqual(["postgres", "prod_8_shop"].map((name) => device.engine.status(name)), ["created", "created"]);
});

Deno.test("the disk use of apps is unknown until everything that Studio wants is stored, even after a restart", async () => {
  await using device = new FakeDevice();
  await device.loseDatabase();
  await device.apps.reconcileLocal(never);
  assert.equal(device.apps.diskUses(), undefined);
  device.studio.isConnected = false;
  await Promise.all([device.apps.reconcileRemote(never).catch(() => {}), device.advance(5_000)]);
  assert.equal(device.apps.diskUses(), undefined);
  device.studio.isConnected = true;
  device.database.sql.exec("CREATE TRIGGER full BEFORE INSERT ON AppStates BEGIN SELECT RAISE(ABORT, 'full'); END");
  device.studio.answer = () => [{ app_key: 9, app_name: "Other", stage: "PROD", target_state: "PRESENT" }];
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.equal(device.apps.diskUses(), undefined, "what Studio wants could not be stored");
  device.studio.answer = () => [];
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.deepEqual(device.apps.diskUses(), []);
  assert.equal(device.database.first("PRAGMA user_version")?.user_version, 1);
});
