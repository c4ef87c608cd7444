import assert from "node:assert/strict";
import type { LiveApp } from "../../../../lib/apps/state/live_app.ts";
import { sampleRequest } from "../../store/samples.ts";
import { id, RecordsWorld } from "./records_fixture.ts";

Deno.test("store() creates the app of a first request, with a stable target", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest({ target: "STARTING", current: undefined }));
  assert.deepEqual([app.state, app.target, app.version, app.releaseKey], ["REMOVED", "RUNNING", "1.2.0", 12]);
  assert.equal(world.records.find(id), app);
  assert.equal(world.reopen().find(id)?.target, "RUNNING");
  assert.equal(world.reopen().request(id)?.target, "RUNNING");
});

Deno.test("M8: store() changes what is wanted of a known app, and nothing that the device knows better", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest());
  world.records.setState(app, "RUNNING");
  const again = world.records.store(sampleRequest({ target: "PRESENT", current: "FAILED", releaseKey: 99 }));
  assert.equal(again, app);
  assert.deepEqual([app.state, app.target, app.releaseKey], ["RUNNING", "PRESENT", 12]);
});

Deno.test("store() leaves nothing behind when the database refuses", () => {
  using world = new RecordsWorld();
  world.breakStore();
  assert.throws(() => world.records.store(sampleRequest()), { code: "store_failed" });
  assert.deepEqual(world.records.all(), []);
  assert.equal(world.records.find(id), undefined);
});

Deno.test("M55: setState() forgets an app that is gone as Studio wants it, and keeps one that is wanted again", () => {
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
    using world = new RecordsWorld();
    const app = world.records.store(sampleRequest({ target }));
    world.records.setState(app, state);
    assert.equal(world.records.isKnown(app), !isForgotten, `${state} for ${target}`);
    assert.equal(world.reopen().find(id) === undefined, isForgotten, `${state} for ${target}`);
    assert.equal(world.records.request(id) === undefined, isForgotten, `${state} for ${target}`);
  }
});

Deno.test("setState() and setVersion() store nothing for a forgotten app", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest({ target: "REMOVED" }));
  world.records.setState(app, "REMOVED");
  world.records.setState(app, "UNINSTALLED");
  world.records.setVersion(app, { version: "3" });
  assert.equal(app.state, "UNINSTALLED");
  assert.deepEqual(world.reopen().all(), []);
});

Deno.test("setState() sets the state in memory when the database refuses", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest());
  world.breakStore();
  assert.throws(() => world.records.setState(app, "RUNNING"), { code: "store_failed" });
  assert.equal(app.state, "RUNNING");
});

Deno.test("find() returns the same app and target after a restart", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest({ target: "PRESENT" }));
  world.records.setState(app, "RUNNING");
  const found = world.reopen().find(id);
  assert.deepEqual(found, { ...app, requestUpdate: false });
});

Deno.test("all() returns every app once, from memory and from the database", () => {
  using world = new RecordsWorld();
  const first = world.records.store(sampleRequest());
  world.records.store(sampleRequest({ stage: "DEV" }));
  const reopened = world.reopen();
  reopened.find(id);
  assert.equal(reopened.all().length, 2);
  assert.deepEqual(world.records.all()[0], first);
});

/** Records with a running app, and with a held request for it. */
function worldWithHeldRequest(change: Parameters<typeof sampleRequest>[0] = {}): { world: RecordsWorld; app: LiveApp } {
  const world = new RecordsWorld();
  const app = world.records.store(sampleRequest());
  world.records.setState(app, "RUNNING");
  world.breakStore();
  assert.equal(world.records.hold(sampleRequest({ target: "STOPPING", environment: {}, ...change })), app);
  world.mendStore();
  return { world, app };
}

Deno.test("hold() replaces the stored request in memory only", () => {
  const { world, app } = worldWithHeldRequest();
  using _ = world;
  assert.equal(app.target, "PRESENT");
  assert.deepEqual(world.records.request(id), sampleRequest({ target: "PRESENT", environment: {} }));
  assert.deepEqual(world.records.requests().map(({ target }) => target), ["PRESENT"]);
  assert.equal(world.reopen().request(id)?.target, "RUNNING");
});

Deno.test("hold() creates the app of a first request, and both are stored with its first state", () => {
  using world = new RecordsWorld();
  const app = world.records.hold(sampleRequest({ target: "REMOVED" }));
  assert.deepEqual(world.records.all(), [app]);
  assert.deepEqual(world.reopen().all(), []);
  world.records.setState(app, "DELETING");
  assert.equal(world.reopen().find(id)?.state, "DELETING");
  assert.equal(world.reopen().request(id)?.target, "REMOVED");
});

