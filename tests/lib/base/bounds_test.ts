import assert from "node:assert/strict";
import { assertBounds, excessOf, summarize } from "../../../lib/base/bounds.ts";

const bounds = { chars: 20, entries: 3, depth: 2 };

/** `depth` lists within each other. */
function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

Deno.test("excessOf() accepts what is within the bounds and names what is not", () => {
  const cases: [unknown, string | undefined][] = [
    [undefined, undefined],
    [null, undefined],
    ["x".repeat(20), undefined],
    ["x".repeat(21), "has more than 20 characters"],
    [[1, 2, 3], undefined],
    [[1, 2, 3, 4], "has more than 3 entries"],
    [{ a: 1, b: { c: 1 } }, undefined],
    [{ a: { a: 1, b: 2, c: 3, d: 4 } }, "has more than 3 entries"],
    [{ a: { b: [] } }, "is nested deeper than 2 levels"],
    [{ ["n".repeat(30)]: 1 }, "has more than 20 characters"],
    [["x".repeat(10), "x".repeat(10)], "has more than 20 characters"],
  ];
  for (const [value, excess] of cases) assert.equal(excessOf(value, bounds), excess, JSON.stringify(value));
});

Deno.test("#3: excessOf() costs nothing for values far beyond the bounds", () => {
  const huge = [Array.from({ length: 1_000_000 }, () => 0), "x".repeat(50_000_000), nest(100_000)];
  const began = performance.now();
  for (const value of huge) assert.ok(excessOf(value, bounds));
  assert.ok(performance.now() - began < 1_000);
});

Deno.test("assertBounds() says which part of what is beyond which bound", () => {
  const check = (value: unknown) => assertBounds(value, { where: "request", path: "ports", bounds });
  check([1]);
  assert.throws(() => check([1, 2, 3, 4]), {
    code: "bad_request",
    message: "Cannot read request: ports has more than 3 entries",
  });
});

Deno.test("summarize() keeps the count and the first five", () => {
  assert.deepEqual(summarize(["a", "b", "c", "d", "e", "f"]), { count: 6, first: ["a", "b", "c", "d", "e"] });
});
