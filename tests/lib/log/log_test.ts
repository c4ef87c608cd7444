import assert from "node:assert/strict";
import { getConfig } from "@logtape/logtape";
import { AgentError } from "../../../lib/base/errors.ts";
import { localTimeText } from "../../../lib/base/local_time.ts";
import type { LogFields } from "../../../lib/base/log.ts";
import { lineQuota } from "../../../lib/log/line_limits.ts";
import { type AgentLog, openLog, startErrorLine } from "../../../lib/log/log.ts";
import { reopenPauseMs } from "../../../lib/log/log_file.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { pathOf } from "../../../scripts/paths.ts";

/** An output that keeps its text. */
class Output {
  text = "";
  fault: Error | undefined;
  /** The output takes nothing before it resolves. */
  reader: Promise<void> | undefined;

  async write(bytes: Uint8Array): Promise<number> {
    if (this.fault !== undefined) throw this.fault;
    await this.reader;
    this.text += new TextDecoder().decode(bytes);
    return bytes.length;
  }
}

/** A log in a folder of its own. */
class Place implements AsyncDisposable {
  readonly clock = new FakeClock({ wall: new Date("2026-08-04T09:12:00.400Z") });
  readonly stdout = new Output();
  readonly stderr = new Output();
  readonly folder = Deno.makeTempDirSync();
  readonly path = `${this.folder}/reagent.log`;
  readonly time = localTimeText(this.clock.wall());
  readonly agentLog: AgentLog;

  constructor(
    options: { isDebug?: boolean; isPretty?: boolean; isColored?: boolean; limitBytes?: number; path?: string } = {},
  ) {
    const { clock, stdout, stderr, path } = this;
    this.agentLog = openLog({
      path,
      isDebug: true,
      isPretty: false,
      isColored: false,
      clock,
      stdout,
      stderr,
      ...options,
      ...(options.path === undefined ? {} : { path: `${this.folder}/${options.path}` }),
    });
  }

  text(name = "reagent.log"): string {
    return Deno.readTextFileSync(`${this.folder}/${name}`);
  }

