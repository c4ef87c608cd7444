import assert from "node:assert/strict";
import { countLines, lineBytes, printedLine, printScript } from "../../../scripts/bench/printed_lines.ts";

const line = (number: number) => `${String(number).padStart(9, "0")} ${"x".repeat(89)}`;

Deno.test("printedLine() returns a line of 100 bytes including its end, which countLines() recognizes", () => {
  assert.equal(printedLine(42), line(42));
  assert.equal(printedLine(42).length + 1, lineBytes);
  assert.deepEqual(countLines(printedLine(9_999_999)), { lines: 1, dropped: 0, lastNumber: 9_999_999 });
});

Deno.test("countLines() counts the app's lines and adds up dropped ones", () => {
  const cases: [text: string, expected: ReturnType<typeof countLines>][] = [
    [[line(1), line(2)].join("\n"), { lines: 2, dropped: 0, lastNumber: 2 }],
    [[line(7), "… 12 log line(s) dropped (rate limit)"].join("\n"), { lines: 1, dropped: 12, lastNumber: 7 }],
    ["… 3 log line(s) dropped (rate limit)", { lines: 0, dropped: 3, lastNumber: undefined }],
    ["Now running app", { lines: 0, dropped: 0, lastNumber: undefined }],
    ["", { lines: 0, dropped: 0, lastNumber: undefined }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(countLines(text), expected);
});

Deno.test("printScript() prints lines of 100 bytes, which countLines() recognizes", () => {
  const [, format = ""] = /printf "(.*)\\n", i/.exec(printScript(1_900)) ?? [];
  const printed = format.replace("%09d", "000000042");
  assert.equal(printed.length + 1, lineBytes);
  assert.deepEqual(countLines(printed), { lines: 1, dropped: 0, lastNumber: 42 });
  assert.match(printScript(1_900), /usleep 10000".* \* 1900;/);
  assert.match(printScript(1_900, { everyMs: 100 }), /usleep 100000".* \* 1900;/);
});
