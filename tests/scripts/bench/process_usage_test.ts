import assert from "node:assert/strict";
import { findPids, percentOf, readUsage, sumUsage, usageBetween } from "../../../scripts/bench/process_usage.ts";

/** A line of /proc/…/stat with these user and system ticks. */
const stat = (name: string, user: number, system: number) =>
  `77 (${name}) S 1 77 77 0 -1 4194560 20 0 0 0 ${user} ${system} 0 0 20 0 11 0`;

Deno.test("sumUsage() adds up processor time and memory of all processes, whatever their names", () => {
  const text = [stat("deno", 100, 20), "9000 2560 900 1 0 800 0", stat("a) (b 1 2", 3, 4), "8000 256 9 1 0 8 0", ""];
  assert.deepEqual(sumUsage(text.join("\n")), { processorMs: 1_270, rssMib: 11 });
  assert.equal(sumUsage(""), undefined);
});

Deno.test("usageBetween() and percentOf() return the share of one processor", () => {
  const before = { processorMs: 500, rssMib: 60, overMs: 10_000 };
  const used = usageBetween(before, { processorMs: 1_500, rssMib: 80, overMs: 14_000 });
  assert.deepEqual(used, { processorMs: 1_000, rssMib: 80, overMs: 4_000 });
  assert.equal(percentOf(used), 25);
});

Deno.test("readUsage() reads this process, and throws for one that does not exist", async () => {
  assert.deepEqual(await findPids(({ pid }) => pid === Deno.pid), [Deno.pid]);
  const { processorMs, rssMib } = await readUsage([Deno.pid]);
  assert.ok(processorMs > 0 && rssMib > 10);
  await assert.rejects(readUsage([]), /there are none/);
  await assert.rejects(readUsage([99_999_999]), /99999999/);
});
