import assert from "node:assert/strict";
import { watchEngine } from "../../../../lib/apps/watch/engine_watch.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import type { EngineEvent } from "../../../../lib/docker/events.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

/** An engine that is there or away, as the test says. */
class Engine {
  isThere = true;
  openings = 0;
  #tell: ((event: EngineEvent | "gone") => void) | undefined;

  async *events(signal: AbortSignal, onOpen?: () => void): AsyncGenerator<EngineEvent, void> {
    await Promise.resolve();
    if (!this.isThere) throw new AgentError("engine_unreachable", "no engine");
    this.openings += 1;
    onOpen?.();
    while (!signal.aborted) {
      const event = await new Promise<EngineEvent | "gone" | "aborted">((resolve) => {
        this.#tell = resolve;
        signal.addEventListener("abort", () => resolve("aborted"), { once: true });
      });
      if (event === "aborted") return;
      if (event === "gone") throw new AgentError("engine_unreachable", "engine gone");
      yield event;
    }
  }

  tell(name: string): void {
    this.#tell?.({ action: "die", id: name, name, labels: {}, timeNano: 1n });
  }

  leave(): void {
    this.isThere = false;
    this.#tell?.("gone");
  }
}

class World {
  readonly clock = new FakeClock();
  readonly engine = new Engine();
  readonly seen: string[] = [];
  readonly sight: string[] = [];
  readonly controller = new AbortController();
  scanFailures = 0;

  watch(): Promise<void> {
    return watchEngine({
      engine: this.engine,
      clock: this.clock,
      random: () => 1,
      log: silentLog,
      onEvent: (event) => this.seen.push(event.name),
      onAway: () => this.sight.push("away"),
      onBack: () => this.sight.push("back"),
      scan: ({ isReturn }) => {
        if (this.scanFailures > 0) {
          this.scanFailures -= 1;
          return Promise.reject(new AgentError("timeout", "the engine hangs"));
        }
        this.seen.push(isReturn ? "scan after return" : "scan");
        return Promise.resolve();
      },
    }, this.controller.signal);
  }
}

Deno.test("watchEngine() scans once the events are open, hands events on, and ends with its signal", async () => {
  const world = new World();
  const watching = world.watch();
  await world.clock.untilSleeping();
  world.engine.tell("prod_1_shop");
  await world.clock.advance(0);
  assert.deepEqual(world.seen, ["scan", "prod_1_shop"]);
  world.controller.abort();
  await watching;
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("watchEngine() scans now and then although the events say nothing", async () => {
  const world = new World();
  const watching = world.watch();
  await world.clock.advance(180_000);
  assert.deepEqual(world.seen, ["scan", "scan", "scan", "scan"]);
  assert.equal(world.engine.openings, 1);
  world.controller.abort();
  await watching;
});

Deno.test("watchEngine() finds the engine again within 2 s of its return, and says that it was away", async () => {
  const world = new World();
  const watching = world.watch();
  await world.clock.advance(0);
  world.engine.leave();
  await world.clock.advance(120_000);
  assert.deepEqual(world.seen, ["scan"]);
  assert.deepEqual(world.sight, ["away"]);
  world.engine.isThere = true;
  await world.clock.advance(2_000);
  assert.deepEqual(world.seen, ["scan", "scan after return"]);
  assert.deepEqual(world.sight, ["away", "back"]);
  world.controller.abort();
  await watching;
});

Deno.test("watchEngine() waits for an engine that was never there", async () => {
  const world = new World();
  world.engine.isThere = false;
  const watching = world.watch();
  await world.clock.advance(60_000);
  assert.deepEqual(world.seen, []);
  world.engine.isThere = true;
  await world.clock.advance(2_000);
  assert.deepEqual(world.seen, ["scan after return"]);
  world.controller.abort();
  await watching;
});

Deno.test("watchEngine() opens the events anew when a scan fails, because the stream may be dead as well", async () => {
  const world = new World();
  world.scanFailures = 1;
  const watching = world.watch();
  await world.clock.advance(1_000);
  assert.equal(world.engine.openings, 2);
  assert.deepEqual(world.seen, ["scan after return"]);
  world.controller.abort();
  await watching;
});
