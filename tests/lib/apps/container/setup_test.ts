import assert from "node:assert/strict";
import type { PortRule } from "../../../../lib/model/app.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";
import { ContainerSetup } from "../../../../lib/apps/container/setup.ts";
import { appFromRequest } from "../../../../lib/apps/state/live_app.ts";
import { type ContainerDetails, decodeContainer } from "../../../../lib/docker/decode.ts";
import { isDict } from "../../../../lib/base/json.ts";
import { sampleRequest } from "../../store/samples.ts";
import { quietDevice } from "../../../fakes/fake_surroundings.ts";

const never = new AbortController().signal;
const app = { appKey: 71, stage: "PROD" } as const;

function rule(change: Partial<PortRule> = {}): PortRule {
  const [sample] = sampleRequest().ports;
  assert.ok(sample);
  return { ...sample, remotePort: 0, hostPort: 0, ...change };
}

/** A house on a folder of its own. `taken` are the ports that somebody else has. */
class World implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "housing-" });
  readonly taken = new Set<number>();
  readonly hidden: string[] = [];
  readonly housing = new ContainerSetup({
    ...quietDevice(this.folder),
    surroundings: () => ({ lanAddress: "10.0.0.9", baseUrl: "https://studio.example.com", appCredKey: "key" }),
    folderOf: (named) => new DataFolder({ appsDir: `${this.folder}/apps` }, named),
    isPortFree: (port) => !this.taken.has(port),
    hideSecret: (text) => void this.hidden.push(text),
    log: silentLog,
  });

  async configure(ports: PortRule[]): Promise<Record<string, unknown>> {
    const request = sampleRequest({ ports });
    const options = { image: "r/x:1", withGpu: true, signal: never };
    return await this.housing.configure(appFromRequest(request, "RUNNING"), request, options);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

function bindingsOf(body: Record<string, unknown>): unknown {
  return isDict(body.HostConfig) ? body.HostConfig.PortBindings : undefined;
}

function container(bindings: Record<string, unknown>): ContainerDetails {
  return decodeContainer({ Id: "c", HostConfig: { PortBindings: bindings } });
}

Deno.test("configure() gives an app its folder, files, variables and ports", async () => {
  using world = new World();
  const body = await world.configure([rule({ port: 8080 }), rule({ port: 53, protocol: "udp" })]);
  assert.deepEqual(bindingsOf(body), {
    "8080/tcp": [{ HostIp: "0.0.0.0", HostPort: "40000" }],
    "53/udp": [{ HostIp: "0.0.0.0", HostPort: "40000" }],
  });
  const env = Array.isArray(body.Env) ? body.Env : [];
  assert.ok(env.includes("DEVICE_PORT_FOR_8080=40000") && env.includes("DEVICE_LAN_IP=10.0.0.9"));
  const home = `${world.folder}/apps/prod/fan_ctl`;
  assert.equal(await Deno.readTextFile(`${home}/env/APP_KEY.txt`), "71");
  assert.deepEqual(isDict(body.HostConfig) && body.HostConfig.Mounts, [
    { Type: "bind", Source: world.folder, Target: "/shared" },
    { Type: "bind", Source: home, Target: "/data" },
  ]);
  assert.equal(world.hidden.length, 1, "the credential's secret is hidden from the log");
  assert.ok(env.includes(`APP_AUTH_SECRET=${world.hidden[0]}`));
});

Deno.test("configure() publishes each declared port once, and none of another machine", async () => {
  using world = new World();
  const body = await world.configure([rule({ port: 80 }), rule({ port: 80 }), rule({ port: 81, localIp: "10.0.0.5" })]);
  assert.deepEqual(bindingsOf(body), { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "40000" }] });
});

Deno.test("configure() keeps the host port of before, as Studio remembers it or as it was chosen", async () => {
  using world = new World();
  const remembered = await world.configure([rule({ port: 80, hostPort: 41_234 })]);
  assert.deepEqual(bindingsOf(remembered), { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "41234" }] });
  assert.deepEqual(bindingsOf(await world.configure([rule({ port: 80 })])), bindingsOf(remembered));
});

Deno.test("resolvePorts() finds the port of the container that is there, before the one that Studio remembers", () => {
  using world = new World();
  const seen = container({ "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "1" }, { HostIp: "", HostPort: "42000" }] });
  const [found] = world.housing.resolvePorts(app, [rule({ port: 80, hostPort: 41_000 })], seen.portBindings);
  assert.equal(found?.hostPort, 42_000);
});

Deno.test("resolvePorts() chooses nothing new, and leaves ports of other machines alone", () => {
  using world = new World();
  const rules = [rule({ port: 80 }), rule({ port: 81, localIp: "10.0.0.5", hostPort: 7 })];
  assert.deepEqual(world.housing.resolvePorts(app, rules, undefined), rules);
});

Deno.test("replacePorts() gives up only the ports that the engine names", async () => {
  using world = new World();
  const request = sampleRequest({ ports: [rule({ port: 80 }), rule({ port: 90 })] });
  const live = appFromRequest(request, "RUNNING");
  await world.housing.configure(live, request, { image: "r/x:1", withGpu: false, signal: never });
  assert.equal(
    world.housing.replacePorts(live, request, "Bind for 0.0.0.0:40001 failed: port is already allocated"),
    true,
  );
  const body = await world.housing.configure(live, request, { image: "r/x:1", withGpu: false, signal: never });
  assert.deepEqual(bindingsOf(body), {
    "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "40000" }],
    "90/tcp": [{ HostIp: "0.0.0.0", HostPort: "40002" }],
  });
  assert.equal(world.housing.replacePorts(live, request, "no port is named here"), false);
});

Deno.test("refreshCredential() writes no files for an app that has none yet", async () => {
  using world = new World();
  const request = sampleRequest();
  await world.housing.refreshCredential(appFromRequest(request, "RUNNING"), request);
  await assert.rejects(Deno.stat(`${world.folder}/apps`), Deno.errors.NotFound);
});
