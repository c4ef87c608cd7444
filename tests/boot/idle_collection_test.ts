import assert from "node:assert/strict";
import { collectWhenIdle } from "../../lib/boot/idle_collection.ts";
import { FakeClock } from "../parts/fake_clock.ts";

const MiB = 1024 * 1024;

/** A heap that a test fills. The runtime holds what is used and a little more, and gives nothing back by itself. */
class Heap implements AsyncDisposable {
  readonly clock = new FakeClock();
  collections = 0;
  usedMib: number;
  heldMib: number;
  readonly #life = new AbortController();
  readonly #end: Promise<void>;

  constructor(usedMib: number) {
    this.usedMib = usedMib;
    this.heldMib = usedMib + 3;
    const collect = () => {
      this.collections += 1;
      this.usedMib = 10;
      this.heldMib = 13;
    };
    const readHeap = () => ({ used: this.usedMib * MiB, held: this.heldMib * MiB });
    this.#end = collectWhenIdle({ readHeap, collect, clock: this.clock }, this.#life.signal);
  }

  /** Makes objects, over which time passes to the next look. */
  async make(mib: number): Promise<void> {
    this.usedMib += mib;
    this.heldMib = Math.max(this.heldMib, this.usedMib + 3);
    await this.clock.advance(10_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#end;
    assert.equal(this.clock.sleeping, 0);
  }
}

Deno.test("what the start has left is collected at the first quiet moment", async () => {
  await using heap = new Heap(14);
  await heap.make(6);
  assert.equal(heap.collections, 0, "it is still starting");
  heap.usedMib += 0.4;
  await heap.clock.advance(9_999);
  assert.equal(heap.collections, 0);
  await heap.clock.advance(1);
  assert.equal(heap.collections, 1);
});

Deno.test("an agent at rest collects when enough has come together, and not before", async () => {
  await using heap = new Heap(14);
  await heap.make(0);
  assert.equal(heap.collections, 1);
  for (let look = 1; look <= 6; look += 1) {
    await heap.make(0.3);
    assert.equal(heap.collections, 1, `look ${look}`);
  }
  await heap.make(0.3);
  assert.equal(heap.collections, 2);
});

Deno.test("an agent at work does not collect, and does so afterwards", async () => {
  await using heap = new Heap(14);
  await heap.make(0);
  for (let look = 1; look <= 5; look += 1) await heap.make(1);
  assert.equal(heap.collections, 1);
  await heap.make(0);
  assert.equal(heap.collections, 2);
});

Deno.test("what the runtime holds for nothing is given back, also when it has collected by itself", async () => {
  await using heap = new Heap(14);
  await heap.make(0);
  await heap.make(5);
  heap.usedMib = 10.1;
  await heap.make(0);
  assert.equal(heap.collections, 2);
  await heap.make(0);
  assert.equal(heap.collections, 2);
});

Deno.test("what the runtime gives back by itself counts", async () => {
  await using heap = new Heap(14);
  await heap.make(0);
  [heap.usedMib, heap.heldMib] = [8, 11];
  await heap.make(0);
  for (let look = 1; look <= 4; look += 1) await heap.make(0.4);
  assert.equal(heap.collections, 1);
  await heap.make(0.45);
  assert.equal(heap.collections, 2);
});
