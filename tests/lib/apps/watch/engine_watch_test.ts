import assert from "node:assert/strict";
import { watchEngine } from "../../../../lib/apps/watch/engine_watch.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import type { EngineEvent } from "../../../../lib/docker/events.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

/** An engine that a test makes go away and come back. */
class Engine {
  isThere = true;
  openings = 0;
  #emit: ((event: EngineEvent | "gone") => void) | undefined;

  async *events(signal: AbortSignal, onOpen?: () => void): AsyncGenerator<EngineEvent, void> {
    await Promise.resolve();
    if (!this.isThere) throw new AgentError("engine_unreachable", "no engine");
    this.openings += 1;
    onOpen?.();
    while (!signal.aborted) {
      const event = await new Promise<EngineEvent | "gone" | "aborted">((resolve) => {
        this.#emit = resolve;
        signal.addEventListener("abort", () => resolve("aborted"), { once: true });
      });
      if (event === "aborted") return;
      if (event === "gone") throw new AgentError("engine_unreachable", "engine gone");
      yield event;
    }
  }

  emit(name: string): void {
    this.#emit?.({ action: "die", id: name, name, labels: {}, timeNano: 1n });
  }

  goAway(): void {
    this.isThere = false;
    this.#emit?.("gone");
  }
}

class Watched {
  readonly clock = new FakeClock();
  readonly engine = new Engine();
  readonly seen: string[] = [];
  readonly presence: string[] = [];
  readonly controller = new AbortController();
  scanFailures = 0;

  watch(): Promise<void> {
    return watchEngine({
      engine: this.engine,
      clock: this.clock,
      random: () => 1,
      log: silentLog,
      onEvent: (event) => this.seen.push(event.name),
      onAway: () => this.presence.push("away"),
      onBack: () => this.presence.push("back"),
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

Deno.test("watchEngine() scans once the events are open, passes events on, and ends with its signal", async () => {
  const watched = new Watched();
  const watching = watched.watch();
  await watched.clock.untilSleeping();
  watched.engine.emit("prod_1_shop");
  await watched.clock.advance(0);
  assert.deepEqual(watched.seen, ["scan", "prod_1_shop"]);
  watched.controller.abort();
  await watching;
  assert.equal(watched.clock.sleeping, 0);
});

Deno.test("watchEngine() scans from time to time although there are no events", async () => {
  const watched = new Watched();
  const watching = watched.watch();
  await watched.clock.advance(180_000);
  assert.deepEqual(watched.seen, ["scan", "scan", "scan", "scan"]);
  assert.equal(watched.engine.openings, 1);
  watched.controller.abort();
  await watching;
});

Deno.test("watchEngine() notices the return of the engine within 2 s, and reports that it was away", async () => {
  const watched = new Watched();
  const watching = watched.watch();
  await watched.clock.advance(0);
  watched.engine.goAway();
  await watched.clock.advance(120_000);
  assert.deepEqual(watched.seen, ["scan"]);
  assert.deepEqual(watched.presence, ["away"]);
  watched.engine.isThere = true;
  await watched.clock.advance(2_000);
  assert.deepEqual(watched.seen, ["scan", "scan after return"]);
  assert.deepEqual(watched.presence, ["away", "back"]);
  watched.controller.abort();
  await watching;
});

Deno.test("watchEngine() waits for an engine that was never there", async () => {
  const watched = new Watched();
  watched.engine.isThere = false;
  const watching = watched.watch();
  await watched.clock.advance(60_000);
  assert.deepEqual(watched.seen, []);
  watched.engine.isThere = true;
  await watched.clock.advance(2_000);
  assert.deepEqual(watched.seen, ["scan after return"]);
  watched.controller.abort();
  await watching;
});

Deno.test("watchEngine() opens the events again when a scan fails, because the stream may be dead as well", async () => {
  const watched = new Watched();
  watched.scanFailures = 1;
  const watching = watched.watch();
  await watched.clock.advance(1_000);
  assert.equal(watched.engine.openings, 2);
  assert.deepEqual(watched.seen, ["scan after return"]);
  watched.controller.abort();
  await watching;
});
