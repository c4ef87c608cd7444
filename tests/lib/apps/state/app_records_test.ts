import assert from "node:assert/strict";
import type { LiveApp } from "../../../../lib/apps/state/live_app.ts";
import { AppRecords } from "../../../../lib/apps/state/app_records.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";
import { Folder, sampleRequest } from "../../store/samples.ts";

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

  /** Ends a `breakStore()`. */
  mendStore(): void {
    this.#database.sql.exec("PRAGMA query_only = OFF");
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("take() makes the app of a first request, with a target that can stay", () => {
  using world = new World();
  const app = world.records.store(sampleRequest({ target: "STARTING", current: undefined }));
  assert.deepEqual([app.state, app.target, app.version, app.releaseKey], ["REMOVED", "RUNNING", "1.2.0", 12]);
  assert.equal(world.records.find(id), app);
  assert.equal(world.anew().find(id)?.target, "RUNNING");
  assert.equal(world.anew().request(id)?.target, "RUNNING");
});

Deno.test("take() changes what is wanted of a known app and leaves alone what the device knows better", () => {
  using world = new World();
  const app = world.records.store(sampleRequest());
  world.records.setState(app, "RUNNING");
  const again = world.records.store(sampleRequest({ target: "PRESENT", current: "FAILED", releaseKey: 99 }));
  assert.equal(again, app);
  assert.deepEqual([app.state, app.target, app.releaseKey], ["RUNNING", "PRESENT", 12]);
});

Deno.test("take() leaves nothing behind when the database refuses", () => {
  using world = new World();
  world.breakStore();
  assert.throws(() => world.records.store(sampleRequest()), { code: "store_failed" });
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
    const app = world.records.store(sampleRequest({ target }));
    world.records.setState(app, state);
    assert.equal(world.records.isKnown(app), !isForgotten, `${state} for ${target}`);
    assert.equal(world.anew().find(id) === undefined, isForgotten, `${state} for ${target}`);
    assert.equal(world.records.request(id) === undefined, isForgotten, `${state} for ${target}`);
  }
});

Deno.test("a state of a forgotten app puts no row back", () => {
  using world = new World();
  const app = world.records.store(sampleRequest({ target: "REMOVED" }));
  world.records.setState(app, "REMOVED");
  world.records.setState(app, "UNINSTALLED");
  world.records.setVersion(app, { version: "3" });
  assert.equal(app.state, "UNINSTALLED");
  assert.deepEqual(world.anew().all(), []);
});

Deno.test("setState() keeps what has happened in memory when the database refuses", () => {
  using world = new World();
  const app = world.records.store(sampleRequest());
  world.breakStore();
  assert.throws(() => world.records.setState(app, "RUNNING"), { code: "store_failed" });
  assert.equal(app.state, "RUNNING");
});

Deno.test("an app and its target are the same after a restart", () => {
  using world = new World();
  const app = world.records.store(sampleRequest({ target: "PRESENT" }));
  world.records.setState(app, "RUNNING");
  const found = world.anew().find(id);
  assert.deepEqual(found, { ...app, requestUpdate: false });
});

Deno.test("adoptUpdate() brings app and stored request in line, and keeps what was asked meanwhile", () => {
  using world = new World();
  const app = world.records.store(sampleRequest({ newestVersion: "1.3.0" }));
  world.records.store(sampleRequest({ target: "PRESENT", newestVersion: "1.4.0" }));
  world.records.updates.adopt(app, { version: "1.3.0", releaseKey: 13 });
  assert.deepEqual([app.version, app.releaseKey, app.updateStatus], ["1.3.0", 13, "pending_remote_confirmation"]);
  const stored = world.records.request(id);
  assert.deepEqual(
    [stored?.presentVersion, stored?.version, stored?.newestVersion, stored?.target, stored?.releaseKey],
    ["1.3.0", "1.3.0", "1.4.0", "PRESENT", 13],
  );
});

Deno.test("all() names every app once, from memory and from the database", () => {
  using world = new World();
  const first = world.records.store(sampleRequest());
  world.records.store(sampleRequest({ stage: "DEV" }));
  const anew = world.anew();
  anew.find(id);
  assert.equal(anew.all().length, 2);
  assert.deepEqual(world.records.all()[0], first);
});

/** Records whose app is stored as running, and of which another request is held. */
function holding(change: Parameters<typeof sampleRequest>[0] = {}): { world: World; app: LiveApp } {
  const world = new World();
  const app = world.records.store(sampleRequest());
  world.records.setState(app, "RUNNING");
  world.breakStore();
  assert.equal(world.records.hold(sampleRequest({ target: "STOPPING", environment: {}, ...change })), app);
  world.mendStore();
  return { world, app };
}

