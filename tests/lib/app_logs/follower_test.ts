import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { Follower, type FollowerDeps } from "../../../lib/app_logs/follower.ts";
import type { ContainerPosition } from "../../../lib/app_logs/log_reading.ts";
import { type LogLine, logReader } from "../../../lib/docker/log_lines.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeLogEngine } from "../../fakes/fake_log_engine.ts";

const name = "prod_42_shop";

/** A follower of a fake engine, with a fake clock. */
class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly read: string[] = [];
  readonly old: string[] = [];
  position: ContainerPosition | undefined;
  readonly controller = new AbortController();
  readonly follower: Follower;
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  private constructor(readonly engine: FakeLogEngine, options: Partial<FollowerDeps>) {
    this.follower = new Follower({
      containerName: name,
      engine: new Engine({ log: silentLog, env: { DOCKER_HOST: engine.host } }),
      ...options,
      onOldLines: (lines) => this.old.push(...lines.map(({ text }) => text)),
      onLines: (lines, position) => {
        this.read.push(...lines.map(({ text }) => text));
        this.position = position;
        for (const { count, resolve } of this.#waiting) if (this.read.length >= count) resolve();
      },
      clock: this.clock,
      random: () => 0.5,
      log: silentLog,
    });
  }

  /** The container is new unless `options` say otherwise. */
  static async start(options: Partial<FollowerDeps> = { isNew: true }): Promise<World> {
    return new World(await FakeLogEngine.start(), options);
  }

  /** Resolves when `count` lines were delivered. */
  async lines(count: number): Promise<void> {
    if (this.read.length < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** Lets the follower's current wait pass. */
  async passWait(): Promise<void> {
    await this.clock.untilSleeping();
    await this.clock.advance(this.clock.nextInMs ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
  }
}

Deno.test("run() delivers the stored log first, then each new line, and ends with the container", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  world.engine.print(container, "stored", { atNs: 1 });
  const run = world.follower.run({ signal: world.controller.signal });
  await world.engine.followed(container);
  world.engine.print(container, "live", { atNs: 2 });
  await world.lines(2);
  world.engine.exit(container);
  assert.equal((await run).kind, "exited");
  assert.deepEqual(world.read, ["stored", "live"]);
});

Deno.test("run() ends at once when there is no container", async () => {
  await using world = await World.start();
  assert.deepEqual(await world.follower.run({ signal: world.controller.signal }), { kind: "gone" });
});

Deno.test("M37: run() reads the log of a container that has exited already", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  world.engine.print(container, "last line", { atNs: 1 });
  world.engine.exit(container);
  assert.equal((await world.follower.run({ signal: world.controller.signal })).kind, "exited");
  assert.deepEqual(world.read, ["last line"]);
});

Deno.test("an engine that was away causes no gap and no repeated line, also among lines with the same time", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  const run = world.follower.run({ signal: world.controller.signal });
  await world.engine.followed(container);
  for (const [text, time] of [["a", 1], ["b1", 5], ["b2", 5]] as const) {
    world.engine.print(container, text, { atNs: time });
  }
  await world.lines(3);
  await world.engine.stop();
  // Written while the engine was away.
  world.engine.print(container, "b3", { atNs: 5 });
  world.engine.print(container, "c", { atNs: 6 });
  for (let round = 0; round < 5; round += 1) await world.passWait();
  world.engine.start();
  await world.passWait();
  await world.lines(5);
  world.engine.exit(container);
  assert.equal((await run).kind, "exited");
  assert.deepEqual(world.read, ["a", "b1", "b2", "b3", "c"]);
  assert.equal(world.engine.logRequests.at(-1)?.get("tail"), "100");
});

Deno.test("streams that break again and again, at any line, deliver every line once", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  const run = world.follower.run({ signal: world.controller.signal });
  const expected: string[] = [];
  for (let index = 0; index < 20; index += 1) {
    await world.engine.followed(container);
    const text = `line ${index}`;
    // Several lines have the same time.
    world.engine.print(container, text, { atNs: 10 + Math.floor(index / 3) });
    expected.push(text);
    await world.lines(expected.length);
    world.engine.breakStreams();
    await world.passWait();
  }
  await world.engine.followed(container);
  world.engine.exit(container);
  assert.equal((await run).kind, "exited");
  assert.deepEqual(world.read, expected);
});

Deno.test("a container of the same name with another id is read from its first line", async () => {
  await using world = await World.start();
  const first = world.engine.run(name);
  const run = world.follower.run({ signal: world.controller.signal });
  await world.engine.followed(first);
  world.engine.print(first, "old", { atNs: 50 });
  await world.lines(1);
  const second = world.engine.run(name);
  // Its clock is behind.
  world.engine.print(second, "new", { atNs: 7 });
  world.engine.exit(first);
  await world.passWait();
  await world.lines(2);
  world.engine.exit(second);
  assert.equal((await run).kind, "exited");
  assert.deepEqual(world.read, ["old", "new"]);
});

