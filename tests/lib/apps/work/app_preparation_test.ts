import assert from "node:assert/strict";
import { ContainerSetup } from "../../../../lib/apps/container/container_setup.ts";
import { AppRecords } from "../../../../lib/apps/state/app_records.ts";
import type { AppsDeps } from "../../../../lib/apps/dependencies.ts";
import type { ObservedProject } from "../../../../lib/apps/state/observed_app.ts";
import { AppPreparation } from "../../../../lib/apps/work/app_preparation.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import type { PortRule } from "../../../../lib/model/app.ts";
import { namesOf } from "../../../../lib/model/app_names.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";
import { quietDevice } from "../../../fakes/fake_surroundings.ts";
import { Folder, sampleRequest } from "../../store/samples.ts";

const never = new AbortController().signal;

/** The preparation of one compose app, on an engine that has a running service `web`. */
class World implements Disposable {
  readonly #folder = new Folder();
  readonly #database = this.#folder.open();
  readonly #records = new AppRecords({ database: this.#database, clock: new FakeClock() });
  readonly saved: PortRule[][] = [];
  asked = 0;

  /** What becomes of the rules with their host ports. */
  tunnel: AppsDeps["tunnels"]["sync"] = (_app, { rules }) => Promise.resolve({ rules: [...rules], lines: [] });
  readonly said: string[] = [];
  readonly clock = new FakeClock();
  /** What goes on in the background. */
  readonly kept: Promise<void>[] = [];

  async prepare(observed?: ObservedProject): Promise<number[]> {
    const [sample = assert.fail()] = sampleRequest().ports;
    const blank = { hostPort: 0, remotePort: 0, localIp: "", reservedHostPort: 0, protocol: "tcp" } as const;
    const ports = [8080, 5432].map((port): PortRule => ({ ...sample, ...blank, port }));
    const dockerCompose = {
      services: { web: { image: "a", ports: ["8080:80"] }, db: { image: "b", ports: ["5432"] } },
    };
    const request = sampleRequest({ ports, dockerCompose });
    const app = this.#records.store(request);
    const device = { ...quietDevice("/nowhere"), log: silentLog, say: () => {} };
    const surroundings = () => ({ lanAddress: undefined, baseUrl: undefined, appCredKey: undefined });
    const setup = new ContainerSetup({ ...device, surroundings, reservations: () => [], makeWay: () => {} });
    const preparation = new AppPreparation({
      ...{ ...device, setup, records: this.#records, clock: this.clock },
      keep: (task) => void this.kept.push(task),
      say: (_app, text) => void this.said.push(text),
      tunnels: { sync: (...args) => this.tunnel(...args) },
      engine: { inspect: () => assert.fail(), listProject: () => this.#listProject() },
      backend: { savePorts: ({ ports: saved }) => Promise.resolve(void this.saved.push([...saved])) },
      namesOf: (named) => namesOf(named, { registryUrl: "r/", mainRepository: "", arch: "amd64" }),
    });
    await preparation.prepare(
      app,
      { request, observed: observed && { containers: [], tags: [], project: observed } },
      never,
    );
    return this.#records.request(request)?.ports.map(({ hostPort }) => hostPort) ?? [];
  }

  /** The remote ports of the stored request. */
  storedRemotePorts(): number[] {
    return this.#records.request(sampleRequest())?.ports.map(({ remotePort }) => remotePort) ?? [];
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }

  #listProject() {
    this.asked += 1;
    const labels = { "com.docker.compose.service": "web", "com.docker.compose.container-number": "1" };
    const published = { "80/tcp": [{ hostIp: "0.0.0.0", hostPort: 41_000 }] };
    return Promise.resolve([{ id: "a", names: ["x-web-1"], state: "running", image: "a", labels, published }]);
  }
}

Deno.test("M27: prepare() finds the host ports of a compose app in its running project, and saves them", async () => {
  using world = new World();
  assert.deepEqual(await world.prepare(), [41_000, 0]);
  assert.deepEqual(world.saved.map((rules) => rules.map(({ hostPort }) => hostPort)), [[41_000, 0]]);
  assert.equal(world.asked, 1);
});

Deno.test("prepare() does not ask the engine for what was observed", async () => {
  using world = new World();
  const published = { "5432/tcp": [{ hostIp: "0.0.0.0", hostPort: 42_000 }] };
  const service = { id: "b", name: "x-db-1", service: "db", number: 1, status: "running", published };
  assert.deepEqual(await world.prepare({ services: [service], images: {} }), [0, 42_000]);
  assert.equal(world.asked, 0);
});

/** Grants the ports from 31000 on, and says so. */
const grant: AppsDeps["tunnels"]["sync"] = (_app, { rules }) => {
  return Promise.resolve({
    rules: rules.map((rule, index) => ({ ...rule, remotePort: 31_000 + index })),
    lines: ["granted"],
  });
};

Deno.test("M46: prepare() hands rules with host ports to the tunnels, stores what they return, and saves it once", async () => {
  using world = new World();
  const given: number[] = [];
  world.tunnel = (app, options) => {
    given.push(...options.rules.map(({ hostPort }) => hostPort));
    return grant(app, options);
  };
  await world.prepare();
  assert.deepEqual(given, [41_000, 0]);
  assert.deepEqual(world.storedRemotePorts(), [31_000, 31_001]);
  assert.deepEqual(world.saved.map((rules) => rules.map(({ remotePort }) => remotePort)), [[31_000, 31_001]]);
  assert.deepEqual(world.said, ["granted"]);
});

Deno.test("prepare() waits a second for the tunnels, and saves what they return later", async () => {
  using world = new World();
  const answer = Promise.withResolvers<void>();
  world.tunnel = (app, options) => answer.promise.then(() => grant(app, options));
  const preparing = world.prepare();
  await world.clock.untilSleeping();
  await world.clock.advance(1_000);
  assert.deepEqual(await preparing, [41_000, 0]);
  answer.resolve();
  await Promise.all(world.kept);
  const saved = world.saved.map((rules) => rules.map(({ hostPort, remotePort }) => [hostPort, remotePort]));
  assert.deepEqual(saved, [[[41_000, 0], [0, 0]], [[41_000, 31_000], [0, 31_001]]]);
  assert.deepEqual(world.storedRemotePorts(), [31_000, 31_001]);
});
