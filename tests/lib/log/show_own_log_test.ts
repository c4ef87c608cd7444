import assert from "node:assert/strict";
import { type ShownLog, showOwnLog } from "../../../lib/log/show_own_log.ts";

function line(second: number, message: string): string {
  const time = `2031-03-05T07:00:${String(second).padStart(2, "0")}Z`;
  return `${JSON.stringify({ level: "info", app: "x y", caller: "a.ts:1", time, message })}\n`;
}

async function withLog(
  files: Readonly<Record<string, string>>,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    await use(`${folder}/reagent.log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function show(path: string, shown: Partial<ShownLog>): Promise<string[]> {
  const { signal } = new AbortController();
  const all = { tail: undefined, sinceMs: undefined, isFollowing: false, isColored: false, ...shown };
  const lines = (await Array.fromAsync(showOwnLog(path, all, signal))).flat();
  return lines.map((text) => /> (\S+)/.exec(text)?.[1] ?? text);
}

const files = {
  "reagent-2031-03-05T06-00-00.000.log": line(1, "one") + line(2, "two"),
  "reagent.log": `${line(3, "three")}a stack\n${line(4, "four")}half`,
};

const sinceMs = Date.UTC(2031, 2, 5, 7, 0, 3);
const table: readonly [name: string, shown: Partial<ShownLog>, expected: string[]][] = [
  ["everything", {}, ["one", "two", "three", "a stack", "four", "half"]],
  ["the last two lines", { tail: 2 }, ["four", "half"]],
  ["lines of both files", { tail: 5 }, ["two", "three", "a stack", "four", "half"]],
  ["more lines than there are", { tail: 99 }, ["one", "two", "three", "a stack", "four", "half"]],
  ["no line", { tail: 0 }, []],
  ["lines from a moment on", { sinceMs }, ["three", "a stack", "four", "half"]],
];

for (const [name, shown, expected] of table) {
  Deno.test(`showOwnLog() shows ${name}`, () => {
    return withLog(files, async (path) => assert.deepEqual(await show(path, shown), expected));
  });
}

Deno.test("showOwnLog() shows nothing where there is no log", () => {
  return withLog({}, async (path) => assert.deepEqual(await show(path, {}), []));
});

Deno.test("showOwnLog() shows the fields of a line, and what is no record without effects", () => {
  return withLog({ "reagent.log": `${line(1, "m")}\x1b[2J\n` }, async (path) => {
    const { signal } = new AbortController();
    const shown = { tail: undefined, sinceMs: undefined, isFollowing: false, isColored: false };
    const [first = "", second] = (await Array.fromAsync(showOwnLog(path, shown, signal))).flat();
    assert.match(first, / INF a\.ts:1 > m app="x y"$/);
    assert.equal(second, "\\x1b[2J");
  });
});

Deno.test("showOwnLog() follows the log, also into the next file", () => {
  return withLog({ "reagent.log": line(1, "one") }, async (path) => {
    const controller = new AbortController();
    const shown = { tail: undefined, sinceMs: undefined, isFollowing: true, isColored: false };
    const seen: string[] = [];
    for await (const lines of showOwnLog(path, shown, controller.signal)) {
      seen.push(...lines.map((text) => /> (\S+)/.exec(text)?.[1] ?? text));
      if (seen.length === 1) await Deno.writeTextFile(path, line(2, "two"), { append: true });
      if (seen.length === 2) {
        await Deno.writeTextFile(path, line(3, "three"), { append: true });
        await Deno.rename(path, path.replace(".log", "-2031-03-05T08-00-00.000.log"));
        await Deno.writeTextFile(path, line(4, "four"));
      }
      if (seen.length === 4) controller.abort();
    }
    assert.deepEqual(seen, ["one", "two", "three", "four"]);
  });
});
