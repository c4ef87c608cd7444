import assert from "node:assert/strict";
import { collectWhenIdle } from "../../../lib/agent/idle_gc.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const MiB = 1024 * 1024;

/** A process of which a test says what it does. It holds 20 MiB first, and 12 after a collection. */
class Program implements AsyncDisposable {
  readonly clock = new FakeClock();
  collections = 0;
  heldMib = 20;
  #processorMs = 500;
  readonly #life = new AbortController();
  readonly #end: Promise<void>;

  constructor() {
    const collect = () => {
      this.collections += 1;
      this.heldMib = 12;
      this.#processorMs += 50;
    };
    const readUsage = () => ({ processorMs: this.#processorMs, heapBytes: this.heldMib * MiB });
    this.#end = collectWhenIdle({ readUsage, collect, clock: this.clock }, this.#life.signal);
  }

  /** Time passes to the next look. */
  async pass(processorMs: number, heldMib = this.heldMib): Promise<void> {
    this.#processorMs += processorMs;
    this.heldMib = heldMib;
    await this.clock.advance(10_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#end;
    assert.equal(this.clock.sleeping, 0);
  }
}

Deno.test("what the start has left is collected at the first quiet moment, once", async () => {
  await using program = new Program();
  await program.pass(300);
  assert.equal(program.collections, 0, "it is still starting");
  await program.pass(199);
  assert.equal(program.collections, 1);
  await program.pass(10);
  await program.pass(10, 14);
  assert.equal(program.collections, 1, "2 MiB are not worth it");
  await program.pass(10, 14.1);
  assert.equal(program.collections, 2);
});

Deno.test("a program at work is left alone, and collected afterwards", async () => {
  await using program = new Program();
  await program.pass(10);
  for (const heldMib of [18, 16, 25]) await program.pass(200, heldMib);
  assert.equal(program.collections, 1);
  await program.pass(190);
  assert.equal(program.collections, 2);
});

Deno.test("what the runtime gives back by itself counts", async () => {
  await using program = new Program();
  await program.pass(10);
  await program.pass(10, 10);
  await program.pass(10, 12);
  assert.equal(program.collections, 1);
  await program.pass(10, 12.1);
  assert.equal(program.collections, 2);
});
