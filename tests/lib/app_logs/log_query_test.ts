import assert from "node:assert/strict";
import { type AppLogQuery, cutLines, type FoundLogLines } from "../../../lib/app_logs/log_query.ts";
import type { FakeLogContainer } from "../../fakes/fake_log_engine.ts";
import { channel, LogsWorld } from "./app_logs_fixture.ts";

const never = new AbortController().signal;
const second = 1_000_000_000;
const startMs = Date.UTC(2031, 2, 5, 7);

function ask(world: LogsWorld, query: Partial<AppLogQuery> = {}): Promise<FoundLogLines> {
  const whole = { channel, tail: 200, offset: 0, window: {}, timestamps: false, ...query };
  return world.logs.query(whole, never);
}

function printMany(world: LogsWorld, container: FakeLogContainer, count: number): string[] {
  const texts = Array.from({ length: count }, (_, index) => `line ${index}`);
  for (const [index, text] of texts.entries()) world.engine.print(container, text, { atNs: index * 1_000 });
  return texts;
}

Deno.test("device 7: the newest lines are left out first, then the oldest", () => {
  const lines = Array.from({ length: 12 }, (_, index) => index);
  assert.deepEqual(cutLines(lines, { tail: 4, offset: 0 }), { lines: [8, 9, 10, 11], isCut: true });
  assert.deepEqual(cutLines(lines, { tail: 4, offset: 3 }), { lines: [5, 6, 7, 8], isCut: true });
  assert.deepEqual(cutLines(lines.slice(0, 6), { tail: 4, offset: 40 }), { lines: [], isCut: false });
});

Deno.test("query() returns the last lines of a container, with the time of each if it is wanted", async () => {
  await using world = await LogsWorld.start();
  const container = world.engine.run(channel);
  const texts = printMany(world, container, 3_000);
  assert.deepEqual(await ask(world), {
    lines: texts.slice(-200),
    source: "docker",
    truncated: false,
    oldestAvailable: "2031-03-05T07:00:00Z",
  });
  assert.deepEqual(
    (await ask(world, { tail: 2, offset: 10, channel: `/${channel.toUpperCase()}` })).lines,
    texts.slice(-12, -10),
  );
  assert.deepEqual((await ask(world, { tail: 5_000 })).lines, texts);
  assert.deepEqual((await ask(world, { tail: 1, timestamps: true })).lines, [
    "2031-03-05T07:00:00.002999000Z line 2999",
  ]);
});

Deno.test("device 7: with an offset of 90,000 the engine is asked for 5,000 lines", async () => {
  await using world = await LogsWorld.start();
  const container = world.engine.run(channel);
  printMany(world, container, 6_000);
  const { lines, truncated } = await ask(world, { tail: 300, offset: 90_000 });
  assert.deepEqual([lines, truncated], [[], false]);
  // One more tells whether the first one is whole.
  assert.deepEqual(world.engine.logRequests.map((query) => query.get("tail")), [null, "5001"]);
});

Deno.test("device 7 of the corrections: a window far behind the newest lines is found", async () => {
  await using world = await LogsWorld.start();
  const container = world.engine.run(channel);
  world.engine.print(container, "early", { atNs: 5 * second });
  for (let line = 0; line < 2_000; line += 1) world.engine.print(container, "late", { atNs: 50 * second + line });
  const window = { sinceMs: startMs + 4_000, untilMs: startMs + 6_000 };
  assert.deepEqual((await ask(world, { tail: 5, window })).lines, ["early"]);
});

Deno.test("an empty log, a container without one, and an engine that refuses", async () => {
  await using world = await LogsWorld.start();
  world.engine.run(channel);
  assert.deepEqual(await ask(world), { lines: [], source: "docker", truncated: false });
  world.engine.logDriver = "none";
  await assert.rejects(ask(world), {
    code: "engine_failed",
    message: /configured logging driver does not support reading/,
  });
  await world.engine.stop();
  await assert.rejects(ask(world), { code: "engine_unreachable" });
  for (const name of ["../etc", "a b", "prod_1_\u0000"]) {
    await assert.rejects(ask(world, { channel: name }), { code: "bad_request", message: "invalid container name" });
  }
});

