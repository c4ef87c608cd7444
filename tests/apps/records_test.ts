import assert from "node:assert/strict";
import { AppRecords } from "../../lib/apps/records.ts";
import { FakeClock } from "../parts/fake_clock.ts";
import { Folder, sampleRequest } from "../store/samples.ts";

const id = { appKey: 71, stage: "PROD" } as const;

/** Records on a database of their own. `anew()` is what an agent finds after a restart. */
class World implements Disposable {
  readonly #folder = new Folder();
  readonly #database = this.#folder.open();
  readonly clock = new FakeClock();
  records = this.anew();

  anew(): AppRecords {
    return new AppRecords({ database: this.#database, clock: this.clock });
  }

  /** Lets every write fail. */
  breakStore(): void {
    this.#database.sql.exec("PRAGMA query_only = ON");
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("take() makes the app of a first request, with a target that can stay", () => {
  using world = new World();
  const app = world.records.take(sampleRequest({ target: "STARTING", current: undefined }));
  assert.deepEqual([app.state, app.target, app.version, app.releaseKey], ["REMOVED", "RUNNING", "1.2.0", 12]);
  assert.equal(world.records.find(id), app);
  assert.equal(world.anew().find(id)?.target, "RUNNING");
  assert.equal(world.anew().request(id)?.target, "RUNNING");
});

Deno.test("take() changes what is wanted of a known app and leaves alone what the device knows better", () => {
  using world = new World();
  const app = world.records.take(sampleRequest());
  world.records.setState(app, "RUNNING");
  const again = world.records.take(sampleRequest({ target: "PRESENT", current: "FAILED", releaseKey: 99 }));
  assert.equal(again, app);
  assert.deepEqual([app.state, app.target, app.releaseKey], ["RUNNING", "PRESENT", 12]);
});

Deno.test("take() leaves nothing behind when the database refuses", () => {
  using world = new World();
  world.breakStore();
  assert.throws(() => world.records.take(sampleRequest()), { code: "store_failed" });
  assert.deepEqual(world.records.all(), []);
  assert.equal(world.records.find(id), undefined);
});

Deno.test("setState() forgets an app that is gone as Studio wants it, and keeps one that is wanted again", () => {
  const cases = [
    ["REMOVED", "REMOVED", true],
    ["REMOVED", "UNINSTALLED", false],
    ["UNINSTALLED", "UNINSTALLED", true],
    ["UNINSTALLED", "REMOVED", true],
    ["REMOVED", "RUNNING", false],
    ["UNINSTALLED", "RUNNING", false],
    ["PRESENT", "REMOVED", false],
  ] as const;
  for (const [state, target, isForgotten] of cases) {
    using world = new World();
    const app = world.records.take(sampleRequest({ target }));
    world.records.setState(app, state);
    assert.equal(world.records.isKnown(app), !isForgotten, `${state} for ${target}`);
    assert.equal(world.anew().find(id) === undefined, isForgotten, `${state} for ${target}`);
    assert.equal(world.records.request(id) === undefined, isForgotten, `${state} for ${target}`);
  }
});

Deno.test("a state of a forgotten app puts no row back", () => {
  using world = new World();
  const app = world.records.take(sampleRequest({ target: "REMOVED" }));
  world.records.setState(app, "REMOVED");
  world.records.setState(app, "UNINSTALLED");
  world.records.setVersion(app, "3");
  assert.equal(app.state, "UNINSTALLED");
  assert.deepEqual(world.anew().all(), []);
});

Deno.test("setState() keeps what has happened in memory when the database refuses", () => {
  using world = new World();
  const app = world.records.take(sampleRequest());
  world.breakStore();
  assert.throws(() => world.records.setState(app, "RUNNING"), { code: "store_failed" });
  assert.equal(app.state, "RUNNING");
});

Deno.test("an app and its target are the same after a restart", () => {
  using world = new World();
  const app = world.records.take(sampleRequest({ target: "PRESENT" }));
  world.records.setState(app, "RUNNING");
  const found = world.anew().find(id);
  assert.deepEqual(found, { ...app, requestUpdate: false });
});

Deno.test("adoptUpdate() brings app and stored request in line, and keeps what was asked meanwhile", () => {
  using world = new World();
  const app = world.records.take(sampleRequest({ newestVersion: "1.3.0" }));
  world.records.take(sampleRequest({ target: "PRESENT", newestVersion: "1.4.0" }));
  world.records.adoptUpdate(app, { version: "1.3.0", releaseKey: 13 });
  assert.deepEqual([app.version, app.releaseKey, app.updateStatus], ["1.3.0", 13, "pending_remote_confirmation"]);
  const stored = world.records.request(id);
  assert.deepEqual(
    [stored?.presentVersion, stored?.version, stored?.newestVersion, stored?.target, stored?.releaseKey],
    ["1.3.0", "1.3.0", "1.4.0", "PRESENT", 13],
  );
});

Deno.test("all() names every app once, from memory and from the database", () => {
  using world = new World();
  const first = world.records.take(sampleRequest());
  world.records.take(sampleRequest({ stage: "DEV" }));
  const anew = world.anew();
  anew.find(id);
  assert.equal(anew.all().length, 2);
  assert.deepEqual(world.records.all()[0], first);
});
