import assert from "node:assert/strict";
import { StateReporter } from "../../../../lib/apps/report/state_reporter.ts";
import type { LiveApp } from "../../../../lib/apps/state/live_app.ts";
import { AppRecords } from "../../../../lib/apps/state/app_records.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";
import { Folder, sampleRequest } from "../../store/samples.ts";

const id = { appKey: 71, stage: "PROD" } as const;

/** A state reporter on a database of its own, and an app that is stored as present. */
class World implements AsyncDisposable {
  readonly #folder = new Folder();
  readonly #database = this.#folder.open();
  readonly #life = new AbortController();
  readonly #tasks: Promise<void>[] = [];
  readonly clock = new FakeClock();
  readonly records = new AppRecords({ database: this.#database, clock: this.clock });
  readonly app: LiveApp = this.records.store(sampleRequest({ target: "PRESENT" }));
  readonly reporter = new StateReporter({
    records: this.records,
    outbox: { send: () => Promise.resolve(true) },
    keep: (task) => this.#tasks.push(task.catch(() => {})),
    clock: this.clock,
    log: silentLog,
    life: this.#life.signal,
  });

  /** State and version that a restarted agent reads. */
  get stored(): string {
    const found = new AppRecords({ database: this.#database, clock: this.clock }).find(id);
    return `${found?.state} ${found?.version}`;
  }

  setFull(isFull: boolean): void {
    this.#database.sql.exec(`PRAGMA query_only = ${isFull ? "ON" : "OFF"}`);
  }

  endLife(): void {
    this.#life.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.endLife();
    await Promise.all(this.#tasks);
    this.#database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("setState() sets the state in memory when the disk is full, and stores it once there is free space", async () => {
  await using world = new World();
  world.setFull(true);
  world.reporter.setState(world.app, "STARTING");
  await world.clock.advance(3_000);
  world.reporter.setState(world.app, "RUNNING");
  assert.equal(world.clock.sleeping, 1, "one wait for one app");
  assert.equal(world.app.state, "RUNNING");
  await world.clock.advance(60_000);
  assert.equal(world.stored, "PRESENT 1.2.0");
  world.setFull(false);
  await world.clock.advance(5_000);
  assert.equal(world.stored, "RUNNING 1.2.0");
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("setState() starts one wait for an app, however often its states are refused and stored", async () => {
  await using world = new World();
  for (const isFull of [true, false, true, false, true]) {
    world.setFull(isFull);
    world.reporter.setState(world.app, isFull ? "FAILED" : "RUNNING");
  }
  assert.equal(world.stored, "RUNNING 1.2.0");
  assert.equal(world.clock.sleeping, 1);
  world.setFull(false);
  await world.clock.advance(5_000);
  assert.equal(world.stored, "FAILED 1.2.0");
  assert.equal(world.clock.sleeping, 0);
  world.setFull(true);
  world.reporter.setState(world.app, "RUNNING");
  world.setFull(false);
  await world.clock.advance(5_000);
  assert.equal(world.stored, "RUNNING 1.2.0", "a full disk the next time is like one the first time");
});

Deno.test("setVersion() sets the version in memory when the disk is full, and stores it once there is free space", async () => {
  await using world = new World();
  world.setFull(true);
  world.reporter.setVersion(world.app, { version: "1.3.0", releaseKey: 13 });
  assert.deepEqual([world.app.version, world.app.releaseKey], ["1.3.0", 13]);
  assert.equal(world.stored, "PRESENT 1.2.0");
  world.setFull(false);
  await world.clock.advance(5_000);
  assert.equal(world.stored, "PRESENT 1.3.0");
});

Deno.test("forget() counts at once when the disk is full, and the rows are deleted once there is free space", async () => {
  await using world = new World();
  world.setFull(true);
  world.reporter.forget(world.app);
  assert.deepEqual(world.records.all(), []);
  assert.equal(world.stored, "PRESENT 1.2.0");
  world.setFull(false);
  await world.clock.advance(5_000);
  assert.equal(world.stored, "undefined undefined");
});

Deno.test("the wait for free space ends with the agent", async () => {
  await using world = new World();
  world.setFull(true);
  world.reporter.setState(world.app, "RUNNING");
  world.endLife();
  assert.equal(world.clock.sleeping, 0);
});
