import assert from "node:assert/strict";
import { AgentError } from "../../../../lib/base/errors.ts";
import { outboxLimit } from "../../../../lib/store/outbox_rows.ts";
import type { AppReport } from "../../../../lib/backend/requests.ts";
import { fan, OutboxWorld, report, shop, shopDev, updated } from "./outbox_fixture.ts";

function refuse(text = "refused"): never {
  throw new AgentError("call_failed", text);
}

Deno.test("a report that Studio takes leaves nothing behind", async () => {
  await using world = new OutboxWorld();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  assert.equal(world.outbox.count(), 0);
  assert.deepEqual(world.reports, [report("RUNNING")]);
});

Deno.test("reports wait on the disk while Studio cannot be reached, and survive a restart unchanged", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  const sent = [
    updated(),
    report("FAILED", { id: fan, requestUpdate: true, releaseBuild: true }),
    report("RUNNING", { id: shopDev }),
  ];
  assert.deepEqual(await world.send(...sent), [false, false, false]);
  assert.equal(world.outbox.count(), 3);
  await world.restart();
  world.reconnect();
  await world.outbox.sendMissed();
  assert.deepEqual(world.reports, sent);
  assert.equal(world.outbox.count(), 0);
});

Deno.test("a report waits for whatever reason Studio did not take it", async () => {
  for (const code of ["call_failed", "timeout", "not_connected", "internal"] as const) {
    await using world = new OutboxWorld();
    world.answer = () => {
      throw new AgentError(code, "no");
    };
    assert.deepEqual(await world.send(report("RUNNING")), [false], code);
    assert.equal(world.outbox.count(), 1, code);
  }
});

Deno.test("a report that is being sent when the agent ends is sent after the next start", async () => {
  await using world = new OutboxWorld();
  world.answer = () => new Promise(() => {});
  const sending = world.send(report("RUNNING"));
  world.endLife();
  assert.deepEqual(await sending, [false]);
  await world.restart();
  world.reconnect();
  await world.outbox.sendMissed();
  assert.deepEqual(world.taken, ["PROD:7 RUNNING"]);
});

Deno.test("sendMissed() sends the folded reports, oldest first, and drops the rest", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  await world.send(
    report("STARTING"),
    report("FAILED", { id: fan }),
    report("STOPPING"),
    report("RUNNING", { id: fan }),
    updated(),
  );
  world.reconnect();
  await world.outbox.sendMissed();
  assert.deepEqual(world.taken, ["PROD:8 FAILED", "PROD:8 RUNNING", "PROD:7 PRESENT"]);
  assert.equal(world.outbox.count(), 0);
  await world.outbox.sendMissed();
  assert.equal(world.taken.length, 3);
});

Deno.test("sendMissed() holds back the reports of an app after a refused one, sends all others, and throws the reason", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  await world.send(
    report("FAILED"),
    report("FAILED", { id: fan }),
    report("RUNNING", { id: fan }),
    report("RUNNING", { id: shopDev }),
  );
  world.answer = ({ id }) => id.appKey === fan.appKey ? refuse("not this one") : undefined;
  await assert.rejects(world.outbox.sendMissed(), { code: "call_failed", message: "not this one" });
  assert.deepEqual(world.taken, ["PROD:7 FAILED", "DEV:7 RUNNING"]);
  assert.equal(world.outbox.count(), 2);
  world.reconnect();
  await world.outbox.sendMissed();
  assert.deepEqual(world.taken, ["PROD:7 FAILED", "DEV:7 RUNNING", "PROD:8 FAILED", "PROD:8 RUNNING"]);
});

Deno.test("sendMissed() ends at once when Studio cannot be reached", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  await world.send(report("FAILED"), report("FAILED", { id: fan }));
  await assert.rejects(world.outbox.sendMissed(), { code: "not_connected" });
  assert.deepEqual(world.taken, []);
  assert.equal(world.outbox.count(), 2);
});

