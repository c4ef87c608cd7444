import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { Narrator, reasonOf, wrap } from "../../../scripts/demo/narrator.ts";

/** A narrator whose output can be read. */
function createRecorded(
  options: { isColored?: boolean; after?: number } = {},
): { narrator: Narrator; read(): string[] } {
  let text = "";
  const writeSync = (bytes: Uint8Array) => {
    // An output may accept fewer bytes than it gets.
    const part = bytes.subarray(0, 7);
    text += new TextDecoder().decode(part);
    return part.length;
  };
  const narrator = new Narrator({ writeSync }, { isColored: false, ...options });
  return { narrator, read: () => text.split("\n") };
}

Deno.test("a narrator numbers its headings, starts after a given number, and ends times in one column", async () => {
  const { narrator, read } = createRecorded({ after: 1 });
  narrator.heading("A Studio");
  narrator.say("word ".repeat(25).trim());
  narrator.quote("log", "x".repeat(120));
  assert.equal(await narrator.timed(() => Promise.resolve(42), (result) => `It is ${result}`), 42);
  const [empty, heading, first, second, quoted, timed = ""] = read();
  assert.deepEqual([empty, heading], ["", "2. A Studio"]);
  assert.deepEqual([first, second], [`   ${"word ".repeat(19).trim()}`, `   ${"word ".repeat(6).trim()}`]);
  assert.equal(quoted, `   log | ${"x".repeat(120)}`);
  assert.match(timed, /^ {3}It is 42 +0\.0 s$/);
  assert.equal(timed.length, 100);
});

Deno.test("a narrator prints nothing about failed work, and ignores a closed output", async () => {
  const { narrator, read } = createRecorded();
  await assert.rejects(narrator.timed(() => Promise.reject(new Error("no")), () => "done"), /no/);
  assert.deepEqual(read(), [""]);
  const broken = () => {
    throw new Deno.errors.BrokenPipe();
  };
  new Narrator({ writeSync: broken }, { isColored: false }).say("hello");
});

Deno.test("wrap() breaks between words only", () => {
  assert.deepEqual(wrap("a bc d", 4), ["a bc", "d"]);
  assert.deepEqual(wrap("long-word a", 4), ["long-word", "a"]);
});

Deno.test("reasonOf() returns the first error with its cause", () => {
  const first = new AgentError("start_failed", "Cannot start", { cause: new Error("no space") });
  assert.equal(reasonOf(new SuppressedError(new Error("later"), first)), "Cannot start: no space");
});
