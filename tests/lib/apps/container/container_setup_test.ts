import assert from "node:assert/strict";
import type { PortRule } from "../../../../lib/model/app.ts";
import type { DeviceConfig } from "../../../../lib/config/flock.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";
import { ContainerSetup } from "../../../../lib/apps/container/container_setup.ts";
import { appFromRequest } from "../../../../lib/apps/state/live_app.ts";
import { isDict } from "../../../../lib/base/json.ts";
import { sampleRequest } from "../../store/samples.ts";
import { quietDevice } from "../../../fakes/fake_surroundings.ts";

const never = new AbortController().signal;

function rule(change: Partial<PortRule> = {}): PortRule {
  const [sample] = sampleRequest().ports;
  assert.ok(sample);
  return { ...sample, remotePort: 0, hostPort: 0, ...change };
}

/** A setup on a folder of its own. `taken` are the ports that other programs have. */
class World implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "container-setup-" });
  readonly taken = new Set<number>();
  readonly hidden: string[] = [];
  /** Lines of the app's log. */
  readonly said: string[] = [];
  readonly setup: ContainerSetup;

  constructor(change: Partial<DeviceConfig> = {}) {
    this.setup = new ContainerSetup({
      ...quietDevice(this.folder, change),
      surroundings: () => ({ lanAddress: "10.0.0.9", baseUrl: "https://studio.example.com", appCredKey: "key" }),
      folderOf: (named) => new DataFolder({ appsDir: `${this.folder}/apps` }, named),
      isPortFree: (port) => !this.taken.has(port),
      hideSecretsOf: (_, texts) => void this.hidden.push(...texts),
      reservations: () => [],
      say: (_, text) => void this.said.push(text),
      makeWay: () => {},
      log: silentLog,
    });
  }

  async configure(ports: PortRule[]): Promise<Record<string, unknown>> {
    const request = sampleRequest({ ports });
    const options = { request, image: "r/x:1", withGpu: true };
    return await this.setup.configure(appFromRequest(request, "RUNNING"), options, never);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function bindingsOf(body: Record<string, unknown>): unknown {
  return isDict(body.HostConfig) ? body.HostConfig.PortBindings : undefined;
}

Deno.test("configure() prepares folder, files, variables and ports of an app", async () => {
  using world = new World();
  const body = await world.configure([rule({ port: 8080 }), rule({ port: 53, protocol: "udp" })]);
  assert.deepEqual(bindingsOf(body), {
    "8080/tcp": [{ HostIp: "0.0.0.0", HostPort: "40000" }],
    "53/udp": [{ HostIp: "0.0.0.0", HostPort: "40000" }],
  });
  const env = Array.isArray(body.Env) ? body.Env : [];
  assert.ok(env.includes("DEVICE_PORT_FOR_8080=40000") && env.includes("DEVICE_LAN_IP=10.0.0.9"));
  const folder = `${world.folder}/apps/prod/fan_ctl`;
  assert.equal(await Deno.readTextFile(`${folder}/env/APP_KEY.txt`), "71");
  assert.deepEqual(isDict(body.HostConfig) && body.HostConfig.Mounts, [
    { Type: "bind", Source: world.folder, Target: "/shared" },
    { Type: "bind", Source: folder, Target: "/data" },
  ]);
  assert.equal(world.hidden.length, 1, "the credential's secret is hidden from the log");
  assert.ok(env.includes(`APP_AUTH_SECRET=${world.hidden[0]}`));
});

Deno.test("configure() publishes each declared port once, and none of another machine", async () => {
  using world = new World();
  const body = await world.configure([rule({ port: 80 }), rule({ port: 80 }), rule({ port: 81, localIp: "10.0.0.5" })]);
  assert.deepEqual(bindingsOf(body), { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "40000" }] });
});

Deno.test("configure() keeps a host port that Studio has stored or that was chosen earlier", async () => {
  using world = new World();
  const remembered = await world.configure([rule({ port: 80, hostPort: 41_234 })]);
  assert.deepEqual(bindingsOf(remembered), { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "41234" }] });
  assert.deepEqual(bindingsOf(await world.configure([rule({ port: 80 })])), bindingsOf(remembered));
});

Deno.test("change 2.8: on an appliance the certificates of the site are mounted read-only, where there are any", async () => {
  using world = new World({ applianceDomain: "site.example" });
  const certsOf = async () => {
    const { Env, HostConfig } = await world.configure([]);
    const mounts = isDict(HostConfig) && Array.isArray(HostConfig.Mounts) ? HostConfig.Mounts : [];
    const names = Array.isArray(Env) ? Env.filter((text) => `${text}`.endsWith("/certs/ca-bundle.crt")) : [];
    return { mounts: mounts.filter(({ Target }) => Target === "/etc/ironflock/certs"), count: names.length };
  };
  assert.deepEqual(await certsOf(), { mounts: [], count: 0 });
  Deno.mkdirSync(`${world.folder}/certs`);
  Deno.writeTextFileSync(`${world.folder}/certs/ca-bundle.crt`, "");
  assert.deepEqual(await certsOf(), { mounts: [], count: 0 });
  Deno.writeTextFileSync(`${world.folder}/certs/ca-bundle.crt`, "x");
  const mount = { Type: "bind", Source: `${world.folder}/certs`, Target: "/etc/ironflock/certs", ReadOnly: true };
  assert.deepEqual(await certsOf(), { mounts: [mount], count: 4 });
  const path = `${world.folder}/apps/prod/fan_ctl/env/SSL_CERT_FILE.txt`;
  assert.equal(await Deno.readTextFile(path), "/etc/ironflock/certs/ca-bundle.crt");
  using other = new World();
  Deno.mkdirSync(`${other.folder}/certs`);
  Deno.writeTextFileSync(`${other.folder}/certs/ca-bundle.crt`, "x");
  assert.ok(!JSON.stringify(await other.configure([])).includes("ironflock"), "not without an appliance");
});

Deno.test("refreshCredential() writes no files for an app that has none yet", async () => {
  using world = new World();
  const request = sampleRequest();
  await world.setup.refreshCredential(appFromRequest(request, "RUNNING"), request);
  await assert.rejects(Deno.stat(`${world.folder}/apps`), Deno.errors.NotFound);
});
