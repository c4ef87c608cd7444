import assert from "node:assert/strict";
import { LogPositions } from "../../../lib/app_logs/log_positions.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const channel = "prod_42_shop";
const position = { containerId: "c1".padEnd(64, "0"), time: "2031-03-05T07:00:00.000000002Z", lines: 1, bytes: 0 };

/** A folder for positions. */
class World implements Disposable {
  readonly clock = new FakeClock();
  readonly #folder = Deno.makeTempDirSync({ prefix: "positions-" });
  readonly positionsDir = `${this.#folder}/positions`;
  positions = this.restart();

  /** As the next agent has them. */
  restart(): LogPositions {
    return this.positions = new LogPositions({ positionsDir: this.positionsDir, clock: this.clock, log: silentLog });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

Deno.test("#4: a noted position is there for the next agent, and written over by a later one", () => {
  using world = new World();
  assert.equal(world.positions.read(channel), undefined);
  world.positions.note(channel, { ...position, lines: 1_000_000, bytes: 1_000_000_000 });
  world.positions.note(channel, position);
  assert.deepEqual(world.restart().read(channel), position);
  assert.equal((Deno.statSync(`${world.positionsDir}/${channel}`).mode ?? 0) & 0o777, 0o600);
});

Deno.test("#4: a position that nobody looks at is stored now and then, and when the stream ends", async () => {
  using world = new World();
  const later = { ...position, lines: 2 };
  world.positions.noteUnwatched(channel, position);
  world.positions.noteUnwatched(channel, later);
  assert.deepEqual(world.positions.read(channel), position);
  await world.clock.advance(30_000);
  world.positions.noteUnwatched(channel, later);
  assert.deepEqual(world.positions.read(channel), later);
  world.positions.noteUnwatched(channel, position);
  world.positions.flush(channel);
  assert.deepEqual(world.restart().read(channel), position);
});

Deno.test("#4: a forgotten app leaves no file", () => {
  using world = new World();
  world.positions.note(channel, position);
  world.positions.forget(channel);
  world.positions.flush(channel);
  assert.deepEqual([...Deno.readDirSync(world.positionsDir)], []);
});

Deno.test("#4: a file that a loss of power has broken, and a name that is no channel, are no positions", () => {
  using world = new World();
  world.positions.note(channel, position);
  const whole = Deno.readTextFileSync(`${world.positionsDir}/${channel}`);
  const broken = ["", whole.slice(0, 40), "null", "[]", "\u0000".repeat(256), whole.replace('"lines":1', '"lines":-1')];
  for (const text of [...broken, whole.replace("2031-", "31-")]) {
    Deno.writeTextFileSync(`${world.positionsDir}/${channel}`, text);
    assert.equal(world.positions.read(channel), undefined, text);
  }
  for (const name of ["../prod_1_x", "prod_1_a/../../x", "x"]) {
    world.positions.note(name, position);
    assert.equal(world.positions.read(name), undefined);
    world.positions.forget(name);
  }
});

Deno.test("#13: the positions of a project are kept together, and a shorter list leaves nothing of a longer one", () => {
  using world = new World();
  const services = Array.from({ length: 64 }, (_, index) => ({
    ...position,
    containerId: `${index}`.padEnd(64, "0"),
    lines: 1_000_000,
    bytes: 1_000_000_000,
    ...(index % 2 === 0 ? {} : { endedAt: position.time }),
  }));
  const unread = { ...position, time: "", endedAt: position.time };
  world.positions.note(channel, { services: [...services, unread] });
  assert.deepEqual(world.restart().readServices(channel), [...services, unread]);
  assert.equal(world.positions.read(channel), undefined);
  world.positions.note(channel, { services: services.slice(0, 1) });
  assert.deepEqual(world.restart().readServices(channel), services.slice(0, 1));
  world.positions.note(channel, position);
  assert.deepEqual(world.restart().read(channel), position);
  assert.deepEqual(world.positions.readServices(channel), []);
});