Deno.test("a known container saves the first inspection; when it is outdated, the current one is read", async () => {
  await using world = await World.start();
  const first = world.engine.run(name);
  const known = { id: first.id, status: "running", tty: true };
  const run = world.follower.run({ signal: world.controller.signal, known });
  await world.engine.followed(first);
  assert.equal(world.engine.inspections, 0);
  world.engine.print(first, "a", { atNs: 1 });
  await world.lines(1);
  world.engine.exit(first);
  assert.equal((await run).kind, "exited");

  const second = world.engine.run(name);
  const next = world.follower.run({ signal: world.controller.signal, known });
  await world.passWait();
  await world.engine.followed(second);
  world.engine.print(second, "b", { atNs: 1 });
  await world.lines(2);
  world.engine.exit(second);
  assert.equal((await next).kind, "exited");
  assert.deepEqual(world.read, ["a", "b"]);
});

Deno.test("a second run() of the same container continues after the last line", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  world.engine.print(container, "a", { atNs: 1 });
  world.engine.exit(container);
  await world.follower.run({ signal: world.controller.signal });
  container.status = "running";
  const run = world.follower.run({ signal: world.controller.signal });
  await world.engine.followed(container);
  world.engine.print(container, "b", { atNs: 2 });
  await world.lines(2);
  world.engine.exit(container);
  await run;
  assert.deepEqual(world.read, ["a", "b"]);
});

Deno.test("a container between two starts by its restart policy is waited for", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  container.status = "restarting";
  world.engine.print(container, "a", { atNs: 1 });
  const run = world.follower.run({ signal: world.controller.signal });
  await world.passWait();
  await world.passWait();
  await world.clock.untilSleeping();
  container.status = "running";
  await world.passWait();
  await world.engine.followed(container);
  world.engine.print(container, "b", { atNs: 2 });
  await world.lines(2);
  world.engine.exit(container);
  assert.equal((await run).kind, "exited");
  assert.deepEqual(world.read, ["a", "b"]);
});

Deno.test("a log that cannot be read is given up after several attempts", async () => {
  await using world = await World.start();
  world.engine.run(name);
  world.engine.failingLogRequests = Infinity;
  const run = world.follower.run({ signal: world.controller.signal });
  for (let round = 0; round < 8; round += 1) await world.passWait();
  const end = await run;
  assert.equal(end.kind, "unreadable");
  assert.equal(world.engine.logRequests.length, 9);
});

Deno.test("an abort ends a stream, a wait and the search for the engine", async () => {
  for (const situation of ["streaming", "away", "before"]) {
    await using world = await World.start();
    const container = world.engine.run(name);
    if (situation === "before") world.controller.abort();
    const run = world.follower.run({ signal: world.controller.signal });
    if (situation === "streaming") await world.engine.followed(container);
    if (situation === "away") {
      await world.engine.stop();
      await world.clock.untilSleeping();
    }
    world.controller.abort();
    assert.deepEqual(await run, { kind: "canceled" }, situation);
    assert.equal(world.clock.sleeping, 0);
  }
});

/** What was printed before and after a restart of the agent, one line each second. The first `known` were read. */
async function restarted(given: { lines: number; known: number }): Promise<World> {
  const stamp = (second: number) => `2031-03-05T07:00:${String(second).padStart(2, "0")}.000000000Z`;
  const earlier = { containerId: "c1".padEnd(64, "0"), time: stamp(given.known), lines: 1, bytes: 0 };
  const world = await World.start({ earlier });
  const container = world.engine.run(name);
  for (let line = 1; line <= given.lines; line += 1) {
    world.engine.print(container, `line ${line}`, { atNs: line * 1e9 });
  }
  return world;
}

Deno.test("#4: of a container that an earlier agent has followed, what has come since is read, and the rest is only remembered", async () => {
  await using world = await restarted({ lines: 9, known: 6 });
  const run = world.follower.run({ signal: world.controller.signal });
  await world.lines(3);
  assert.deepEqual(world.read, ["line 7", "line 8", "line 9"]);
  assert.deepEqual(world.old, ["line 1", "line 2", "line 3", "line 4", "line 5", "line 6"]);
  assert.deepEqual(world.engine.logRequests.map((query) => [query.get("tail"), query.get("since")]), [["100", null]]);
  assert.deepEqual(world.position?.time, "2031-03-05T07:00:09.000000000Z");
  world.controller.abort();
  await run;
});

