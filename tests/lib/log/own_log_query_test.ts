import assert from "node:assert/strict";
import { type FoundOwnLines, type OwnLogQuery, queryOwnLog } from "../../../lib/log/own_log_query.ts";

const never = new AbortController().signal;
const levels = ["trace", "debug", "info", "warn", "error", "fatal", "panic"];
const base = { tail: 300, window: {}, level: "info" };

/** A folder with a log, which is removed in the end. */
class LogFolder implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "own-log-" });
  readonly path = `${this.#folder}/reagent.log`;

  /** Writes files by their names. */
  constructor(files: Readonly<Record<string, string | Uint8Array>>) {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      Deno.writeFileSync(`${this.#folder}/${name}`, bytes);
    }
  }

  async query(query: Partial<OwnLogQuery> = {}): Promise<FoundOwnLines> {
    return await queryOwnLog(this.path, { ...base, ...query }, never);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function record(level: string, message: string, fields: Record<string, unknown> = {}): string {
  return `${JSON.stringify({ level, ...fields, time: "2031-03-05T08:00:00+01:00", message })}\n`;
}

Deno.test("device 7: a record is shown with its time in UTC, its level, its message and its error", async () => {
  using log = new LogFolder({
    "reagent.log": record("error", "unable to start", { error: "no route", caller: "a:1" }),
  });
  assert.deepEqual(await log.query(), {
    lines: ["2031-03-05T07:00:00Z ERROR unable to start: no route"],
    truncated: false,
    filesScanned: 1,
    oldestAvailable: "2031-03-05T07:00:00Z",
  });
});

Deno.test("what is no record stays as it is and belongs to the record before it, also across files", async () => {
  using log = new LogFolder({
    "reagent-2031-03-01T00-00-00.000.log": `head\n\n${record("debug", "quiet")}its stack\n${
      record("error", "loud")
    }s1\r\n`,
    "reagent-2031-03-02T00-00-00.000.log": "s2\n   \n",
    "reagent-notes.txt": record("error", "another file"),
    "reagent.log": `s3\n{"level":"error","time":5,"message":"no record"}\n${record("notice", "last")}{"level":"debug"`,
  });
  const found = await log.query();
  assert.deepEqual(found.lines, [
    "head",
    "2031-03-05T07:00:00Z ERROR loud",
    ...["s1", "s2", "s3", '{"level":"error","time":5,"message":"no record"}'],
    "2031-03-05T07:00:00Z NOTICE last",
    '{"level":"debug"',
  ]);
  assert.equal(found.filesScanned, 3);
  assert.deepEqual((await log.query({ level: " ERROR".trim() })).lines.length, 5);
  assert.deepEqual((await log.query({ level: "debug", tail: 2 })).lines.length, 2);
});

Deno.test("without a file, and without a path, there is an error", async () => {
  using log = new LogFolder({});
  await assert.rejects(log.query(), { code: "io_failed" });
  await assert.rejects(queryOwnLog(" ", base, never), { message: "no agent log path configured" });
  using folder = new LogFolder({ "reagent-1.log": record("info", "old") });
  assert.equal((await folder.query()).lines.length, 1);
});

Deno.test("a query ends when its caller goes", async () => {
  using log = new LogFolder({ "reagent.log": record("info", "one") });
  await assert.rejects(queryOwnLog(log.path, base, AbortSignal.abort()), { code: "canceled" });
});

Deno.test("lines of a megabyte and more come in pieces, and an answer is never too long", async () => {
  const long = "x".repeat(1_500_000);
  using log = new LogFolder({ "reagent.log": `${record("info", "one")}${long}\n${"y".repeat(600_000)}\nlast\n` });
  const { lines, truncated } = await log.query();
  assert.equal(lines.at(-1), "last");
  assert.equal(lines.at(-2)?.length, 600_000);
  assert.ok(JSON.stringify(lines).length <= 1_000_000);
  assert.equal(truncated, true);
});

/** Random numbers that a seed repeats. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed >>> 0 || 1;
  return (limit) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 >>> 0;
    state = (state ^ (state >>> 12)) >>> 0;
    return state % limit;
  };
}

const startMs = Date.UTC(2031, 2, 5);

/** A line as agents, programs and power losses leave it. */
function randomLine(random: (limit: number) => number, clock: { ms: number }): string {
  clock.ms += random(20) === 0 ? (random(2) === 0 ? -86_400_000 : 40_000_000) : random(3) * 500;
  const iso = new Date(clock.ms).toISOString();
  const time = [
    `${iso.slice(0, 19)}Z`,
    iso,
    `${iso.slice(0, 19)}+02:00`,
    iso.replace("Z", "-01:30"),
    "yesterday",
    "",
  ][Math.max(0, random(20) - 14)];
  const level = [...levels, "", "notice", "WARN"][random(10)] ?? "";
  const usual = { level, caller: "a.ts:1", time, message: `m${random(1000)}` };
  const kinds: (() => string)[] = [
    () => JSON.stringify({ level, error: random(2) === 0 ? "é{" : "", time, message: "with an error" }),
    () => JSON.stringify({ level, time: 5, message: "no record" }),
    () => JSON.stringify({ message: "", level: "", time: "" }),
    () => JSON.stringify(usual).slice(0, random(60)),
    () => JSON.stringify(usual).slice(0, 30) + JSON.stringify(usual),
    () => `  ${JSON.stringify(usual)}\r`,
    () => `\tat stack (file.ts:${random(9)})`,
    () => ["", "   ", "\r", "[1]", "null", "{}"][random(6)] ?? "",
    () => "10%\r50%\r100%\r",
    () => String.fromCharCode(...Array.from({ length: random(30) }, () => random(256))).replaceAll("\n", ""),
    () => "z".repeat(random(150) === 0 ? 1_048_576 + random(5) - 2 : random(2_000)),
  ];
  return random(3) > 0 ? JSON.stringify(usual) : kinds[random(kinds.length)]?.() ?? "";
}

function randomFiles(random: (limit: number) => number): Record<string, string> {
  const clock = { ms: startMs };
  const names = ["reagent-2031-03-01T00-00-00.000.log", "reagent-2031-03-02T00-00-00.000.log", "reagent.log"];
  return Object.fromEntries(
    names.slice(random(3)).map((name) => {
      const lines = Array.from({ length: random(400) }, () => randomLine(random, clock));
      return [name, lines.join("\n") + (random(2) === 0 ? "\n" : "")];
    }),
  );
}

/** The answer as its definition has it: all lines from the first to the last. */
function expectedLines(files: Record<string, string>, { tail, window, level }: OwnLogQuery): string[] {
  const ranks = new Map(levels.map((name, rank) => [name, rank]));
  const least = ranks.get(level.toLowerCase()) ?? 2;
  const { sinceMs = -Infinity, untilMs = Infinity } = window;
  let [rank, timeMs] = [2, NaN];
  const wanted: string[] = [];
  for (
    const name of Object.keys(files).sort((a, b) => a === "reagent.log" ? 1 : b === "reagent.log" ? -1 : a < b ? -1 : 1)
  ) {
    const bytes = new TextEncoder().encode(files[name]);
    for (const raw of new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).split("\n")) {
      for (let from = 0; from < Math.max(1, raw.length); from += 1_048_576) {
        const whole = raw.slice(from, from + 1_048_576);
        const line = from + whole.length >= raw.length ? whole.replace(/\r$/, "") : whole;
        if (line.trim() === "") continue;
        let text = line;
        const shown = shownRecord(line);
        if (shown !== undefined) [rank, timeMs, text] = [ranks.get(shown.level) ?? 2, shown.timeMs, shown.text];
        if (rank >= least && !(timeMs < sinceMs) && !(timeMs > untilMs)) wanted.push(text);
      }
    }
  }
  return wanted.slice(-tail);
}

