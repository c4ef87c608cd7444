import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { errorText, type PlainValue, plainValue } from "../../../lib/log/plain_value.ts";
import { Secrets } from "../../../lib/log/secrets.ts";

function plain(value: unknown, limitChars = 1_000): PlainValue {
  const secrets = new Secrets();
  for (const secret of ["hunter22", "424242", "true"]) secrets.add(secret);
  return plainValue(value, { secrets, limitChars });
}

const circle: Record<string, unknown> = { name: "ring" };
circle.self = circle;
const twice = { x: 1 };

class Point {
  readonly #hidden = 3;
  readonly x = 1;
  get y(): number {
    return this.#hidden;
  }
}

const cases: { name: string; value: unknown; shown: PlainValue }[] = [
  { name: "a text", value: "text", shown: "text" },
  { name: "a number", value: 1.5, shown: 1.5 },
  { name: "no number", value: NaN, shown: "NaN" },
  { name: "infinity", value: -Infinity, shown: "-Infinity" },
  { name: "a bool", value: false, shown: false },
  { name: "null", value: null, shown: null },
  { name: "undefined in a list", value: [undefined, 1], shown: [null, 1] },
  { name: "undefined in an object", value: { a: undefined, b: 1 }, shown: { b: 1 } },
  { name: "a bigint", value: 2n ** 64n, shown: "18446744073709551616" },
  { name: "a symbol", value: Symbol("s"), shown: "Symbol(s)" },
  { name: "a function", value: () => 1, shown: "[function]" },
  { name: "a date", value: new Date(0), shown: "1970-01-01T00:00:00.000Z" },
  { name: "a broken date", value: new Date(NaN), shown: null },
  {
    name: "a map",
    value: new Map<unknown, unknown>([["a", 1], [2, new Map([["b", 3]])]]),
    shown: { a: 1, 2: { b: 3 } },
  },
  { name: "a set", value: new Set([1, "two"]), shown: [1, "two"] },
  { name: "bytes", value: new Uint8Array(12), shown: "[12 bytes]" },
  { name: "a buffer", value: new ArrayBuffer(3), shown: "[3 bytes]" },
  { name: "a URL", value: new URL("http://me:pass@host/"), shown: "http://me:***@host/" },
  { name: "a pattern", value: /a+/g, shown: "/a+/g" },
  { name: "an error", value: new AgentError("timeout", "A", { cause: new Error("b") }), shown: "A: b" },
  { name: "an error inside", value: { list: [new TypeError("b")] }, shown: { list: ["b"] } },
  { name: "an instance", value: new Point(), shown: { x: 1 } },
  { name: "an object with toJSON()", value: { toJSON: () => ({ a: 1 }) }, shown: { a: 1 } },
  { name: "a circle", value: circle, shown: { name: "ring", self: "[circular]" } },
  { name: "the same object twice", value: [twice, twice], shown: [{ x: 1 }, { x: 1 }] },
  {
    name: "a getter that throws",
    value: {
      get a() {
        throw new Error("no");
      },
    },
    shown: "[unreadable]",
  },
  {
    name: "a proxy that throws",
    value: new Proxy({}, {
      ownKeys: () => {
        throw new Error("no");
      },
    }),
    shown: "[unreadable]",
  },
  { name: "an object without prototype", value: Object.assign(Object.create(null), { a: 1 }), shown: { a: 1 } },
  { name: "a secret", value: "my hunter22", shown: "my ***" },
  { name: "a secret in a list", value: [["hunter22"]], shown: [["***"]] },
  { name: "a secret as a name", value: { hunter22: 1 }, shown: { "***": 1 } },
  { name: "a secret as the key of a map", value: new Map([["hunter22", 1]]), shown: { "***": 1 } },
  { name: "a secret number", value: { pin: 424242, other: 42 }, shown: { pin: "***", other: 42 } },
  { name: "a secret bigint", value: 14242423n, shown: "1***3" },
  { name: "a secret bool", value: [true, false], shown: ["***", false] },
  { name: "a secret in an error", value: new Error("bad hunter22"), shown: "bad ***" },
  { name: "a secret in a cause", value: new Error("a", { cause: { key: "hunter22" } }), shown: 'a: {"key":"***"}' },
  { name: "a secret name", value: { a: { Password: "x" } }, shown: { a: { Password: "***" } } },
  { name: "a secret name before an object", value: { secrets: { a: 1 } }, shown: { secrets: "***" } },
  { name: "a secret name in a map", value: new Map([["token", "x"]]), shown: { token: "***" } },
  { name: "a secret name with undefined", value: { token: undefined }, shown: {} },
];

