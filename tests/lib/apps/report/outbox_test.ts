import assert from "node:assert/strict";
import { foldReports } from "../../../../lib/apps/report/outbox.ts";
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

Deno.test("reports wait on the disk while Studio cannot be reached, and survive a restart word for word", async () => {
  await using world = new OutboxWorld();
  world.cut();
  const given = [
    updated(),
    report("FAILED", fan, { requestUpdate: true, releaseBuild: true }),
    report("RUNNING", shopDev),
  ];
  assert.deepEqual(await world.send(...given), [false, false, false]);
  assert.equal(world.outbox.count(), 3);
  await world.restart();
  world.heal();
  await world.outbox.sendMissed();
  assert.deepEqual(world.reports, given);
  assert.equal(world.outbox.count(), 0);
});

Deno.test("a report waits whatever the reason is that Studio did not take it", async () => {
  for (const code of ["call_failed", "timeout", "not_connected", "internal"] as const) {
    await using world = new OutboxWorld();
    world.answer = () => {
      throw new AgentError(code, "no");
    };
    assert.deepEqual(await world.send(report("RUNNING")), [false], code);
    assert.equal(world.outbox.count(), 1, code);
  }
});

Deno.test("a report that is on its way when the agent ends waits for the next start", async () => {
  await using world = new OutboxWorld();
  world.answer = () => new Promise(() => {});
  const sending = world.send(report("RUNNING"));
  world.endLife();
  assert.deepEqual(await sending, [false]);
  await world.restart();
  world.heal();
  await world.outbox.sendMissed();
  assert.deepEqual(world.took, ["PROD:7 RUNNING"]);
});

const folds: { name: string; given: AppReport[]; kept: number[] }[] = [
  { name: "nothing", given: [], kept: [] },
  { name: "states in a row", given: [report("STARTING"), report("RUNNING"), report("STOPPING")], kept: [2] },
  { name: "the same state twice", given: [report("RUNNING"), report("RUNNING")], kept: [1] },
  { name: "a failure", given: [report("FAILED"), report("STARTING"), report("RUNNING")], kept: [0, 2] },
  { name: "failures in a row", given: [report("FAILED"), report("FAILED"), report("RUNNING")], kept: [0, 1, 2] },
  { name: "an update that went through", given: [report("UPDATING"), updated(), report("RUNNING")], kept: [1, 2] },
  {
    name: "updates that were confirmed or canceled",
    given: [
      report("STARTING", shop, { updateStatus: "completed" }),
      report("STARTING", shop, { updateStatus: "canceled" }),
      report("RUNNING"),
    ],
    kept: [2],
  },
  {
    name: "apps and stages apart",
    given: [report("STARTING"), report("STARTING", fan), report("RUNNING", shopDev), report("RUNNING")],
    kept: [1, 2, 3],
  },
];

for (const { name, given, kept } of folds) {
  Deno.test(`foldReports() of ${name} keeps what tells something of its own, and the last of each app`, () => {
    const waiting = given.map((one, index) => ({ rowId: index, happened: "", report: { ...one } }));
    assert.deepEqual(foldReports(waiting).map(({ rowId }) => rowId), kept);
  });
}

Deno.test("foldReports() drops what an agent of another version has left", () => {
  const strange = [{}, { id: 7 }, { ...report("RUNNING"), state: "DANCING" }, { id: { appKey: -1, stage: "PROD" } }];
  const waiting = [...strange, { ...report("RUNNING") }].map((one, rowId) => ({ rowId, happened: "", report: one }));
  assert.deepEqual(foldReports(waiting).map(({ rowId }) => rowId), [4]);
});

Deno.test("sendMissed() sends what is left of the fold, oldest first, and drops the rest", async () => {
  await using world = new OutboxWorld();
  world.cut();
  await world.send(report("STARTING"), report("FAILED", fan), report("STOPPING"), report("RUNNING", fan), updated());
  world.heal();
  await world.outbox.sendMissed();
  assert.deepEqual(world.took, ["PROD:8 FAILED", "PROD:8 RUNNING", "PROD:7 PRESENT"]);
  assert.equal(world.outbox.count(), 0);
  await world.outbox.sendMissed();
  assert.equal(world.took.length, 3);
});

Deno.test("sendMissed() keeps the reports of an app of which one is refused, sends all others, and throws the reason", async () => {
  await using world = new OutboxWorld();
  world.cut();
  await world.send(report("FAILED"), report("FAILED", fan), report("RUNNING", fan), report("RUNNING", shopDev));
  world.answer = ({ id }) => id.appKey === fan.appKey ? refuse("not this one") : undefined;
  await assert.rejects(world.outbox.sendMissed(), { code: "call_failed", message: "not this one" });
  assert.deepEqual(world.took, ["PROD:7 FAILED", "DEV:7 RUNNING"]);
  assert.equal(world.outbox.count(), 2);
  world.heal();
  await world.outbox.sendMissed();
  assert.deepEqual(world.took, ["PROD:7 FAILED", "DEV:7 RUNNING", "PROD:8 FAILED", "PROD:8 RUNNING"]);
});

