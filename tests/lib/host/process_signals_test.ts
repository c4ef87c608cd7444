import assert from "node:assert/strict";
import { handlesSignal } from "../../../lib/host/process_signals.ts";

const [term, quit, realTime] = [15, 3, 37];

/** Of a process that has blocked signal 37, ignores 1 and handles 15 and 17. */
const status = "Name:\tshop\nSigBlk:\t0000001000000000\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000014000\n";

function look(files: Record<string, string>, signal: number, pid = 7): boolean | undefined {
  const read = (path: string) => files[path] ?? assert.fail(`There is no ${path}`);
  return handlesSignal({ containerId: "c0ffee", pid }, signal, { read, procDir: "" });
}

Deno.test("#8: handlesSignal() sees handlers and blocked signals of the first process of a container", () => {
  const files = { "/7/cgroup": "0::/docker/c0ffee\n", "/7/status": status };
  assert.deepEqual([term, 17, realTime].map((signal) => look(files, signal)), [true, true, true]);
  assert.deepEqual([1, quit, 14, 16, 36, 38, 64].map((signal) => look(files, signal)), Array(7).fill(false));
});

Deno.test("#8: handlesSignal() is undefined for what it cannot see", () => {
  assert.equal(look({}, term, 0), undefined);
  assert.equal(look({}, term), undefined);
  assert.equal(look({ "/7/cgroup": "0::/docker/other\n", "/7/status": status }, term), undefined);
  assert.equal(look({ "/7/cgroup": "0::/docker/c0ffee\n" }, term), undefined);
  assert.equal(look({ "/7/cgroup": "0::/docker/c0ffee\n", "/7/status": "SigCgt:\t\n" }, term), undefined);
});
