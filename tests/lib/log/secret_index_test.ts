import assert from "node:assert/strict";
import { SecretIndex } from "../../../lib/log/secret_index.ts";

/** What a simple search would find. */
function longestAt(texts: readonly string[], text: string, at: number): number {
  return Math.max(0, ...texts.filter((known) => text.startsWith(known, at)).map(({ length }) => length));
}

Deno.test("SecretIndex finds the longest known text at every position, as long as few begin alike", () => {
  const pick = (seed: number) => "abcdabcdabcdabcd-abcd".slice(seed % 5, 4 + (seed * 7) % 17 + seed % 5);
  const texts = [...new Set(Array.from({ length: 12 }, (_, seed) => pick(seed)))].filter(({ length }) => length >= 4);
  const index = new SecretIndex();
  for (const text of texts) index.add(text);
  const text = `${texts.join("")}${texts.toReversed().join(" ")}abcdabcd`;
  for (let at = 0; at < text.length; at += 1) {
    assert.equal(index.lengthAt(text, at), longestAt(texts, text, at), `${at}`);
  }
  for (const known of texts) index.remove(known);
  assert.equal(index.next(text, 0), -1);
});

Deno.test("SecretIndex keeps what two texts share until both are removed", () => {
  for (const [one, two] of [["a/bc", "a%2Fbc"], ["a/bcdefghijklmnopq", "a%2Fbcdefghijklmnopq"]] as const) {
    const index = new SecretIndex();
    index.add(one);
    index.add(two);
    index.remove(one);
    assert.equal(index.lengthAt(two, 0), two.length);
    index.remove(two);
    assert.equal(index.lengthAt(two, 0), 0);
  }
});

Deno.test("#13: SecretIndex is quick with secrets that begin alike, and hides them all", () => {
  const index = new SecretIndex();
  for (let number = 0; number < 20_000; number += 1) {
    index.add(`${"a".repeat(250)}${number}`);
    index.add(`aaaa${number}`);
  }
  const text = "a".repeat(10_000);
  const startedAt = performance.now();
  for (let at = index.next(text, 0); at !== -1; at = index.next(text, at + 1));
  assert.ok(performance.now() - startedAt < 2_000);
  assert.equal(index.lengthAt(`${"a".repeat(250)}777!`, 0), 254);
});

Deno.test("#13: SecretIndex finds a long text whole, in pieces", () => {
  const index = new SecretIndex();
  const key = Array.from({ length: 1_000 }, (_, number) => String.fromCharCode(33 + number % 90)).join("");
  index.add(key);
  assert.ok(index.longest < 2_000);
  let hiddenTo = 0;
  for (let at = index.next(key, 0); at !== -1; at = index.next(key, at + 1)) {
    assert.ok(at <= hiddenTo, `${at}`);
    hiddenTo = Math.max(hiddenTo, at + index.lengthAt(key, at));
  }
  assert.equal(hiddenTo, key.length);
});