Deno.test("sendMissed() ends at once when Studio is away", async () => {
  await using world = new OutboxWorld();
  world.cut();
  await world.send(report("FAILED"), report("FAILED", fan));
  await assert.rejects(world.outbox.sendMissed(), { code: "not_connected" });
  assert.deepEqual(world.took, []);
  assert.equal(world.outbox.count(), 2);
});

Deno.test("a state that Studio takes makes older ones of its app needless, and no others", async () => {
  await using world = new OutboxWorld();
  world.cut();
  await world.send(report("STARTING"), report("STARTING", fan), report("STARTING", shopDev));
  world.heal();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  await world.outbox.sendMissed();
  assert.deepEqual(world.took, ["PROD:7 RUNNING", "PROD:8 STARTING", "DEV:7 STARTING"]);
});

Deno.test("the last that Studio hears of an app is what was told last, also when a failure before it waited", async () => {
  await using world = new OutboxWorld();
  world.cut();
  await world.send(report("FAILED"), report("STARTING"));
  world.heal();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  await world.outbox.sendMissed();
  assert.deepEqual(world.took, ["PROD:7 FAILED", "PROD:7 RUNNING"]);
  assert.equal(world.outbox.count(), 0);
});

Deno.test("a failure that Studio refuses keeps no later state of its app back, and is told before the last of them", async () => {
  await using world = new OutboxWorld();
  world.cut();
  await world.send(report("FAILED"));
  world.answer = ({ state }) => state === "FAILED" ? refuse() : undefined;
  assert.deepEqual(await world.send(report("STARTING"), report("RUNNING")), [true, true]);
  assert.deepEqual(world.took, ["PROD:7 STARTING", "PROD:7 RUNNING"]);
  world.heal();
  await world.outbox.sendMissed();
  assert.deepEqual(world.took.slice(2), ["PROD:7 FAILED", "PROD:7 RUNNING"]);
  assert.equal(world.outbox.count(), 0);
});

Deno.test("a state that waits is not sent behind a newer one that went by while others were sent", async () => {
  await using world = new OutboxWorld();
  world.cut();
  await world.send(report("STARTING", fan), report("STARTING"));
  const busy = Promise.withResolvers<void>();
  world.answer = ({ id }) => id.appKey === fan.appKey ? busy.promise : undefined;
  const missed = world.outbox.sendMissed();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  busy.resolve();
  await missed;
  assert.deepEqual(world.took, ["PROD:7 RUNNING", "PROD:8 STARTING"]);
});

Deno.test("reports of one app are sent one after the other, and those of another do not wait for them", async () => {
  await using world = new OutboxWorld();
  const busy = Promise.withResolvers<void>();
  world.answer = ({ state }) => state === "STARTING" ? busy.promise : undefined;
  const [first, second] = [world.send(report("STARTING")), world.send(report("RUNNING"))];
  assert.deepEqual(await world.send(report("RUNNING", fan)), [true]);
  assert.deepEqual(world.took, ["PROD:8 RUNNING"]);
  busy.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(world.took, ["PROD:8 RUNNING", "PROD:7 STARTING", "PROD:7 RUNNING"]);
});

Deno.test("a report is sent as it is when its turn has come", async () => {
  await using world = new OutboxWorld();
  const busy = Promise.withResolvers<void>();
  world.answer = ({ state }) => state === "STARTING" ? busy.promise : undefined;
  let updateStatus: AppReport["updateStatus"] = "pending_remote_confirmation";
  const first = world.send(report("STARTING"));
  const second = world.outbox.send(() => report("RUNNING", shop, { updateStatus }));
  updateStatus = "completed";
  busy.resolve();
  await Promise.all([first, second]);
  assert.equal(world.reports.at(-1)?.updateStatus, "completed");
});

Deno.test("only the newest reports wait when there are very many", async () => {
  await using world = new OutboxWorld();
  world.cut();
  const failures = Array.from(
    { length: outboxLimit + 5 },
    (_, index) => report("FAILED", { ...shop, appKey: index + 1 }),
  );
  await world.send(...failures);
  assert.equal(world.outbox.count(), outboxLimit);
  world.heal();
  await world.outbox.sendMissed();
  assert.equal(world.took[0], "PROD:6 FAILED");
  assert.equal(world.took.length, outboxLimit);
});

Deno.test("a database that does not work costs no report that Studio takes, and nothing throws", async () => {
  await using world = new OutboxWorld();
  world.database[Symbol.dispose]();
  assert.deepEqual(await world.send(report("RUNNING")), [true]);
  world.cut();
  assert.deepEqual(await world.send(report("FAILED")), [false]);
  assert.equal(world.outbox.count(), 0);
  await world.outbox.sendMissed();
});
