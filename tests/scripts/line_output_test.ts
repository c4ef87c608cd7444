import assert from "node:assert/strict";
import { createLineWriter } from "../../scripts/line_output.ts";

/** What a terminal must not get from others, and what stands in its place. */
const rows: [what: string, foreign: string, shown: string][] = [
  ["plain text", "10:11 pump is up", "10:11 pump is up"],
  ["tabs and line ends", "a\tb\nc", "a\tb\nc"],
  ["other scripts", "Größe 温度　３ 🚀 é", "Größe 温度　３ 🚀 é"],
  ["backslashes and quotes", 'C:\\temp "x"', 'C:\\temp "x"'],
  ["colours", "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"],
  ["a new title", "\x1b]0;root@prod\x07", "\\x1b]0;root@prod\\a"],
  ["the clipboard", "\x1b]52;c;cm0gLXJmIH4=\x1b\\", "\\x1b]52;c;cm0gLXJmIH4=\\x1b\\"],
  ["an answer typed by the terminal", "\x1b[6n\x1bP$q\x1b\\\x05", "\\x1b[6n\\x1bP$q\\x1b\\\\x05"],
  ["one byte for both", "\x9b31m \x9d0;x\x9c \x90 \x84", "\\u009b31m \\u009d0;x\\u009c \\u0090 \\u0084"],
  ["overwriting", "done\rfailed\b\b\x7f", "done\\rfailed\\b\\b\\x7f"],
  ["page and line control", "\v\f\x0e\x0f\x00", "\\v\\f\\x0e\\x0f\\x00"],
  ["turned text", "\u202egnp.exe\u2066x\u2069\u200f\u061c", "\\u202egnp.exe\\u2066x\\u2069\\u200f\\u061c"],
  ["hidden text", "a\u200bb\ufeff\u{e0041}\u2028\u2029\u00ad", "a\\u200bb\\ufeff\\U000e0041\\u2028\\u2029\\u00ad"],
  ["half a character", "a\ud800b", "a\ufffdb"],
  ["private characters", "\ue000", "\\ue000"],
];

function record(isTerminal: boolean): { write(line: string): void; read(): string } {
  const chunks: Uint8Array[] = [];
  const write = createLineWriter({
    isTerminal: () => isTerminal,
    writeSync: (bytes) => {
      // An output may take fewer bytes than it gets.
      chunks.push(bytes.slice(0, 5));
      return Math.min(bytes.length, 5);
    },
  });
  return { write, read: () => new TextDecoder().decode(new Uint8Array(chunks.flatMap((chunk) => [...chunk]))) };
}

Deno.test("#16: a terminal gets no character that it would obey or hide", () => {
  for (const [what, foreign, shown] of rows) {
    const output = record(true);
    output.write(foreign);
    assert.equal(output.read(), `${shown}\n`, what);
  }
});

Deno.test("#16: every control character of both sets is escaped, and every one that turns text", () => {
  const codes = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index)];
  const turning = [0x61c, 0x200e, 0x200f, ...range(0x202a, 0x202e), ...range(0x2066, 0x2069)];
  for (const code of [...codes, ...turning]) {
    if (code === 9 || code === 10) continue;
    const output = record(true);
    output.write(String.fromCodePoint(code));
    assert.match(output.read(), /^\\[ -~]+\n$/, code.toString(16));
  }
});

Deno.test("#16: a file or a pipe gets everything as it is", () => {
  for (const [what, foreign] of rows) {
    const output = record(false);
    output.write(foreign);
    assert.equal(output.read(), `${foreign.toWellFormed()}\n`, what);
  }
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