for (const { name, value, shown } of cases) {
  Deno.test(`plainValue() of ${name}`, () => {
    assert.deepEqual(plain(value), shown);
    assert.equal(JSON.stringify(plain(value)), JSON.stringify(shown));
  });
}

Deno.test("plainValue() keeps a member with the name of the prototype", () => {
  assert.equal(JSON.stringify(plain(JSON.parse('{"__proto__":{"a":1}}'))), '{"__proto__":{"a":1}}');
});

Deno.test("plainValue() truncates deep nesting", () => {
  let deep: unknown = "end";
  for (let depth = 0; depth < 10_000; depth += 1) deep = [deep];
  assert.equal(JSON.stringify(plain(deep)), `${"[".repeat(8)}"[nested too deep]"${"]".repeat(8)}`);
});

const huge: { name: string; value: unknown }[] = [
  { name: "a text", value: "x".repeat(10_000_000) },
  { name: "a list", value: new Array(1_000_000).fill(1) },
  { name: "a list of lists", value: new Array(1_000).fill(new Array(1_000).fill([])) },
  { name: "a list of nothing", value: new Array(1_000_000) },
  { name: "a map", value: new Map(Array.from({ length: 100_000 }, (_, index) => [index, "text"])) },
  { name: "an object of long names", value: { ["x".repeat(5_000_000)]: 1, ["y".repeat(5_000_000)]: 2 } },
  { name: "an endless object", value: { toJSON: () => ({ toJSON: () => "x".repeat(1_000_000) }) } },
  { name: "an error", value: new Error("x".repeat(1_000_000)) },
];

for (const { name, value } of huge) {
  Deno.test(`plainValue() truncates ${name} that is huge`, () => {
    const { length } = JSON.stringify(plain(value, 500));
    assert.ok(length < 1_500, `${length}`);
  });
}

Deno.test("plainValue() shows the start of what it truncates", () => {
  assert.deepEqual(plain(["a".repeat(20), "b".repeat(20)], 30), ["a".repeat(20), `${"b".repeat(2)}… (20 characters)`]);
  assert.deepEqual(plain({ first: "a".repeat(40), second: 1 }, 40), {
    first: `${"a".repeat(31)}… (40 characters)`,
    "…": "…",
  });
});

const thrown: { name: string; value: unknown; text: string }[] = [
  { name: "a text", value: "text", text: "text" },
  { name: "an object", value: { code: 1, token: "x" }, text: '{"code":1,"token":"***"}' },
  { name: "nothing", value: null, text: "null" },
  { name: "a number", value: 7, text: "7" },
  { name: "a circle", value: circle, text: '{"name":"ring","self":"[circular]"}' },
  { name: "a cause that is a circle", value: new Error("a", { cause: circle }), text: "a" },
  { name: "a cause that is a bigint", value: new Error("a", { cause: 1n }), text: "a" },
  {
    name: "an error that cannot be read",
    value: Object.defineProperty(new Error("a"), "message", {
      get: () => {
        throw new Error("no");
      },
    }),
    text: "an error without a readable message",
  },
];

for (const { name, value, text } of thrown) {
  Deno.test(`errorText() of ${name}`, () => {
    assert.equal(errorText(value, { secrets: new Secrets(), limitChars: 1_000 }), text);
  });
}

Deno.test("errorText() truncates a long message", () => {
  const text = errorText(new Error("x".repeat(9_000)), { secrets: new Secrets(), limitChars: 100 });
  assert.equal(text, `${"x".repeat(100)}… (9000 characters)`);
});
