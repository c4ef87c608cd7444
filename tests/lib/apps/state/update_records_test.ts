import assert from "node:assert/strict";
import { sampleRequest } from "../../store/samples.ts";
import { id, RecordsWorld } from "./records_fixture.ts";

const installed = { version: "1.2.0", releaseKey: 12 };
const next = { version: "1.3.0", releaseKey: 13 };
const later = { version: "1.4.0", releaseKey: 14 };

Deno.test("openSwitch() names the installed release as the fallback, with its container", () => {
  using world = new RecordsWorld();
  const { updates } = world.records;
  const app = world.records.store(sampleRequest());
  updates.openSwitch(app, { to: next, container: { Image: "old" } });
  const expected = { id, phase: "switch", from: installed, to: next, container: { Image: "old" }, reason: "" };
  assert.deepEqual(world.reopen().updates.find(id), expected);
  assert.ok(updates.isUnderWay(id));
  updates.dropSwitch(id);
  assert.equal(updates.find(id), undefined);
});

Deno.test("openSwitch() keeps the fallback of an update that is still on probation, and not that of a failed one", () => {
  using world = new RecordsWorld();
  const { updates } = world.records;
  const app = world.records.store(sampleRequest());
  updates.openSwitch(app, { to: next, container: { Image: "old" } });
  updates.adopt(app, next, { dockerCompose: null });
  updates.dropSwitch(id);
  updates.openSwitch(app, { to: later, container: { Image: "next" } });
  assert.deepEqual(updates.find(id)?.from, installed);
  assert.deepEqual(updates.find(id)?.container, { Image: "old" });
  updates.adopt(app, later, { dockerCompose: null });
  updates.revert(app, "it crashed");
  updates.openSwitch(app, { to: later, container: { Image: "again" } });
  assert.deepEqual(updates.find(id)?.from, installed);
  assert.deepEqual(updates.find(id)?.container, { Image: "again" });
});

Deno.test("M4: adopt() updates the app and its request, and keeps what Studio has asked for since", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest({ newestVersion: "1.3.0" }));
  world.records.store(sampleRequest({ target: "PRESENT", newestVersion: "1.4.0" }));
  world.records.updates.adopt(app, next, { dockerCompose: null });
  assert.deepEqual([app.version, app.releaseKey, app.updateStatus], ["1.3.0", 13, "pending_remote_confirmation"]);
  const stored = world.records.request(id);
  assert.deepEqual(
    [stored?.presentVersion, stored?.version, stored?.newestVersion, stored?.target, stored?.releaseKey],
    ["1.3.0", "1.3.0", "1.4.0", "PRESENT", 13],
  );
});

Deno.test("revert() makes the fallback the installed release, with the reason, and only from a probation", () => {
  using world = new RecordsWorld();
  const { updates } = world.records;
  const app = world.records.store(sampleRequest());
  updates.revert(app, "it crashed");
  assert.equal(updates.find(id), undefined);
  updates.openSwitch(app, { to: next, container: null });
  updates.adopt(app, next, { dockerCompose: null });
  updates.revert(app, "it crashed");
  assert.deepEqual([app.version, app.releaseKey, app.updateStatus], ["1.2.0", 12, "canceled"]);
  assert.equal(world.records.request(id)?.presentVersion, "1.2.0");
  assert.deepEqual([updates.find(id)?.phase, updates.find(id)?.reason], ["failed", "it crashed"]);
  assert.ok(!updates.isUnderWay(id));
});

Deno.test("close() ends a probation and nothing else", () => {
  using world = new RecordsWorld();
  const { updates } = world.records;
  const app = world.records.store(sampleRequest());
  updates.openSwitch(app, { to: next, container: null });
  updates.close(id);
  assert.equal(updates.find(id)?.phase, "switch");
  updates.adopt(app, next, { dockerCompose: null });
  updates.close(id);
  assert.equal(updates.find(id), undefined);
});

Deno.test("noteRequest() lets a failed release be tried again when Studio asks for an update", () => {
  using world = new RecordsWorld();
  const { updates } = world.records;
  const app = world.records.store(sampleRequest());
  updates.refuse(app, { to: next, reason: "it does not run here" });
  updates.noteRequest(app, sampleRequest({ requestUpdate: false }));
  assert.equal(updates.find(id)?.reason, "it does not run here");
  updates.noteRequest(app, sampleRequest({ requestUpdate: true }));
  assert.equal(updates.find(id), undefined);
});

Deno.test("noteRequest() drops the container of a failed update, because other settings are wanted", () => {
  using world = new RecordsWorld();
  const { updates } = world.records;
  const app = world.records.store(sampleRequest());
  updates.openSwitch(app, { to: next, container: { Image: "old" } });
  updates.adopt(app, next, { dockerCompose: null });
  updates.noteRequest(app, sampleRequest({ requestUpdate: false }));
  assert.deepEqual(updates.find(id)?.container, { Image: "old" });
  updates.revert(app, "it crashed");
  updates.noteRequest(app, sampleRequest({ requestUpdate: false }));
  assert.deepEqual([updates.find(id)?.phase, updates.find(id)?.container], ["failed", null]);
});

Deno.test("isUnderWay() is false when the database cannot be read", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest());
  world.records.updates.openSwitch(app, { to: next, container: null });
  assert.ok(world.records.updates.isUnderWay(id));
  world.closeStore();
  assert.ok(!world.records.updates.isUnderWay(id));
});

Deno.test("no update is stored for an app that was forgotten", () => {
  using world = new RecordsWorld();
  const app = world.records.store(sampleRequest());
  world.records.forget(id);
  world.records.updates.openSwitch(app, { to: next, container: null });
  world.records.updates.refuse(app, { to: next, reason: "it does not run here" });
  assert.equal(world.records.updates.find(id), undefined);
});
