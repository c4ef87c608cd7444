// box
import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import type { LogLine } from "../../../lib/docker/log_lines.ts";
import { busyboxImage, Dockerd } from "../../../scripts/testbed/dockerd.ts";

const never = new AbortController().signal;

async function run(engine: Engine, name: string, options: { script: string; tty: boolean }): Promise<string> {
  const body = {
    Image: busyboxImage,
    Cmd: ["sh", "-c", options.script],
    Tty: options.tty,
    HostConfig: { NetworkMode: "none" },
  };
  const id = await engine.create(name, body, never);
  await engine.start(id, never);
  return id;
}

interface PlainLine {
  time: string;
  text: string;
}

async function all(blocks: AsyncIterable<LogLine[]>): Promise<PlainLine[]> {
  const lines: PlainLine[] = [];
  for await (const block of blocks) lines.push(...block.map(({ time, text }) => ({ time, text })));
  return lines;
}

Deno.test("logs of the real engine", async (t) => {
  await using dockerd = await Dockerd.start({ liveRestore: true });
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } });
  const remove = (id: string) => engine.remove(id, { force: true, signal: never });

  for (const tty of [true, false]) {
    const kind = tty ? "a terminal" : "no terminal";

    await t.step(`followLogs() of a container with ${kind} replays, follows, and ends with the container`, async () => {
      const script = "echo first; echo 'größe 日本'; echo; sleep 0.3; echo err >&2; sleep 0.1; printf 'no end'";
      const id = await run(engine, "follow", { script, tty });
      const lines = await all(engine.followLogs(id, { tty, signal: never }));
      assert.deepEqual(lines.map((line) => line.text), ["first", "größe 日本", "", "err", "no end"]);
      const times = lines.map((line) => line.time);
      assert.deepEqual(times, times.toSorted());
      for (const time of times) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      assert.deepEqual(await all(engine.followLogs(id, { tty, signal: never })), lines);
      assert.deepEqual(await all(engine.followLogs(id, { tty: undefined, signal: never })), lines);
      assert.deepEqual(await all(engine.followLogs(id, { tty, tail: 2, signal: never })), lines.slice(-2));
      assert.deepEqual(await all(engine.followLogs(id, { tty, since: times[3], signal: never })), lines.slice(3));
      assert.deepEqual(await engine.readLogs(id, { tty, signal: never }), lines.map((line) => line.text));
      assert.deepEqual(await engine.readLogs(id, { tty, tail: 1, signal: never }), ["no end"]);
      await remove(id);
    });

    await t.step(`long lines of a container with ${kind} come whole, above 256 KiB in pieces`, async () => {
      const script =
        "head -c 40000 /dev/zero | tr '\\0' a; echo; head -c 300000 /dev/zero | tr '\\0' b; echo; echo end";
      const id = await run(engine, "long", { script, tty });
      const lines = await all(engine.followLogs(id, { tty, signal: never }));
      assert.deepEqual(lines.map((line) => line.text.length), [40_000, 262_144, 300_000 - 262_144, 3]);
      assert.deepEqual(lines.map((line) => [...new Set(line.text)].join("")), ["a", "b", "b", "end"]);
      await remove(id);
    });
  }

  await t.step("readLogs() returns the newest 4 MiB of a larger log", async () => {
    const script = "i=0; while [ $i -lt 6 ]; do head -c 1000000 /dev/zero | tr '\\0' $i; echo; i=$((i+1)); done";
    const id = await run(engine, "large", { script, tty: false });
    await engine.waitForExit(id, { condition: "not-running", signal: never });
    const lines = await engine.readLogs(id, { tty: false, signal: never });
    assert.deepEqual([...new Set(lines.map((line) => line[0]))], ["2", "3", "4", "5"]);
    assert.equal(lines.join("").length, 4_000_000);
    await remove(id);
  });

  await t.step("followLogs() ends without an error when its signal is aborted or its reader leaves", async () => {
    const id = await run(engine, "endless", { script: "while :; do echo tick; sleep 0.05; done", tty: true });
    const controller = new AbortController();
    let count = 0;
    for await (const lines of engine.followLogs(id, { tty: true, signal: controller.signal })) {
      for (const line of lines) assert.equal(line.text, "tick");
      count += lines.length;
      if (count >= 3) controller.abort();
    }
    assert.ok(count >= 3);
    for await (const _ of engine.followLogs(id, { tty: true, signal: never })) break;
    assert.deepEqual(await all(engine.followLogs(id, { tty: true, signal: AbortSignal.abort() })), []);
    await remove(id);
  });

  await t.step(
    "followLogs() throws engine_unreachable when the engine dies, and goes on after it without gap or duplicate",
    async () => {
      const script = "i=0; while [ $i -lt 200 ]; do echo $i; i=$((i+1)); done; sleep 60";
      const id = await run(engine, "survivor", { script, tty: false });
      const lines: PlainLine[] = [];
      await assert.rejects(async () => {
        for await (const block of engine.followLogs(id, { tty: false, signal: never })) {
          lines.push(...block.map(({ time, text }) => ({ time, text })));
          if (lines.length === 200) await dockerd.kill();
        }
      }, (error) => hasCode(error, "engine_unreachable"));
      await dockerd.start();
      const half = lines[100];
      assert.ok(half);
      const again = await engine.readLogs(id, { tty: false, since: half.time, signal: never });
      assert.equal(again[0], "100");
      assert.equal(again.length, 100);
      await remove(id);
    },
  );
});
