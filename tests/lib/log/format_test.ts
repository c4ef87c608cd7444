import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { levels } from "../../../lib/base/log.ts";
import {
  consoleLine,
  fieldLimitChars,
  jsonLine,
  type LogEntry,
  plainFields,
  recordLimitChars,
} from "../../../lib/log/format.ts";
import { Secrets } from "../../../lib/log/secrets.ts";

function entry(part: Partial<LogEntry> = {}): LogEntry {
  const date = new Date("2026-08-04T09:12:00.789Z");
  date.getTimezoneOffset = () => 0;
  return { level: "info", fields: {}, caller: "main.ts:1", date, message: "text", ...part };
}

function fields(given: Record<string, unknown>): Record<string, unknown> {
  return plainFields(given, new Secrets());
}

Deno.test("jsonLine() returns the documented example byte for byte", () => {
  const line = jsonLine(entry({
    level: "warn",
    fields: fields({ error: new AgentError("timeout", "dial timeout") }),
    caller: "wamp.ts:210",
    message: "reconnecting",
  }));
  assert.equal(
    line,
    '{"level":"warn","error":"dial timeout","caller":"wamp.ts:210","time":"2026-08-04T09:12:00Z","message":"reconnecting"}\n',
  );
});

Deno.test("jsonLine() writes the local time zone, and omits an unknown caller", () => {
  const date = new Date("2026-08-04T23:30:00Z");
  date.getTimezoneOffset = () => -120;
  assert.equal(
    jsonLine(entry({ date, caller: undefined })),
    '{"level":"info","time":"2026-08-05T01:30:00+02:00","message":"text"}\n',
  );
});

Deno.test("jsonLine() keeps a record on one line, which parses to the same record", () => {
  const message = 'a\nb\r\n"c"\\ \u2028 \x1b[31m \ud800 é🔑';
  const line = jsonLine(entry({ message, fields: fields({ text: message, list: [message] }) }));
  assert.equal(line.indexOf("\n"), line.length - 1);
  const read: unknown = JSON.parse(line);
  assert.deepEqual(read, {
    level: "info",
    text: message,
    list: [message],
    caller: "main.ts:1",
    time: "2026-08-04T09:12:00Z",
    message,
  });
});

for (const level of levels) {
  Deno.test(`jsonLine() names the level ${level}`, () => {
    assert.ok(jsonLine(entry({ level })).startsWith(`{"level":"${level}","caller"`));
  });
}

Deno.test("plainFields() puts the error first, keeps the order of the rest and omits undefined", () => {
  const shown = fields({ b: 1, gone: undefined, a: "x", error: "dial timeout", durationMs: 12.5 });
  assert.equal(JSON.stringify(shown), '{"error":"dial timeout","b":1,"a":"x","durationMs":12.5}');
});

Deno.test("plainFields() joins the causes of an AgentError and shows no stack", () => {
  const error = new AgentError("start_failed", 'Cannot start "shop"', { cause: new TypeError("x is not a function") });
  assert.deepEqual(fields({ error }), { error: 'Cannot start "shop": x is not a function' });
});

Deno.test("plainFields() shows where an error in the program was thrown", () => {
  function makeMistake(): Error {
    return new TypeError("x is not\n    at home (elsewhere.ts:1:1)\na function");
  }
  const { error, stack, ...others } = fields({ error: makeMistake(), app: "shop" });
  assert.deepEqual(others, { app: "shop" });
  assert.equal(error, "x is not\n    at home (elsewhere.ts:1:1)\na function");
  assert.ok(Array.isArray(stack));
  assert.deepEqual(Object.keys(stack[0]), ["func", "line", "source"]);
  assert.equal(stack[0].func, "makeMistake");
  assert.equal(stack[0].source, "format_test.ts");
  assert.match(stack[0].line, /^\d+$/);
});

Deno.test("plainFields() renames fields with the name of a fixed part of the line", () => {
  const shown = fields({ level: 1, caller: 2, time: 3, message: 4, stack: 5 });
  assert.equal(JSON.stringify(shown), '{"level_":1,"caller_":2,"time_":3,"message_":4,"stack":5}');
  assert.equal(fields({ error: new TypeError("x"), stack: 5 }).stack_, 5);
});

Deno.test("plainFields() masks fields by name, and hides known secrets in names and values", () => {
  const secrets = new Secrets();
  secrets.add("hunter22");
  assert.deepEqual(plainFields({ dbPassword: "x", hunter22: 1, text: "a hunter22", error: "hunter22" }, secrets), {
    error: "***",
    dbPassword: "***",
    "***": 1,
    text: "a ***",
  });
});

