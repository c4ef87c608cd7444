/** Words of systemd units: what is written is read as it was. */

import assert from "node:assert/strict";
import { readUnitFacts } from "../../../lib/install/unit_file.ts";
import { quoteUnitWord, splitUnitLine } from "../../../lib/install/unit_words.ts";

Deno.test("quoteUnitWord() writes words that systemd reads as they were", () => {
  const table: [word: string, wanted: string][] = [
    ["/opt/reagent/reagent", "/opt/reagent/reagent"],
    ["-update=false", "-update=false"],
    ["/opt/my agent", '"/opt/my agent"'],
    ['a"b', '"a\\"b"'],
    ["a\\b", '"a\\\\b"'],
    ["it's", '"it\'s"'],
    ["100%", "100%%"],
    ["$HOME", "$$HOME"],
    ["a;b", '"a;b"'],
    [";", '";"'],
    ["", '""'],
    ["größe", "größe"],
  ];
  for (const [word, wanted] of table) {
    assert.equal(quoteUnitWord(word), wanted);
    assert.deepEqual(readUnitFacts(`[Service]\nExecStart=/x ${quoteUnitWord(word)}`).command, ["/x", word]);
  }
});

Deno.test("splitUnitLine() reads quotes and escapes as systemd does", () => {
  const table: [line: string, words: string[] | undefined][] = [
    ["", []],
    ["  a   b\tc ", ["a", "b", "c"]],
    ["'a b' \"c d\"", ["a b", "c d"]],
    ['a"b c"d', ["ab cd"]],
    ['"" x', ["", "x"]],
    ["a\\sb \\x41", ["a b", "\\x41"]],
    ["%%h $$x", ["%h", "$$x"]],
    ['"never closed', undefined],
    ["'", undefined],
    ["\\", ["\\"]],
  ];
  for (const [line, words] of table) assert.deepEqual(splitUnitLine(line), words, line);
});
