import assert from "node:assert/strict";
import { Ring } from "../../lib/base/ring.ts";

Deno.test("push() keeps the newest entries and counts the forgotten ones", () => {
  for (let count = 0; count < 50; count += 1) {
    const ring = new Ring<number>(7);
    for (let entry = 0; entry < count; entry += 1) ring.push(entry);
    const expected = Array.from({ length: count }, (_, index) => index).slice(-7);
    assert.deepEqual(ring.toArray(), expected);
    assert.equal(ring.size, expected.length);
    assert.equal(ring.dropped, Math.max(0, count - 7));
  }
});

Deno.test("clear() forgets entries and the count", () => {
  const ring = new Ring<number>(1);
  ring.push(1);
  ring.push(2);
  ring.clear();
  assert.deepEqual([ring.toArray(), ring.size, ring.dropped], [[], 0, 0]);
});