Deno.test("plainFields() truncates a long field, and omits fields when too many are long", () => {
  const shown = fields({ long: "x".repeat(100_000), short: 1 });
  assert.equal(shown.long, `${"x".repeat(fieldLimitChars)}… (100000 characters)`);
  assert.equal(shown.short, 1);
  const many = fields(
    Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`f${index}`, "\0".repeat(100_000)])),
  );
  assert.equal(Object.keys(many).length, Math.ceil(recordLimitChars / fieldLimitChars));
  const line = jsonLine(entry({ fields: many }));
  assert.ok(line.length < 7 * recordLimitChars, `${line.length}`);
});

Deno.test("plainFields() does not throw when the fields cannot be read", () => {
  const hostile = {
    get a(): number {
      throw new Error("no");
    },
  };
  assert.deepEqual(fields(hostile), { fields: "[unreadable]" });
});

const consoleCases: { name: string; part: Partial<LogEntry>; plain: string; colored: string }[] = [
  {
    name: "a warning with fields",
    part: {
      level: "warn",
      fields: { zone: 1, app: "my shop", error: "dial timeout" },
      caller: "wamp.ts:210",
      message: "reconnecting",
    },
    plain: '2026-08-04 09:12:00 WRN wamp.ts:210 > reconnecting error="dial timeout" app="my shop" zone=1\n',
    colored: "\x1b[90m2026-08-04 09:12:00\x1b[0m \x1b[33mWRN\x1b[0m \x1b[1mwamp.ts:210\x1b[0m \x1b[36m>\x1b[0m " +
      '\x1b[1mreconnecting\x1b[0m \x1b[36merror=\x1b[0m\x1b[1;31m"dial timeout"\x1b[0m ' +
      '\x1b[36mapp=\x1b[0m"my shop" \x1b[36mzone=\x1b[0m1\n',
  },
  {
    name: "a debug line",
    part: { level: "debug" },
    plain: "2026-08-04 09:12:00 DBG main.ts:1 > text\n",
    colored: "\x1b[90m2026-08-04 09:12:00\x1b[0m DBG \x1b[1mmain.ts:1\x1b[0m \x1b[36m>\x1b[0m text\n",
  },
  {
    name: "a line without a caller",
    part: { caller: undefined },
    plain: "2026-08-04 09:12:00 INF > text\n",
    colored: "\x1b[90m2026-08-04 09:12:00\x1b[0m \x1b[32mINF\x1b[0m \x1b[36m>\x1b[0m \x1b[1mtext\x1b[0m\n",
  },
];

for (const { name, part, plain, colored } of consoleCases) {
  Deno.test(`consoleLine() of ${name}`, () => {
    assert.equal(consoleLine(entry(part), { isColored: false }), plain);
    assert.equal(consoleLine(entry(part), { isColored: true }), colored);
  });
}

const codes = { trace: "TRC", debug: "DBG", info: "INF", warn: "WRN", error: "ERR", fatal: "FTL", panic: "PNC" };
const colors = { trace: "", debug: "", info: "32", warn: "33", error: "31", fatal: "31", panic: "31" };

for (const level of levels) {
  Deno.test(`consoleLine() shortens ${level} to ${codes[level]} in its color`, () => {
    const code = colors[level] === "" ? codes[level] : `\x1b[${colors[level]}m${codes[level]}\x1b[0m`;
    assert.equal(consoleLine(entry({ level }), { isColored: true }).split(" ")[2], code);
  });
}

const values: [unknown, string][] = [
  ["word", "word"],
  ["", ""],
  ["two words", '"two words"'],
  ['a"b', '"a\\"b"'],
  ["a\\b", '"a\\\\b"'],
  ["é", '"é"'],
  ["a\nb\x1b[0m", '"a\\nb\\x1b[0m"'],
  [12.5, "12.5"],
  [true, "true"],
  [null, "null"],
  [[1, "a b"], '[1,"a b"]'],
  [{ a: { b: 1 } }, '{"a":{"b":1}}'],
  [["\x9b31m"], '["\\u009b31m"]'],
];

for (const [value, shown] of values) {
  Deno.test(`consoleLine() shows the value ${JSON.stringify(value)} as ${shown}`, () => {
    assert.equal(
      consoleLine(entry({ fields: { v: value } }), { isColored: false }),
      `2026-08-04 09:12:00 INF main.ts:1 > text v=${shown}\n`,
    );
  });
}

Deno.test("consoleLine() stays on one line and cannot control the terminal", () => {
  const line = consoleLine(entry({ message: 'a\nb\x1b[2J "é"', fields: { "k\x1b": "v" } }), { isColored: false });
  assert.equal(line, '2026-08-04 09:12:00 INF main.ts:1 > a\\nb\\x1b[2J "é" k\\x1b=v\n');
});
