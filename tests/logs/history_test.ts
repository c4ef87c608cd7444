import assert from "node:assert/strict";
import { History, historyBytes, trimFront } from "../../lib/logs/history.ts";

Deno.test("push() keeps the newest hundred lines, whoever wrote them", () => {
  const history = new History();
  for (let index = 0; index < 250; index += 1) history.push(`line ${index}`, index % 3 === 0 ? "AGENT" : "CONTAINER");
  assert.equal(history.size, 100);
  assert.deepEqual(history.texts().at(0), "line 150");
  assert.deepEqual(history.texts().at(-1), "line 249");
});

Deno.test("push() keeps at most a megabyte, but always the last line", () => {
  const history = new History();
  for (let index = 0; index < 10; index += 1) history.push("x".repeat(300_000), "CONTAINER");
  assert.equal(history.size, 3);
  history.push("y".repeat(historyBytes * 2), "CONTAINER");
  assert.equal(history.size, 1);
  history.push("small", "AGENT");
  assert.deepEqual(history.texts(), ["small"]);
});

Deno.test("hasContainerLine tells whether the app itself has said something that is still kept", () => {
  const history = new History();
  history.push("Starting shop...", "AGENT");
  assert.equal(history.hasContainerLine, false);
  history.push("ready", "CONTAINER");
  assert.equal(history.hasContainerLine, true);
  for (let index = 0; index < 100; index += 1) history.push("agent", "AGENT");
  assert.equal(history.hasContainerLine, false);
});

Deno.test("clear() forgets all lines and their bytes", () => {
  const history = new History();
  for (let index = 0; index < 3; index += 1) history.push("x".repeat(300_000), "CONTAINER");
  history.clear();
  assert.equal(history.size, 0);
  for (let index = 0; index < 3; index += 1) history.push("x".repeat(300_000), "CONTAINER");
  assert.equal(history.size, 3);
});

Deno.test("trimFront() drops whole lines, oldest first, until the rest fits", () => {
  assert.deepEqual(trimFront(["alpha", "beta", "go"], 9), { lines: ["beta", "go"], isTrimmed: true });
  assert.deepEqual(trimFront(["alpha", "beta", "go"], 14), { lines: ["alpha", "beta", "go"], isTrimmed: false });
  assert.deepEqual(trimFront(["alpha"], 5), { lines: [], isTrimmed: true });
  assert.deepEqual(trimFront([], 5), { lines: [], isTrimmed: false });
});
