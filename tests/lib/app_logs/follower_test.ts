import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { Follower } from "../../../lib/app_logs/follower.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { EngineServer } from "../../fakes/fake_log_engine.ts";

const name = "prod_42_shop";

/** A follower at a small engine, with a clock that a test moves. */
class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly seen: string[] = [];
  readonly controller = new AbortController();
  readonly follower: Follower;
  readonly #waiting: { count: number; tell: () => void }[] = [];

  private constructor(readonly engine: EngineServer) {
    this.follower = new Follower({
      containerName: name,
      engine: new Engine({ log: silentLog, env: { DOCKER_HOST: engine.host } }),
      onLines: (lines) => {
        this.seen.push(...lines.map(({ text }) => text));
        for (const { count, tell } of this.#waiting) if (this.seen.length >= count) tell();
      },
      clock: this.clock,
      random: () => 0.5,
      log: silentLog,
    });
  }

  static async start(): Promise<World> {
    return new World(await EngineServer.start());
  }

  /** Resolves when so many lines were delivered. */
  async lines(count: number): Promise<void> {
    if (this.seen.length < count) await new Promise<void>((tell) => this.#waiting.push({ count, tell }));
  }

  /** Lets the follower's present wait pass. */
  async passWait(): Promise<void> {
    await this.clock.untilSleeping();
    await this.clock.advance(this.clock.nextInMs ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
  }
}

Deno.test("run() gives the stored log first, then each line as it comes, and ends with the container", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  world.engine.print(container, "stored", 1);
  const run = world.follower.run(world.controller.signal);
  await world.engine.followed(container);
  world.engine.print(container, "live", 2);
  await world.lines(2);
  world.engine.exit(container);
  assert.equal(await run, "exited");
  assert.deepEqual(world.seen, ["stored", "live"]);
});

Deno.test("run() ends at once when there is no container", async () => {
  await using world = await World.start();
  assert.equal(await world.follower.run(world.controller.signal), "gone");
});

Deno.test("run() reads the log of a container that has exited already", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  world.engine.print(container, "last words", 1);
  world.engine.exit(container);
  assert.equal(await world.follower.run(world.controller.signal), "exited");
  assert.deepEqual(world.seen, ["last words"]);
});

Deno.test("an engine that is away and back costs no line and doubles none, also of the same moment", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  const run = world.follower.run(world.controller.signal);
  await world.engine.followed(container);
  for (const [text, time] of [["a", 1], ["b1", 5], ["b2", 5]] as const) world.engine.print(container, text, time);
  await world.lines(3);
  await world.engine.stop();
  // Written while nobody could read.
  world.engine.print(container, "b3", 5);
  world.engine.print(container, "c", 6);
  for (let round = 0; round < 5; round += 1) await world.passWait();
  world.engine.start();
  await world.passWait();
  await world.lines(5);
  world.engine.exit(container);
  assert.equal(await run, "exited");
  assert.deepEqual(world.seen, ["a", "b1", "b2", "b3", "c"]);
  assert.match(world.engine.logRequests.at(-1)?.get("since") ?? "", /\.000000005$/);
});

Deno.test("streams that break again and again, at any line, give every line once", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  const run = world.follower.run(world.controller.signal);
  const expected: string[] = [];
  for (let index = 0; index < 20; index += 1) {
    await world.engine.followed(container);
    const text = `line ${index}`;
    // Several lines share a moment.
    world.engine.print(container, text, 10 + Math.floor(index / 3));
    expected.push(text);
    await world.lines(expected.length);
    world.engine.cut();
    await world.passWait();
  }
  await world.engine.followed(container);
  world.engine.exit(container);
  assert.equal(await run, "exited");
  assert.deepEqual(world.seen, expected);
});

Deno.test("a container of the same name but another id is read from its first line", async () => {
  await using world = await World.start();
  const first = world.engine.run(name);
  const run = world.follower.run(world.controller.signal);
  await world.engine.followed(first);
  world.engine.print(first, "old", 50);
  await world.lines(1);
  const second = world.engine.run(name);
  // Its clock is behind.
  world.engine.print(second, "new", 7);
  world.engine.exit(first);
  await world.passWait();
  await world.lines(2);
  world.engine.exit(second);
  assert.equal(await run, "exited");
  assert.deepEqual(world.seen, ["old", "new"]);
});

Deno.test("what is known of a container spares the first look; when it is of yesterday the one that is there is read", async () => {
  await using world = await World.start();
  const first = world.engine.run(name);
  const known = { id: first.id, status: "running", tty: true };
  const run = world.follower.run(world.controller.signal, known);
  await world.engine.followed(first);
  assert.equal(world.engine.looks, 0);
  world.engine.print(first, "a", 1);
  await world.lines(1);
  world.engine.exit(first);
  assert.equal(await run, "exited");

  const second = world.engine.run(name);
  const next = world.follower.run(world.controller.signal, known);
  await world.passWait();
  await world.engine.followed(second);
  world.engine.print(second, "b", 1);
  await world.lines(2);
  world.engine.exit(second);
  assert.equal(await next, "exited");
  assert.deepEqual(world.seen, ["a", "b"]);
});

Deno.test("a second run() of the same container goes on behind the last line", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  world.engine.print(container, "a", 1);
  world.engine.exit(container);
  await world.follower.run(world.controller.signal);
  container.status = "running";
  const run = world.follower.run(world.controller.signal);
  await world.engine.followed(container);
  world.engine.print(container, "b", 2);
  await world.lines(2);
  world.engine.exit(container);
  await run;
  assert.deepEqual(world.seen, ["a", "b"]);
});

Deno.test("a container between two starts of its restart policy is waited for", async () => {
  await using world = await World.start();
  const container = world.engine.run(name);
  container.status = "restarting";
  world.engine.print(container, "a", 1);
  const run = world.follower.run(world.controller.signal);
  await world.passWait();
  await world.passWait();
  await world.clock.untilSleeping();
  container.status = "running";
  await world.passWait();
  await world.engine.followed(container);
  world.engine.print(container, "b", 2);
  await world.lines(2);
  world.engine.exit(container);
  assert.equal(await run, "exited");
  assert.deepEqual(world.seen, ["a", "b"]);
});

Deno.test("a log that cannot be read is given up after some tries", async () => {
  await using world = await World.start();
  world.engine.run(name);
  world.engine.failingLogRequests = Infinity;
  const run = world.follower.run(world.controller.signal);
  for (let round = 0; round < 8; round += 1) await world.passWait();
  assert.equal(await run, "unreadable");
  assert.equal(world.engine.logRequests.length, 9);
});

Deno.test("an abort ends a stream, a wait and a search for the engine", async () => {
  for (const situation of ["streaming", "away", "before"]) {
    await using world = await World.start();
    const container = world.engine.run(name);
    if (situation === "before") world.controller.abort();
    const run = world.follower.run(world.controller.signal);
    if (situation === "streaming") await world.engine.followed(container);
    if (situation === "away") {
      await world.engine.stop();
      await world.clock.untilSleeping();
    }
    world.controller.abort();
    assert.equal(await run, "canceled", situation);
    assert.equal(world.clock.sleeping, 0);
  }
});