Deno.test("a state that Studio takes supersedes older ones of its app, and no others", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  await world.send(report("STARTING"), report("STARTING", { id: fan }), report("STARTING", { id: shopDev }));
  world.reconnect();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  await world.outbox.sendMissed();
  assert.deepEqual(world.taken, ["PROD:7 RUNNING", "PROD:8 STARTING", "DEV:7 STARTING"]);
});

Deno.test("the newest report of an app reaches Studio last, even when an earlier failure had to wait", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  await world.send(report("FAILED"), report("STARTING"));
  world.reconnect();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  await world.outbox.sendMissed();
  assert.deepEqual(world.taken, ["PROD:7 FAILED", "PROD:7 RUNNING"]);
  assert.equal(world.outbox.count(), 0);
});

Deno.test("a failure that Studio refuses holds no later state of its app back, and is sent again before the last of them", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  await world.send(report("FAILED"));
  world.answer = ({ state }) => state === "FAILED" ? refuse() : undefined;
  assert.deepEqual(await world.send(report("STARTING"), report("RUNNING")), [true, true]);
  assert.deepEqual(world.taken, ["PROD:7 STARTING", "PROD:7 RUNNING"]);
  world.reconnect();
  await world.outbox.sendMissed();
  assert.deepEqual(world.taken.slice(2), ["PROD:7 FAILED", "PROD:7 RUNNING"]);
  assert.equal(world.outbox.count(), 0);
});

Deno.test("a waiting state is not sent after a newer one that overtook it while others were sent", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  await world.send(report("STARTING", { id: fan }), report("STARTING"));
  const busy = Promise.withResolvers<void>();
  world.answer = ({ id }) => id.appKey === fan.appKey ? busy.promise : undefined;
  const missed = world.outbox.sendMissed();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  busy.resolve();
  await missed;
  assert.deepEqual(world.taken, ["PROD:7 RUNNING", "PROD:8 STARTING"]);
});

Deno.test("reports of one app are sent one after the other, and those of another app do not wait for them", async () => {
  await using world = new OutboxWorld();
  const busy = Promise.withResolvers<void>();
  world.answer = ({ state }) => state === "STARTING" ? busy.promise : undefined;
  const [first, second] = [world.send(report("STARTING")), world.send(report("RUNNING"))];
  assert.deepEqual(await world.send(report("RUNNING", { id: fan })), [true]);
  assert.deepEqual(world.taken, ["PROD:8 RUNNING"]);
  busy.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(world.taken, ["PROD:8 RUNNING", "PROD:7 STARTING", "PROD:7 RUNNING"]);
});

Deno.test("a report is sent as it is when its turn comes", async () => {
  await using world = new OutboxWorld();
  const busy = Promise.withResolvers<void>();
  world.answer = ({ state }) => state === "STARTING" ? busy.promise : undefined;
  let updateStatus: AppReport["updateStatus"] = "pending_remote_confirmation";
  const first = world.send(report("STARTING"));
  const second = world.outbox.send(() => report("RUNNING", { updateStatus }));
  updateStatus = "completed";
  busy.resolve();
  await Promise.all([first, second]);
  assert.equal(world.reports.at(-1)?.updateStatus, "completed");
});

Deno.test("only the newest reports are stored when there are very many", async () => {
  await using world = new OutboxWorld();
  world.disconnect();
  const failures = Array.from(
    { length: outboxLimit + 5 },
    (_, index) => report("FAILED", { id: { ...shop, appKey: index + 1 } }),
  );
  await world.send(...failures);
  assert.equal(world.outbox.count(), outboxLimit);
  world.reconnect();
  await world.outbox.sendMissed();
  assert.equal(world.taken[0], "PROD:6 FAILED");
  assert.equal(world.taken.length, outboxLimit);
});

Deno.test("a broken database costs no report that Studio takes, and nothing throws", async () => {
  await using world = new OutboxWorld();
  world.database[Symbol.dispose]();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  world.disconnect();
  assert.deepEqual(await world.send(report("FAILED")), [false]);
  assert.equal(world.outbox.count(), 0);
  await world.outbox.sendMissed();
});