Deno.test("hold() keeps what Studio asks in memory, in place of what is stored", () => {
  const { world, app } = holding();
  using _ = world;
  assert.equal(app.target, "PRESENT");
  assert.deepEqual(world.records.request(id), sampleRequest({ target: "PRESENT", environment: {} }));
  assert.deepEqual(world.records.requests().map(({ target }) => target), ["PRESENT"]);
  assert.equal(world.anew().request(id)?.target, "RUNNING");
});

Deno.test("hold() makes the app of a first request, which is stored with its first state", () => {
  using world = new World();
  const app = world.records.hold(sampleRequest({ target: "REMOVED" }));
  assert.deepEqual(world.records.all(), [app]);
  assert.deepEqual(world.anew().all(), []);
  world.records.setState(app, "DELETING");
  assert.equal(world.anew().find(id)?.state, "DELETING");
  assert.equal(world.anew().request(id)?.target, "REMOVED");
});

Deno.test("setState() stores what is held with it, all or nothing, with the version that is installed", () => {
  const { world, app } = holding({ presentVersion: "9" });
  using _ = world;
  world.breakStore();
  assert.throws(() => world.records.setState(app, "PRESENT"), { code: "store_failed" });
  assert.deepEqual(world.records.request(id)?.environment, {}, "still held");
  world.mendStore();
  world.records.setState(app, "PRESENT");
  const stored = world.anew().request(id);
  assert.deepEqual([stored?.target, stored?.environment, stored?.presentVersion], ["PRESENT", {}, "1.2.0"]);
});

Deno.test("what is held is forgotten with its app, and when something else was stored", () => {
  const forgotten = holding({ target: "REMOVED" });
  using _ = forgotten.world;
  forgotten.world.records.forget(id);
  assert.deepEqual(forgotten.world.records.requests(), []);

  const gone = holding({ target: "REMOVED" });
  using _gone = gone.world;
  gone.world.records.setState(gone.app, "REMOVED");
  assert.deepEqual(gone.world.records.requests(), []);
  assert.deepEqual(gone.world.anew().all(), []);

  const replaced = holding({ target: "REMOVED" });
  using _replaced = replaced.world;
  replaced.world.records.store(sampleRequest());
  assert.deepEqual(replaced.world.records.requests().map(({ target }) => target), ["RUNNING"]);
  replaced.world.records.setState(replaced.app, "RUNNING");
  assert.equal(replaced.world.anew().request(id)?.target, "RUNNING");
});

Deno.test("ports and versions go into what is held as well", () => {
  const { world, app } = holding();
  using _ = world;
  const held = world.records.request(id);
  assert.ok(held);
  world.records.setPorts({ ...held, ports: [] });
  world.records.updates.adopt(app, { version: "1.3.0", releaseKey: 13 });
  const { ports, presentVersion } = world.records.request(id) ?? {};
  assert.deepEqual([ports, presentVersion], [[], "1.3.0"]);
});

Deno.test("setVersion() keeps the installed version in memory when the database refuses", () => {
  using world = new World();
  const app = world.records.store(sampleRequest());
  world.breakStore();
  assert.throws(() => world.records.setVersion(app, { version: "1.3.0", releaseKey: 13 }), { code: "store_failed" });
  assert.deepEqual([app.version, app.releaseKey], ["1.3.0", 13]);
  world.mendStore();
  world.records.setState(app, "PRESENT");
  const found = world.anew().find(id);
  assert.deepEqual([found?.version, found?.releaseKey], ["1.3.0", 13]);
});

Deno.test("forget() counts at once when the database refuses, and the rows go with the next state of the old object", () => {
  using world = new World();
  const app = world.records.store(sampleRequest());
  world.breakStore();
  assert.throws(() => world.records.forget(id), { code: "store_failed" });
  assert.deepEqual([world.records.all(), world.records.requests()], [[], []]);
  assert.deepEqual([world.records.find(id), world.records.request(id)], [undefined, undefined]);
  assert.equal(world.anew().all().length, 1);
  world.mendStore();
  world.records.setState(app, "REMOVED");
  assert.deepEqual(world.anew().all(), []);
});

Deno.test("an app that was forgotten and is asked for anew is another one, whose rows stay", () => {
  for (const method of ["store", "hold"] as const) {
    using world = new World();
    const before = world.records.store(sampleRequest());
    const to = { version: "1.3.0", releaseKey: 13 };
    world.records.updates.refuse(before, { to, reason: "it does not run here" });
    world.breakStore();
    assert.throws(() => world.records.forget(id), { code: "store_failed" });
    world.mendStore();
    const app = world.records[method](sampleRequest({ target: "PRESENT" }));
    assert.notEqual(app, before);
    if (method === "store") assert.equal(world.records.updates.find(id), undefined);
    assert.equal(world.records.request(id)?.target, "PRESENT");
    world.records.setState(before, "REMOVED");
    world.records.setState(app, "PRESENT");
    assert.deepEqual([world.anew().find(id)?.state, world.anew().request(id)?.target], ["PRESENT", "PRESENT"]);
  }
});