function shownRecord(line: string): { level: string; timeMs: number; text: string } | undefined {
  let value;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { level = "", time = "", message = "", error = "" } = value;
  if ([level, time, message, error].some((one) => typeof one !== "string")) return undefined;
  if (level + time + message === "") return undefined;
  const timeMs = /T/.test(time) ? Date.parse(time) : NaN;
  const stamp = Number.isNaN(timeMs) ? [] : [`${new Date(timeMs).toISOString().slice(0, 19)}Z`];
  const words = [...stamp, level.toUpperCase(), message].filter((word) => word !== "");
  return { level: level.toLowerCase(), timeMs, text: words.join(" ") + (error === "" ? "" : `: ${error}`) };
}

Deno.test("any log is answered as if all of its lines were read from the first to the last", async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = randomOf(seed);
    const files = randomFiles(random);
    using log = new LogFolder(files);
    for (let round = 0; round < 6; round += 1) {
      const at = () => startMs + random(200) * 1_000_000 - 80_000_000;
      const query: OwnLogQuery = {
        tail: 1 + random(random(2) === 0 ? 20 : 2_000),
        window: { ...(random(2) === 0 ? { sinceMs: at() } : {}), ...(random(3) === 0 ? { untilMs: at() } : {}) },
        level: [...levels, "x"][random(8)] ?? "",
      };
      const expected = expectedLines(files, query);
      const { lines, truncated } = await log.query(query);
      const where = `seed ${seed}, ${JSON.stringify(query)}`;
      if (JSON.stringify(expected).length > 1_000_000) continue;
      assert.deepEqual(lines, expected, where);
      const all = expectedLines(files, { ...query, tail: 10_000 });
      assert.equal(truncated, all.length > expected.length, where);
    }
  }
});