  /** The parsed lines, without time and caller. */
  records(): unknown[] {
    return this.text().split("\n").slice(0, -1).map((line) => {
      const { time: _time, caller: _caller, ...record } = JSON.parse(line);
      return record;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agentLog[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function here(): number {
  return Number(/log_test\.ts:(\d+):\d+\)?$/.exec(new Error().stack?.split("\n")[2] ?? "")?.[1]);
}

Deno.test("a line of the log has level, fields, caller, time and message", async () => {
  await using place = new Place();
  const { log } = place.agentLog;
  const line = here() + 1;
  log.warn("reconnecting", { error: new AgentError("timeout", "dial timeout"), durationMs: 812 });
  assert.equal(
    place.text(),
    `{"level":"warn","error":"dial timeout","durationMs":812,"caller":"log_test.ts:${line}",` +
      `"time":"${place.time}","message":"reconnecting"}\n`,
  );
});

Deno.test("every method writes its level and finds its own caller", async () => {
  await using place = new Place();
  const { log } = place.agentLog;
  const first = here() + 1;
  log.trace("one");
  log.debug("two");
  log.info("three");
  log.warn("four");
  log.error("five");
  log.fatal("six");
  const records = place.text().split("\n").slice(0, -1).map((line) => {
    const { level, caller, message } = JSON.parse(line);
    return `${level} ${caller} ${message}`;
  });
  assert.deepEqual(records, [
    `debug log_test.ts:${first + 1} two`,
    `info log_test.ts:${first + 2} three`,
    `warn log_test.ts:${first + 3} four`,
    `error log_test.ts:${first + 4} five`,
    `fatal log_test.ts:${first + 5} six`,
  ]);
});

Deno.test("a log without debug writes info and above, and does not read the fields of other lines", async () => {
  await using place = new Place({ isDebug: false });
  const { log } = place.agentLog;
  const watched = {
    get a(): number {
      return reads += 1;
    },
  };
  let reads = 0;
  log.debug("unseen", watched);
  log.trace("unseen", watched);
  assert.equal(reads, 0);
  log.info("seen");
  assert.deepEqual(place.records(), [{ level: "info", message: "seen" }]);
});

Deno.test("a message is not a template", async () => {
  await using place = new Place();
  place.agentLog.log.info("Cannot read {app} of {{x}} %s", { app: "shop" });
  assert.deepEqual(place.records(), [{ level: "info", app: "shop", message: "Cannot read {app} of {{x}} %s" }]);
});

Deno.test("the pretty log writes to stdout, and JSON to the file", async () => {
  await using place = new Place({ isPretty: true, isColored: true });
  const line = here() + 1;
  place.agentLog.log.info("Connected", { app: "my shop" });
  await place.agentLog.flush();
  const time = place.time.slice(0, 19).replace("T", " ");
  assert.equal(
    place.stdout.text,
    `\x1b[90m${time}\x1b[0m \x1b[32mINF\x1b[0m \x1b[1mlog_test.ts:${line}\x1b[0m \x1b[36m>\x1b[0m ` +
      `\x1b[1mConnected\x1b[0m \x1b[36mapp=\x1b[0m"my shop"\n`,
  );
  assert.deepEqual(place.records(), [{ level: "info", app: "my shop", message: "Connected" }]);
  assert.equal(place.stderr.text, "");
});

Deno.test("a log that is not pretty writes nothing to stdout, and fatal lines to stderr", async () => {
  await using place = new Place();
  place.agentLog.log.error("an error");
  place.agentLog.log.fatal("the end");
  await place.agentLog.flush();
  assert.equal(place.stdout.text, "");
  assert.equal(place.stderr.text, place.text().split("\n").slice(1).join("\n"));
  assert.match(place.stderr.text, /^\{"level":"fatal",.*"message":"the end"\}\n$/);
});

Deno.test("announce() prints to stdout only, or in the log when it is pretty", async () => {
  await using plain = new Place();
  plain.agentLog.hideSecret("hunter22");
  plain.agentLog.announce("Connecting hunter22");
  await plain.agentLog.flush();
  assert.equal(plain.stdout.text, "Connecting ***\n");
  assert.equal(plain.text(), "");
  await using pretty = new Place({ isPretty: true });
  const line = here() + 1;
  pretty.agentLog.announce("Connecting");
  await pretty.agentLog.flush();
  assert.match(pretty.stdout.text, new RegExp(`INF log_test.ts:${line} > Connecting\n$`));
  assert.deepEqual(pretty.records(), [{ level: "info", message: "Connecting" }]);
});

Deno.test("a closed stdout keeps no line out of the file", async () => {
  await using place = new Place({ isPretty: true });
  place.stdout.fault = new Deno.errors.BrokenPipe("gone");
  for (const message of ["one", "two"]) {
    place.agentLog.log.info(message);
    await place.agentLog.flush();
  }
  assert.equal(place.records().length, 2);
});

Deno.test("a log file that cannot be written keeps no line off stdout", async () => {
  await using place = new Place({ isPretty: true, path: "." });
  place.agentLog.log.info("one");
  place.agentLog.log.info("two");
  await place.agentLog.flush();
  assert.match(place.stdout.text, /> one\n.*> two\n$/);
  assert.match(place.stderr.text, /^Cannot write the log file ".*", its lines are lost: it is not a file\n$/);
});

Deno.test("a stalled reader of stdout delays nothing, and the end only for a second", async () => {
  await using place = new Place({ isPretty: true });
  const reader = Promise.withResolvers<void>();
  place.stdout.reader = reader.promise;
  place.agentLog.log.info("one");
  assert.equal(place.records().length, 1);
  const flushed = place.agentLog.flush();
  await place.clock.advance(1_000);
  await flushed;
  assert.equal(place.stdout.text, "");
  reader.resolve();
  await place.agentLog.flush();
  assert.match(place.stdout.text, /> one\n$/);
  assert.equal(place.clock.sleeping, 0);
});

Deno.test("the log reports how many lines were lost when the file can be written again", async () => {
  await using place = new Place({ path: "block/reagent.log" });
  Deno.removeSync(`${place.folder}/block`, { recursive: true });
  Deno.writeTextFileSync(`${place.folder}/block`, "");
  await place.clock.advance(1_000);
  const { log } = place.agentLog;
  log.info("lost");
  log.info("lost");
  Deno.removeSync(`${place.folder}/block`);
  await place.clock.advance(reopenPauseMs);
  log.info("one");
  const [first = "", second = ""] = place.text("block/reagent.log").split("\n");
  assert.equal(
    first,
    `{"level":"warn","lost":2,"time":"${localTimeText(place.clock.wall())}","message":"Log lines were lost"}`,
  );
  assert.match(second, /"message":"one"/);
});

Deno.test("the log file is rotated at its limit", async () => {
  await using place = new Place({ limitBytes: 300 });
  for (let index = 0; index < 9; index += 1) place.agentLog.log.info("Line", { index });
  const names = Array.from(Deno.readDirSync(place.folder), (entry) => entry.name).sort();
  assert.equal(names.length, 3);
  const indexes = names.flatMap((name) => place.text(name).match(/(?<="index":)\d/g) ?? []);
  assert.deepEqual(indexes, ["4", "5", "6", "7", "8"]);
});

Deno.test("several logs can be open, and the last one leaves no configuration", async () => {
  await using first = new Place();
  {
    await using second = new Place({ isDebug: false });
    first.agentLog.log.debug("to the first");
    second.agentLog.log.debug("to nobody");
    second.agentLog.log.info("to the second");
    assert.deepEqual(second.records(), [{ level: "info", message: "to the second" }]);
  }
  first.agentLog.log.debug("to the first again");
  assert.deepEqual(first.records(), [{ level: "debug", message: "to the first" }, {
    level: "debug",
    message: "to the first again",
  }]);
  await first.agentLog[Symbol.asyncDispose]();
  first.agentLog.log.info("too late");
  assert.equal(first.records().length, 2);
  assert.equal(getConfig(), null);
});

Deno.test("the log accepts any value", async () => {
  await using place = new Place();
  const { log } = place.agentLog;
  const circle: LogFields = { big: 1n, call: () => 1, map: new Map([["a", 1]]), bytes: new Uint8Array(3) };
  circle.self = circle;
  log.info("circle", circle);
  log.info("hostile", {
    get a(): number {
      throw new Error("no");
    },
  });
  log.info("x".repeat(1_000_000), { text: "y".repeat(1_000_000) });
  const [first, second, third] = place.text().split("\n");
  assert.match(first ?? "", /"big":"1","call":"\[function\]","map":\{"a":1\},"bytes":"\[3 bytes\]","self":\{/);
  assert.match(second ?? "", /"fields":"\[unreadable\]".*"message":"hostile"/);
  assert.ok((third ?? "").length < 17_000);
  assert.equal(place.stderr.text, "");
});

Deno.test("no known secret gets into the log, wherever it is in the fields", async () => {
  await using place = new Place({ isPretty: true });
  const random = randomFrom(11);
  const secrets = ["hunter22", "s3cr3t/+==", 'qu"ote\\d', "4242424242", "zeile\neins", "päßwörd🔑", "hunt"];
  for (const secret of secrets) place.agentLog.hideSecret(secret);
  for (let round = 0; round < 300; round += 1) {
    const { log, announce } = place.agentLog;
    const fields = Object.fromEntries([0, 1, 2].map(() => [randomText(random, secrets), randomValue(random, secrets)]));
    const error = random() < 0.5 ? { error: randomValue(random, secrets) } : {};
    log.warn(randomText(random, secrets), { ...fields, ...error });
    announce(randomText(random, secrets));
  }
  await place.agentLog.flush();
  const written = place.text() + place.stdout.text + place.stderr.text;
  assert.ok(written.length > 50_000 && place.text().split("\n").length === 601);
  for (const secret of secrets) {
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
      assert.equal(
        written.indexOf(form),
        -1,
        `${form} at ${written.slice(written.indexOf(form) - 80, written.indexOf(form) + 40)}`,
      );
    }
  }
});

Deno.test("a killed process loses no line that it has written", async () => {
  const folder = await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-all",
      pathOf("log_writer.ts", import.meta.url),
      `${folder}/reagent.log`,
    ],
    stdout: "piped",
  }).spawn();
  let printed = "";
  let isKilled = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += chunk;
    if (isKilled || printed.split("\n").length < 200) continue;
    child.kill("SIGKILL");
    isKilled = true;
  }
  assert.equal((await child.status).signal, "SIGKILL");
  const last = Number(printed.slice(0, printed.lastIndexOf("\n")).split("\n").at(-1));
  const text = await Deno.readTextFile(`${folder}/reagent.log`);
  await Deno.remove(folder, { recursive: true });
  assert.ok(text.endsWith("\n"));
  const indexes = text.split("\n").slice(0, -1).map((line) => JSON.parse(line).index);
  assert.ok(indexes.length >= last, `${indexes.length} of ${last}`);
  assert.deepEqual(indexes, indexes.map((_, index) => index + 1));
});

