/** What viewers type, on its way to a shell. */

import assert from "node:assert/strict";
import { inputLimitBytes, InputQueue } from "../../../lib/terminals/input_queue.ts";
import { Resizer } from "../../../lib/terminals/resizer.ts";

async function settle(): Promise<void> {
  for (let at = 0; at < 500; at += 1) await Promise.resolve();
}

Deno.test("input reaches a slow shell in order, in small writes, and what is too much is dropped", async () => {
  let turn = Promise.withResolvers<void>();
  let taken = "";
  let dropped = 0;
  let largest = 0;
  const queue = new InputQueue({
    write: async (bytes) => {
      await turn.promise;
      largest = Math.max(largest, bytes.length);
      taken += new TextDecoder().decode(bytes);
    },
    onDropped: (bytes) => void (dropped += bytes),
  });
  queue.push("a");
  queue.push("b".repeat(inputLimitBytes - 10));
  queue.push("c".repeat(20));
  queue.push("d");
  assert.equal(dropped, 20);
  turn.resolve();
  turn = Promise.withResolvers();
  turn.resolve();
  await settle();
  assert.equal(taken, `a${"b".repeat(inputLimitBytes - 10)}d`);
  assert.ok(largest <= 64 * 1024);
});

Deno.test("input after the end, and for a shell that is gone, is dropped silently", async () => {
  let writes = 0;
  const queue = new InputQueue({
    write: () => {
      writes += 1;
      return Promise.reject(new Error("gone"));
    },
    onDropped: () => {},
  });
  queue.push("x");
  queue.push("y");
  await settle();
  queue.push("z");
  await settle();
  assert.equal(writes, 1);
});

Deno.test("of many sizes the newest counts, one change runs at a time, and everybody is answered", async () => {
  const seen: number[] = [];
  let running = 0;
  const resizer = new Resizer(async ({ rows }) => {
    assert.equal(running, 0);
    running += 1;
    await settle();
    running -= 1;
    if (rows === 13) throw new Error("unlucky");
    seen.push(rows);
  });
  await Promise.all(Array.from({ length: 100 }, (_, at) => resizer.set({ rows: at + 100, columns: 80 })));
  assert.deepEqual(seen, [100, 199]);
  await assert.rejects(resizer.set({ rows: 13, columns: 80 }), { message: "unlucky" });
  await resizer.set({ rows: 14, columns: 80 });
  assert.deepEqual(seen, [100, 199, 14]);
});
