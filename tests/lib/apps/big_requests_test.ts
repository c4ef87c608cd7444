import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { createHandler } from "../../../lib/handlers/dispatch.ts";
import { procedures } from "../../../lib/handlers/procedures.ts";
import { openLog } from "../../../lib/log/log.ts";
import { requestBounds } from "../../../lib/model/request_limits.ts";
import { FakeDevice } from "../../fakes/fake_device.ts";
import { fakeDevice, never } from "../../fakes/fake_handler_device.ts";
import { longestStall } from "../../fakes/longest_stall.ts";

/** On a machine with much else to do. Far more than what is tested takes, and far less than the attacks took. */
const stallLimitMs = 3_000;

const least = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", present_version: "1" };

const nowhere = { write: (bytes: Uint8Array) => Promise.resolve(bytes.length) };

/** A device whose procedure `request_app_state` is called as by Studio, with a real log. */
class World extends FakeDevice {
  readonly #log;
  readonly #path: string;

  constructor() {
    const folder = Deno.makeTempDirSync({ prefix: "log" });
    const path = `${folder}/reagent.log`;
    const options = { path, isDebug: true, isPretty: true, isColored: false, clock: systemClock };
    const opened = openLog({ ...options, stdout: nowhere, stderr: nowhere });
    super({ "1": {} }, () => ({ log: opened.log }));
    this.#log = opened;
    this.#path = path;
  }

  /** The error text of a request; undefined when it is accepted. */
  async call(kwargs: Record<string, unknown>): Promise<string | undefined> {
    const row = procedures.find(({ name }) => name === "request_app_state");
    assert.ok(row);
    const device = fakeDevice({ apps: { request: (all) => this.apps.request(all) }, log: this.#log.log });
    const call = { procedure: row.name, args: [], kwargs, callerAuthid: "system", callerAuthrole: "system" };
    try {
      await createHandler(row, { device, clock: systemClock, life: never })({ ...call, signal: never });
      return undefined;
    } catch (error) {
      assert.ok(error instanceof Error);
      return error.message;
    }
  }

  get logged(): string {
    return Deno.readTextFileSync(this.#path);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await this.#log[Symbol.asyncDispose]();
    Deno.removeSync(this.#path);
    Deno.removeSync(this.#path.slice(0, -"/reagent.log".length));
  }
}

function repeated<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

function members(count: number): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, { value: "x" }]));
}

function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

const huge = "x".repeat(3_000_000);

/** What is sent, and what the refusal names. */
const attacks: [kwargs: Record<string, unknown>, refusal: string][] = [
  [{ ports: repeated(200_000, 7) }, "Cannot read request: ports has more than 1000 entries"],
  [{ ports: [{ name: huge }] }, "Cannot read request: ports has more than 524288 characters"],
  [{ ports: [nest(5_000)] }, "Cannot read request: ports is nested deeper than 16 levels"],
  [{ release_key: huge }, "Cannot read request: release_key has more than 1024 characters"],
  [{ requestor_account_key: huge }, "Cannot read request: requestor_account_key has more than 1024 characters"],
  [{ newest_version: huge }, "Cannot read request: newest_version has more than 1024 characters"],
  [{ environment: { A: { value: huge } } }, "Cannot read request: environment has more than 1048576 characters"],
  [{ environment: members(100_000) }, "Cannot read request: environment has more than 2000 entries"],
  [{ environment_template: members(2_001) }, "Cannot read request: environment_template has more than 2000 entries"],
  [{ docker_compose: { a: nest(5_000) } }, "Cannot read request: docker_compose is nested deeper than 64 levels"],
  [{ new_docker_compose: { a: huge } }, "Cannot read request: new_docker_compose has more than 1048576 characters"],
  [{ docker_credentials: members(101) }, "Cannot read request: docker_credentials has more than 100 entries"],
  [{ app_name: huge }, "failed to parse appName"],
  [{ stage: huge }, "failed to parse stage"],
  [{ target_state: huge }, "failed to parse requestedState"],
  [{ ports: huge }, "failed to parse ports"],
];

Deno.test("#3: a request with a part of any size is refused at once, names the part, and is one line in the log", async () => {
  await using world = new World();
  for (const [change, refusal] of attacks) {
    const before = world.logged.length;
    let text: string | undefined;
    const stallMs = await longestStall(async () => {
      text = await world.call({ ...least, ...change });
    });
    assert.equal(text, refusal);
    assert.ok(stallMs < stallLimitMs, `${refusal}: ${stallMs} ms`);
    const logged = world.logged.slice(before);
    assert.ok(logged.length < 10_000 && logged.trimEnd().split("\n").length === 1, logged.slice(0, 1_000));
  }
  assert.deepEqual(world.apps.list(), []);
});

Deno.test("#3: a request with as many bad rules as it may have is accepted, and their problems are one line", async () => {
  await using world = new World();
  const ports = repeated(requestBounds.ports.entries, { port: "\u0000".repeat(20) });
  const stallMs = await longestStall(async () => {
    assert.equal(await world.call({ ...least, ports }), undefined);
    await world.advance(5_000);
  });
  assert.ok(stallMs < stallLimitMs, `${stallMs} ms`);
  const warnings = world.logged.split("\n").filter((line) => line.includes('"level":"warn"'));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /"count":1000,"first":\[/);
  assert.ok(world.logged.length < 100_000);
});

Deno.test("#3: a removal is never refused for its size", async () => {
  await using world = new World();
  await world.request("RUNNING");
  const big = { environment: members(100_000), ports: repeated(200_000, 7), docker_compose: { a: huge } };
  assert.equal(await world.call({ ...least, ...big, target_state: "REMOVED" }), undefined);
  await world.advance(5_000);
  assert.equal(world.state, undefined);
});

Deno.test("#3: one row of Studio's answer that is too big costs no other row, and no app is removed for it", async () => {
  await using world = new World();
  await world.request("RUNNING");
  await world.apps.reconcileLocal(never);
  const other = { ...least, app_key: 9, app_name: "Other", target_state: "PRESENT" };
  const rows = [{ ...least, app_key: 8, ports: repeated(200_000, 7) }, other, ...repeated(150_000, { app_key: huge })];
  world.studio.answer = () => rows;
  const before = world.logged.length;
  const stallMs = await longestStall(async () => {
    await Promise.all([world.apps.reconcileRemote(never), world.advance(5_000)]);
  });
  assert.ok(stallMs < stallLimitMs, `${stallMs} ms`);
  assert.deepEqual(world.apps.list().map(({ appName }) => appName).sort(), ["Other", "Shop"]);
  assert.ok(world.logged.length - before < 100_000);
});