Deno.test("startErrorLine() returns a line of the log without a caller", () => {
  const date = new Date("2026-08-04T09:12:00Z");
  const error = new AgentError("lock_held", "Another agent runs");
  assert.equal(
    startErrorLine("Cannot start", { error, date }),
    `{"level":"fatal","error":"Another agent runs","time":"${localTimeText(date)}","message":"Cannot start"}\n`,
  );
});

function randomFrom(seed: number): () => number {
  return () => (seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}

function randomText(random: () => number, secrets: string[]): string {
  const parts = [...secrets, "", "a", " ", "=", ": ", '"', "\\", "\n", "é", "x".repeat(8_185), "token="];
  const pick = () => parts[Math.floor(random() ** 1.1 * parts.length)] ?? "";
  return Array.from({ length: 1 + Math.floor(random() * 4) }, pick).join(random() < 0.5 ? "" : "-");
}

function randomValue(random: () => number, secrets: string[], depth = 0): unknown {
  const text = () => randomText(random, secrets);
  const inner = () => depth > 4 ? text() : randomValue(random, secrets, depth + 1);
  const kinds: (() => unknown)[] = [
    text,
    () => 4242424242,
    () => 14242424242n,
    () => [inner(), inner()],
    () => ({ [text()]: inner(), [text()]: inner() }),
    () => new Map([[inner(), inner()]]),
    () => new Set([inner()]),
    () => new Error(text(), { cause: inner() }),
    () => new AgentError("internal", text(), { cause: new TypeError(text()) }),
    () => ({ toJSON: inner }),
    () => JSON.stringify({ [text()]: text() }),
    () => encodeURIComponent(text()),
    () => null,
  ];
  return kinds[Math.floor(random() * kinds.length)]?.();
}

Deno.test("#6: one kind of line cannot fill the log, and every message of the link is in it", async () => {
  await using place = new Place();
  const { log, traceWire } = place.agentLog;
  for (let count = 0; count < 5_000; count += 1) {
    log.warn("Refused an invocation", { why: "x" });
    traceWire("in", [36, count]);
  }
  log.info("Connected");
  await place.clock.advance(lineQuota.perMs);
  log.warn("Refused an invocation", { why: "y" });
  const lines = place.text().split("\n");
  const count = (text: string) => lines.filter((line) => line.includes(text)).length;
  assert.deepEqual(["Refused", "WAMP message", "Connected"].map(count), [lineQuota.lines + 1, 5_000, 1]);
  assert.deepEqual(place.records().at(-1), {
    level: "warn",
    why: "y",
    omitted: 5_000 - lineQuota.lines,
    message: "Refused an invocation",
  });
});
