import assert from "node:assert/strict";
import { LogLine } from "../../../lib/docker/log_lines.ts";
import { History, historyBytes } from "../../../lib/app_logs/history.ts";

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

Deno.test("hasContainerLine is true while a line of the app itself is kept", () => {
  const history = new History();
  history.push("Starting shop...", "AGENT");
  assert.equal(history.hasContainerLine, false);
  history.push("ready", "CONTAINER");
  assert.equal(history.hasContainerLine, true);
  for (let index = 0; index < 100; index += 1) history.push("agent", "AGENT");
  assert.equal(history.hasContainerLine, false);
});

Deno.test("clear() drops all lines and their bytes", () => {
  const history = new History();
  for (let index = 0; index < 3; index += 1) history.push("x".repeat(300_000), "CONTAINER");
  history.clear();
  assert.equal(history.size, 0);
  for (let index = 0; index < 3; index += 1) history.push("x".repeat(300_000), "CONTAINER");
  assert.equal(history.size, 3);
});

/** Lines in one piece of bytes, like those of one read. */
function linesOf(texts: readonly string[]): LogLine[] {
  const source = new TextEncoder().encode(texts.join(""));
  let at = 0;
  return texts.map((text) =>
    new LogLine(source, { stampAt: -1, from: at, to: at += new TextEncoder().encode(text).length })
  );
}

Deno.test("pushLines() keeps the same lines as push(), however many come at once", () => {
  let seed = 3;
  const random = (limit: number) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  const [whole, single] = [new History(), new History()];
  for (let round = 0; round < 200; round += 1) {
    const texts = Array.from({ length: random(250) }, (_, index) => `${round}é${index}`.padEnd(random(40), "…"));
    // Sometimes one that takes most of the space.
    if (random(10) === 0) texts.splice(random(5), 0, "x".repeat(random(2 * historyBytes)));
    whole.pushLines(linesOf(texts));
    for (const text of texts) single.push(text, "CONTAINER");
    if (random(4) === 0) { for (const history of [whole, single]) history.push(`agent ${round}`, "AGENT"); }
    assert.deepEqual(whole.texts(), single.texts());
    assert.equal(whole.size, whole.texts().length);
    assert.equal(whole.hasContainerLine, single.hasContainerLine);
  }
});

Deno.test("pushLines() copies the bytes", () => {
  const history = new History();
  const lines = linesOf(["first", "second"]);
  history.pushLines(lines);
  lines[0]?.source.fill(0);
  assert.deepEqual(history.texts(), ["first", "second"]);
});
