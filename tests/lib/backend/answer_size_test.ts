import assert from "node:assert/strict";
import { cutToNewest, fitFirst, fitNewest, replyListLimitBytes } from "../../../lib/backend/answer_size.ts";
import { byteLength } from "../../../lib/base/byte_length.ts";

Deno.test("#5: fitNewest() keeps the newest lines that fit as JSON, and counts the others in front of them", () => {
  const colours = Array.from({ length: 100 }, (_, index) => `${index} ${'\u001b[31m"x"\u001b[0m'.repeat(600)}`);
  const fitting = fitNewest(colours, replyListLimitBytes);
  assert.ok(byteLength(JSON.stringify(fitting)) <= replyListLimitBytes);
  assert.ok(byteLength(JSON.stringify(fitting)) > replyListLimitBytes - 30_000);
  const kept = fitting.slice(1);
  assert.equal(fitting[0], `… ${100 - kept.length} older line(s) left out (size limit)`);
  assert.deepEqual(kept, colours.slice(-kept.length));
});

Deno.test("#5: fitNewest() leaves out nothing that fits, and may leave out everything", () => {
  assert.deepEqual(fitNewest(["alpha", "beta"], 15), ["alpha", "beta"]);
  assert.deepEqual(fitNewest(["alpha", "beta"], 14), ["… 2 older line(s) left out (size limit)"]);
  assert.deepEqual(fitNewest([], 5), []);
});

Deno.test("#5: fitFirst() leaves a list as it is that fits", () => {
  const entries = [{ labels: { x: "y".repeat(2_000) } }, 7, null];
  assert.deepEqual(fitFirst(entries), { entries, isCut: false, leftOut: 0 });
});

Deno.test("#5: fitFirst() cuts long texts first, so that no container is missing because of the labels of an image", () => {
  const entries = Array.from(
    { length: 30 },
    (_, index) => ({ Id: `c${index}`, Labels: { doc: "\u0001".repeat(20_000) } }),
  );
  const { entries: fitting, isCut, leftOut } = fitFirst(entries);
  assert.deepEqual([fitting.length, isCut, leftOut], [30, true, 0]);
  assert.deepEqual(fitting[3], { Id: "c3", Labels: { doc: `${"\u0001".repeat(256)}…` } });
});

Deno.test("#5: fitFirst() leaves out the last entries, and one that no answer can carry", () => {
  const labels = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, index) => [`label-${index}-${"x".repeat(50)}`, "1"]),
  );
  const many = Array.from(
    { length: 3_000 },
    (_, index) => ({ Id: `c${index}`.padEnd(64, "0"), Image: "x".repeat(400) }),
  );
  const { entries, isCut, leftOut } = fitFirst([many[0], { Id: "huge", Labels: labels }, ...many.slice(1)]);
  assert.ok(byteLength(JSON.stringify(entries)) <= replyListLimitBytes);
  assert.deepEqual([isCut, leftOut], [true, 3_001 - entries.length]);
  assert.ok(entries.length > 2_000);
  assert.equal(JSON.stringify(entries).includes("huge"), false);
});

Deno.test("device 7: cutToNewest() drops whole lines from the front, and says so", () => {
  assert.deepEqual(cutToNewest(["alpha", "beta", "go"], 12), { lines: ["beta", "go"], isCut: true });
  assert.deepEqual(cutToNewest(["beta", "go"], 12), { lines: ["beta", "go"], isCut: false });
  assert.deepEqual(cutToNewest([]), { lines: [], isCut: false });
});

Deno.test("cutToNewest() shows of a line that no answer can hold the last pieces, and splits no character", () => {
  const { lines, isCut } = cutToNewest(["first", "😀".repeat(400_000)]);
  assert.ok(isCut && lines.length > 1 && byteLength(JSON.stringify(lines)) <= replyListLimitBytes);
  for (const line of lines) assert.match(line, /^(?:😀)+$/u);
});