Deno.test("#4: a container that nobody has followed yet is read from its last hundred lines", async () => {
  await using world = await World.start({});
  const container = world.engine.run(name);
  for (let line = 1; line <= 1_000; line += 1) world.engine.print(container, `line ${line}`, { atNs: line });
  const run = world.follower.run({ signal: world.controller.signal });
  await world.lines(100);
  assert.deepEqual([world.read[0], world.read.length], ["line 901", 100]);
  world.controller.abort();
  await run;
});

Deno.test("#4: a position among the last 10,000 lines is found, an older one is a gap that is told", async () => {
  for (const [lines, expected] of [[9_000, 8_998], [10_002, 101]] as const) {
    const earlier = { containerId: "c1".padEnd(64, "0"), time: "2031-03-05T07:00:00.000000002Z", lines: 1, bytes: 0 };
    await using world = await World.start({ earlier });
    const container = world.engine.run(name);
    for (let line = 1; line <= lines; line += 1) world.engine.print(container, `line ${line}`, { atNs: line });
    const run = world.follower.run({ signal: world.controller.signal });
    await world.lines(expected);
    assert.equal(world.read.length, expected);
    assert.equal(world.read[0], expected === 101 ? "… older log lines are not shown" : "line 3");
    assert.equal(world.read.at(-1), `line ${lines}`);
    world.controller.abort();
    await run;
  }
});

Deno.test("#4: a position of another container, or of a log that was emptied, leads to the last lines", async () => {
  for (const [containerId, waits] of [["c9".padEnd(64, "0"), 0], ["c1".padEnd(64, "0"), 2]] as const) {
    await using world = await World.start({
      earlier: { containerId, time: "2030-01-01T00:00:00.000000000Z", lines: 1, bytes: 0 },
    });
    const container = world.engine.run(name);
    for (const line of [1, 2, 3]) world.engine.print(container, `line ${line}`, { atNs: line });
    const run = world.follower.run({ signal: world.controller.signal });
    for (let round = 0; round < waits; round += 1) await world.passWait();
    await world.lines(3);
    assert.deepEqual(world.read, ["line 1", "line 2", "line 3"]);
    world.controller.abort();
    await run;
  }
});

Deno.test("#4: lines are neither lost nor repeated when the clock was set back", async () => {
  await using world = await restarted({ lines: 5, known: 5 });
  const container = [...world.engine.containers.values()][0];
  assert.ok(container);
  world.engine.print(container, "an hour earlier", { atNs: 2 });
  const run = world.follower.run({ signal: world.controller.signal });
  await world.lines(1);
  world.engine.breakStreams();
  world.engine.print(container, "later", { atNs: 3 });
  await world.passWait();
  await world.lines(2);
  assert.deepEqual(world.read, ["an hour earlier", "later"]);
  world.controller.abort();
  await run;
});

Deno.test("#15: a log driver that cannot be read is named at once", async () => {
  await using world = await World.start();
  const { id } = world.engine.run(name);
  world.engine.logDriver = "none";
  assert.deepEqual(await world.follower.run({ signal: world.controller.signal }), {
    kind: "unreadable",
    containerId: id,
    because: 'the engine\'s log driver "none" does not support reading',
  });
});

/** A log as the engine sends it; lines without a stamp are messages of the engine. */
function linesOf(text: string): LogLine[] {
  const lines: LogLine[] = [];
  logReader(true).push(new TextEncoder().encode(text), (line) => void lines.push(line));
  return lines;
}

Deno.test("#15: of a log that the engine cannot read on viewers see once why, and then what is printed", async () => {
  const controller = new AbortController();
  const clock = new FakeClock();
  const message = "Error grabbing logs: invalid character '\\x00' looking for beginning of value";
  const tails: (number | undefined)[] = [];
  const read: string[] = [];
  const follower = new Follower({
    containerName: name,
    engine: {
      inspect: () => Promise.resolve({ id: "c1", status: "running", tty: true }),
      followLogs: async function* (_id, { tail }) {
        tails.push(tail);
        const isFresh = tail === 0 && tails.length > 2;
        yield linesOf(
          isFresh ? "2031-03-05T07:00:01.000000000Z fresh\n" : `2031-03-05T07:00:00.000000000Z a\n${message}\n`,
        );
        if (isFresh) controller.abort();
      },
    },
    isNew: true,
    onOldLines: () => {},
    onLines: (lines) => void read.push(...lines.map(({ text }) => text)),
    clock,
    random: () => 0.5,
    log: silentLog,
  });
  const run = follower.run({ signal: controller.signal });
  for (let round = 0; round < 2; round += 1) {
    await clock.untilSleeping();
    await clock.advance(clock.nextInMs ?? 0);
  }
  assert.deepEqual(await run, { kind: "canceled" });
  assert.deepEqual(tails, [undefined, 0, 0]);
  assert.deepEqual(read, ["a", message, "a", "fresh"]);
});
