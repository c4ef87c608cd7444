// box engine
/** Queries of logs against what the engine's own command line prints of them. */

import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { type AppLogs, createAppLogs } from "../../../lib/app_logs/app_logs.ts";
import type { AppLogQuery } from "../../../lib/app_logs/log_query.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { Database } from "../../../lib/store/database.ts";
import { runProgram } from "../../../scripts/programs.ts";
import { busyboxImage, Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { longestStall } from "../../fakes/longest_stall.ts";

const never = new AbortController().signal;

/** An engine, and app logs on it. */
class World implements AsyncDisposable {
  readonly engine: Engine;
  readonly logs: AppLogs;
  readonly #database: Database;

  constructor(readonly dockerd: Dockerd) {
    this.engine = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } });
    this.#database = Database.open(`${dockerd.folder}/reagent.db`, { log: silentLog });
    this.logs = createAppLogs({
      serialNumber: "SN-1",
      engine: this.engine,
      database: this.#database,
      publish: () => Promise.resolve(),
      isConnected: () => false,
      waitingBytes: () => 0,
      match: () => Promise.resolve([]),
      positionsDir: `${dockerd.folder}/log_positions`,
      containersToFollow: () => [],
      clock: systemClock,
      random: () => 0.5,
      log: silentLog,
    });
  }

  /** Runs a script to its end in a container of this name. */
  async run(name: string, options: { script: string; tty: boolean; driver?: string }): Promise<void> {
    const body = {
      Image: busyboxImage,
      Cmd: ["sh", "-c", options.script],
      Tty: options.tty,
      HostConfig: { NetworkMode: "none", LogConfig: { Type: options.driver ?? "json-file", Config: {} } },
    };
    const id = await this.engine.create(name, body, never);
    await this.engine.start(id, never);
    await this.engine.waitForExit(id, { condition: "not-running", signal: never });
  }

  async ask(channel: string, query: Partial<AppLogQuery> = {}) {
    return await this.logs.query({ channel, tail: 200, offset: 0, window: {}, timestamps: true, ...query }, never);
  }

  /** All lines as `docker logs --timestamps` prints them. */
  async printed(name: string): Promise<string[]> {
    const command = `docker -H ${this.dockerd.host} logs --timestamps ${name} 2>&1`;
    const { stdout } = await runProgram("sh", ["-c", command]);
    return stdout.replace(/\n$/, "").split("\n").map((line) => line.replace(/\r$/, ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.logs[Symbol.asyncDispose]();
    this.#database[Symbol.dispose]();
  }
}

/** Many short lines over three seconds, some of them on the other output, one without an end. */
const chatty = "i=0; while [ $i -lt 900 ]; do echo line $i; [ $((i%7)) = 0 ] && echo err $i >&2; i=$((i+1)); " +
  "[ $((i%300)) = 0 ] && sleep 1; done; printf 'a\\rb\\rc\\n\\n\\377\\376 bytes \\001\\nno end'";

const longLines =
  "echo before; head -c 1048576 /dev/zero | tr '\\0' a; echo; head -c 700000 /dev/zero | tr '\\0' b; echo; " +
  "head -c 40000 /dev/zero | tr '\\0' c; echo; echo after";

Deno.test("queries of logs on a real engine", async (t) => {
  await using dockerd = await Dockerd.start();
  await using world = new World(dockerd);

  for (const { tty, driver } of [{ tty: true, driver: "json-file" }, { tty: false, driver: "local" }]) {
    const name = `prod_1_${driver}`;
    await t.step(
      `any window of a log in ${driver}, with a terminal: ${tty}, is what docker logs prints of it`,
      async () => {
        await world.run(name, { script: chatty, tty, driver });
        const all = await world.printed(name);
        assert.ok(all.length > 900);
        const [first = "", last = ""] = [all[0], all.at(-1)];
        const startMs = Date.parse(first.slice(0, 30)) - 1_000;
        const endMs = Date.parse(last.slice(0, 30)) + 1_000;
        const oldest = `${first.slice(0, 19)}Z`;
        for (let question = 0; question < 40; question += 1) {
          const at = () => startMs + Math.floor(Math.random() * (endMs - startMs));
          const window = {
            ...(Math.random() < 0.6 ? { sinceMs: at() } : {}),
            ...(Math.random() < 0.6 ? { untilMs: at() } : {}),
          };
          const tail = 1 + Math.floor(Math.random() * 1_500);
          const offset = Math.random() < 0.5 ? 0 : Math.floor(Math.random() * 500);
          const bound = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}.000000000Z`;
          const inside = all.filter((line) =>
            (window.sinceMs === undefined || line.slice(0, 30) >= bound(window.sinceMs)) &&
            (window.untilMs === undefined || line.slice(0, 30) <= bound(window.untilMs))
          );
          const expected = inside.slice(0, Math.max(0, inside.length - offset)).slice(-tail);
          const { lines, source, oldestAvailable } = await world.ask(name, { tail, offset, window });
          const where = JSON.stringify({ tail, offset, window });
          // Of two outputs the engine itself mixes the order of lines that came at the same moment.
          assert.deepEqual(tty ? lines : lines.toSorted(), tty ? expected : expected.toSorted(), where);
          assert.deepEqual([source, oldestAvailable], ["docker", oldest]);
        }
        const plain = await world.ask(name, { tail: 5_000, timestamps: false });
        assert.deepEqual(plain.lines.at(-1), "no end");
        assert.ok(plain.lines.includes("a\rb\rc") && plain.lines.includes("\ufffd\ufffd bytes \u0001"));
      },
    );

    await t.step(
      `long lines in ${driver}, with a terminal: ${tty}, are whole as far as an answer can hold them`,
      async () => {
        const long = `prod_2_${driver}`;
        await world.run(long, { script: longLines, tty, driver });
        const { lines, truncated } = await world.ask(long, { timestamps: false });
        const sizes = lines.map((line) => `${line[0]}${line.length}`);
        assert.deepEqual(sizes.slice(-3), ["b700000", "c40000", "a5"]);
        assert.ok(truncated && sizes.length > 3 && JSON.stringify(lines).length <= 1_000_000);
        assert.deepEqual((await world.ask(long, { tail: 1, offset: 4, timestamps: false })).lines, ["before"]);
        const one = await world.ask(long, { tail: 1, offset: 3, timestamps: false });
        assert.ok(one.truncated && one.lines.every((line) => /^a+$/.test(line)) && one.lines.join("").length > 900_000);
        const stamped = await world.ask(long, { tail: 1, offset: 1 });
        assert.match(stamped.lines[0] ?? "", /^\d{4}-\d\d-\d\dT[\d:.]{18}Z c{40000}$/);
      },
    );
  }

  await t.step("a compose app: all services, each line with its name, none with an escape sequence", async () => {
    const file = `${dockerd.folder}/compose.json`;
    const script = (text: string) => `i=0; while [ $$i -lt 50 ]; do echo ${text} $$i; i=$$((i+1)); done`;
    const service = (text: string, tty: boolean) => ({ image: busyboxImage, tty, command: ["sh", "-c", script(text)] });
    const services = { web: service("web", false), "long-worker": service("work", true) };
    await Deno.writeTextFile(file, JSON.stringify({ name: "prod_3_shop_compose", services }));
    const compose = ["-H", dockerd.host, "compose", "-f", file];
    const up = await runProgram("docker", [...compose, "up", "-d"]);
    assert.equal(up.code, 0, up.stderr);
    await runProgram("docker", [...compose, "wait", "web", "long-worker"]);
    const printed = await runProgram("docker", [...compose, "logs", "--no-color"]);
    // The program pads names as it learns them.
    const plain = (line: string) => line.replace("\u001b[2K", "").replace(/ +\| /, " | ").replace(/\r$/, "");
    const expected = `${printed.stdout}${printed.stderr}`.split("\n").map(plain).filter((line) => line !== "");
    const { lines, source, truncated } = await world.ask("prod_3_shop", { timestamps: false });
    assert.deepEqual([lines.length, source, truncated], [100, "compose", false]);
    assert.deepEqual(lines.map(plain).toSorted(), expected.toSorted());
    assert.ok(lines.includes("web-1          | web 7") && lines.includes("long-worker-1  | work 7"));
    assert.ok(lines.every((line) => !line.includes("\u001b")));
    const some = await world.ask("prod_3_shop", { tail: 7 });
    assert.deepEqual([some.lines.length, some.truncated], [7, true]);
    const times = some.lines.map((line) => line.split(" | ")[1]?.slice(0, 30) ?? "");
    assert.deepEqual(times, times.toSorted());
  });

  await t.step("ten queries at once leave the agent able to act", async () => {
    const script = `yes "$(head -c 200 /dev/zero | tr '\\0' x)" | head -n 50000`;
    await world.run("prod_4_big", { script, tty: false });
    const window = { sinceMs: 0, untilMs: Date.now() - 3_600_000 };
    const stallMs = await longestStall(async () => {
      const asked = Array.from({ length: 10 }, (_, index) => {
        return world.ask("prod_4_big", { tail: 5_000, window: { ...window, sinceMs: index * 1_000 } });
      });
      for (const { lines } of await Promise.all(asked)) assert.deepEqual(lines, []);
    });
    assert.ok(stallMs < 500, `${stallMs} ms`);
  });
});
