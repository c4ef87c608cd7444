import assert from "node:assert/strict";
import { isCount, isDict, parseJson, readCount, reject, show } from "../../../lib/base/json.ts";

const hostile: unknown[] = [
  undefined,
  null,
  true,
  "",
  " 1",
  "1 ",
  "-1",
  "1.5",
  "1e3",
  "0x10",
  "99999999999999999999",
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 53,
  [],
  {},
  [1],
  Symbol.iterator,
  () => 1,
];

Deno.test("readCount() reads whole numbers in every form", () => {
  assert.deepEqual([0, 5, 5.0, "5", "007"].map(readCount), [0, 5, 5, 5, 7]);
});

Deno.test("readCount() accepts nothing else", () => {
  for (const value of hostile) assert.equal(readCount(value), undefined, show(value));
});

Deno.test("isCount() and isDict() distinguish foreign values", () => {
  assert.deepEqual([0, 2 ** 53 - 1, "5", -0.5].map(isCount), [true, true, false, false]);
  assert.deepEqual([{}, [], null, "a"].map(isDict), [true, false, false, false]);
});

Deno.test("show() is short, on one line and never throws", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  for (const value of [...hostile, cyclic, "a\nb\u0000", "x".repeat(10_000), 10n]) {
    const text = show(value);
    assert.ok(text.length <= 60 && !/[\n\0]/.test(text), text);
  }
});

Deno.test("#13: errors do not quote what is in objects, nor values below names that promise secrets", () => {
  assert.deepEqual([{ a: "hunter2" }, ["hunter2"], "x", 5, null].map(show), [
    "an object",
    "a list",
    '"x"',
    "5",
    "null",
  ]);
  for (const path of ["environment", "args[0].docker_credentials.host", "docker_compose", "password", "app_secret"]) {
    const rejecting = () => reject("request", path, { expected: "a number", got: "hunter2" });
    assert.throws(rejecting, { message: `Cannot read request: ${path} must be a number, got something else` });
  }
});

Deno.test("parseJson() returns undefined for anything but JSON", () => {
  assert.deepEqual(parseJson('{"a":[1]}'), { a: [1] });
  assert.equal(parseJson("{"), undefined);
});

Deno.test("reject() reports where it failed", () => {
  assert.throws(
    () => reject("request", "args[0].app_key", { expected: "a whole number", got: "x" }),
    { message: 'Cannot read request: args[0].app_key must be a whole number, got "x"' },
  );
});

Deno.test("#3: show() costs the same for a value of any size", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  const text = "\u0000".repeat(5_000_000);
  const values = [text, { a: text }, Array.from({ length: 1_000_000 }, () => text), deep];
  const beganMs = performance.now();
  for (const value of values) assert.ok(show(value).length <= 60);
  const tookMs = performance.now() - beganMs;
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
});