Deno.test("without a container the lines are those of its compose project, merged by their times", async () => {
  await using world = await LogsWorld.start();
  const project = `${channel}_compose`;
  const web = world.engine.run(`${project}-web-1`, { project });
  const worker = world.engine.run(`${project}-worker-1`, { project });
  world.engine.print(web, "one", { atNs: 1 * second });
  world.engine.print(worker, "two", { atNs: 2 * second });
  world.engine.print(web, "three", { atNs: 3 * second });
  // The clock was set back: the lines of one container keep their order.
  world.engine.print(web, "four", { atNs: 0 });
  assert.deepEqual(await ask(world), {
    lines: ["web-1     | one", "worker-1  | two", "web-1     | three", "web-1     | four"],
    source: "compose",
    truncated: false,
  });
  assert.deepEqual(await ask(world, { tail: 1, offset: 2 }), {
    lines: ["worker-1  | two"],
    source: "compose",
    truncated: true,
  });
  const window = { sinceMs: startMs + 2_000 };
  assert.deepEqual((await ask(world, { window, timestamps: true })).lines, [
    "worker-1  | 2031-03-05T07:00:02.000000000Z two",
    "web-1     | 2031-03-05T07:00:03.000000000Z three",
  ]);
});

Deno.test("without both the history answers, whatever the window", async () => {
  await using world = await LogsWorld.start();
  world.logs.say(channel, "Starting shop...");
  const window = { sinceMs: startMs + 86_400_000 };
  assert.deepEqual(await ask(world, { window, timestamps: true }), {
    lines: ["Starting shop..."],
    source: "history",
    truncated: false,
  });
  await assert.rejects(ask(world, { channel: "frpc" }), {
    code: "container_missing",
    message: "No such container: frpc",
  });
});

Deno.test("any log and any question: the answer is what all lines together give", async () => {
  await using world = await LogsWorld.start();
  let state = 7;
  const random = (limit: number) => (state = (state * 48_271) % 2_147_483_647) % limit;
  for (let round = 0; round < 40; round += 1) {
    const container = world.engine.run(channel);
    let atNs = random(20) * second;
    for (let line = random(700); line > 0; line -= 1) {
      atNs = random(50) === 0 ? random(60) * second : Math.min(atNs + random(300) * 1_000_000, 59 * second);
      world.engine.print(container, ["", "10%\r20%", "x".repeat(random(90)), `é ${line}`][random(4)] ?? "", { atNs });
    }
    for (let question = 0; question < 6; question += 1) {
      const bound = () => startMs + random(61_000);
      const query = {
        tail: 1 + random(300),
        offset: random(3) === 0 ? random(200) : 0,
        window: { ...(random(2) === 0 ? { sinceMs: bound() } : {}), ...(random(2) === 0 ? { untilMs: bound() } : {}) },
        timestamps: random(2) === 0,
      };
      const { sinceMs = 0, untilMs = Infinity } = query.window;
      const bounds = [sinceMs, Math.min(untilMs, startMs + 1e9)].map((ms) => new Date(Math.floor(ms / 1_000) * 1_000));
      const [since = "", until = ""] = bounds.map((bound) => bound.toISOString().replace(".000Z", ".000000000Z"));
      const inside = container.lines.filter(({ time }) => time >= since && time <= until)
        .map(({ time, text }) => query.timestamps ? `${time} ${text}` : text);
      const expected = inside.slice(0, inside.length - query.offset || undefined).slice(-query.tail);
      const { lines } = await ask(world, query);
      assert.deepEqual(lines, query.offset >= inside.length ? [] : expected, JSON.stringify({ round, query }));
    }
  }
});

Deno.test("a query ends when its caller goes, and the engine's stream with it", async () => {
  await using world = await LogsWorld.start();
  printMany(world, world.engine.run(channel), 10);
  const caller = new AbortController();
  const asked = world.logs.query({ channel, tail: 5, offset: 0, window: {}, timestamps: false }, caller.signal);
  caller.abort();
  await assert.rejects(asked, { code: "canceled" });
});