Deno.test("setState() stores the held request and the state together or not at all, with the installed version", () => {
  const { world, app } = worldWithHeldRequest({ presentVersion: "9" });
  using _ = world;
  world.breakStore();
  assert.throws(() => world.records.setState(app, "PRESENT"), { code: "store_failed" });
  assert.deepEqual(world.records.request(id)?.environment, {}, "still held");
  world.mendStore();
  world.records.setState(app, "PRESENT");
  const stored = world.reopen().request(id);
  assert.deepEqual([stored?.target, stored?.environment, stored?.presentVersion], ["PRESENT", {}, "1.2.0"]);
});

Deno.test("a held request is dropped with its app, and when another request is stored", () => {
  const forgotten = worldWithHeldRequest({ target: "REMOVED" });
  using _ = forgotten.world;
  forgotten.world.records.forget(id);
  assert.deepEqual(forgotten.world.records.requests(), []);

  const gone = worldWithHeldRequest({ target: "REMOVED" });
  using _gone = gone.world;
  gone.world.records.setState(gone.app, "REMOVED");
  assert.deepEqual(gone.world.records.requests(), []);
  assert.deepEqual(gone.world.reopen().all(), []);

  const replaced = worldWithHeldRequest({ target: "REMOVED" });
  using _replaced = replaced.world;
  replaced.world.records.store(sampleRequest());
  assert.deepEqual(replaced.world.records.requests().map(({ target }) => target), ["RUNNING"]);
  replaced.world.records.setState(replaced.app, "RUNNING");
  assert.equal(replaced.world.reopen().request(id)?.target, "RUNNING");
});

Deno.test("setPorts() and updates.adopt() change the held request as well", () => {
  const { world, app } = worldWithHeldRequest();
  using _ = world;
  const held = world.records.request(id);
  assert.ok(held);
  world.records.setPorts({ ...held, ports: [] });
  world.records.updates.adopt(app, { version: "1.3.0", releaseKey: 13 }, { dockerCompose: null });
  const { ports, presentVersion } = world.records.request(id) ?? {};
  assert.deepEqual([ports, presentVersion], [[], "1.3.0"]);
});

Deno.test("setVersion() sets the version in memory when the database refuses, and it is stored with the next state", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest());
  world.breakStore();
  assert.throws(() => world.records.setVersion(app, { version: "1.3.0", releaseKey: 13 }), { code: "store_failed" });
  assert.deepEqual([app.version, app.releaseKey], ["1.3.0", 13]);
  world.mendStore();
  world.records.setState(app, "PRESENT");
  const found = world.reopen().find(id);
  assert.deepEqual([found?.version, found?.releaseKey], ["1.3.0", 13]);
});

Deno.test("forget() counts at once when the database refuses, and the rows go with the next state of the old object", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest());
  world.breakStore();
  assert.throws(() => world.records.forget(id), { code: "store_failed" });
  assert.deepEqual([world.records.all(), world.records.requests()], [[], []]);
  assert.deepEqual([world.records.find(id), world.records.request(id)], [undefined, undefined]);
  assert.equal(world.reopen().all().length, 1);
  world.mendStore();
  world.records.setState(app, "REMOVED");
  assert.deepEqual(world.reopen().all(), []);
});

Deno.test("a forgotten app that is requested again is a new one, whose rows stay", () => {
  for (const method of ["store", "hold"] as const) {
    using world = new RecordsWorld();
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
    assert.deepEqual([world.reopen().find(id)?.state, world.reopen().request(id)?.target], ["PRESENT", "PRESENT"]);
  }
});

Deno.test("#13: a compose app that was stored in the middle of something may run another release than it should", () => {
  const compose = { services: { web: { image: "web:1" } } };
  const cases = [
    ["STARTING", compose, true],
    ["UPDATING", compose, true],
    ["RUNNING", compose, undefined],
    ["PRESENT", compose, undefined],
    ["STARTING", null, undefined],
  ] as const;
  for (const [state, dockerCompose, expected] of cases) {
    using world = new RecordsWorld();
    world.records.setState(world.records.store(sampleRequest({ dockerCompose })), state);
    assert.equal(world.reopen().find(id)?.isUnsettled, expected, `${state} ${dockerCompose === null}`);
  }
});
