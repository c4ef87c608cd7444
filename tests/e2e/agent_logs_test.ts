// box engine registry crossbar
/** What an agent's process shows: the live log of an app without a gap, its history, and its own log without a secret. */

import assert from "node:assert/strict";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import { textOf } from "../../scripts/studio/store.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentWorld, type Listening } from "./agent_world.ts";

/** A device whose app prints a number ten times a second, or more. */
interface Stage {
  world: AgentWorld;
  device: AddedDevice;
  agent: AgentProcess;
  told: Listening;
}

const app = "Clock";
const tickMs = 25;

/** What the app gets. The name of the first promises a secret; the other is nobody's business either, and no secret by its name. */
const environment = { API_PASSWORD: "hunter2-kBv81", GREETING: "good-morning-Zq7" };

/** All that the engine has kept of the app's output. */
async function engineLines(world: AgentWorld): Promise<string[]> {
  return (await world.engine.docker("logs", world.container(app))).split("\n").map((line) => line.replace(/\r$/, ""));
}

/** Waits until the viewer has what the engine has at this moment, and compares line by line. */
async function assertComplete({ world, told }: Stage): Promise<void> {
  const wanted = await engineLines(world);
  await pollUntil("the viewer has all lines", () => Promise.resolve(told.lines.length >= wanted.length || undefined), {
    limitMs: 20_000,
  });
  const index = wanted.findIndex((line, at) => told.lines[at] !== line);
  assert.equal(
    index,
    -1,
    `at ${index}: ${told.lines.slice(Math.max(0, index - 2), index + 3)} for ${
      wanted.slice(Math.max(0, index - 2), index + 3)
    }`,
  );
  assert.equal(new Set(told.lines).size, told.lines.length, "a line came twice");
}

async function readHistory({ world, device }: Stage): Promise<string[]> {
  const [lines] =
    (await world.studio.call(device, "get_app_log_history", [{ containerName: world.container(app) }])).args;
  assert.ok(Array.isArray(lines));
  return lines.map(String);
}

/** Waits for the next batch: the one after it is 200 ms away. */
async function untilBatch({ told }: Stage): Promise<void> {
  const { events } = told;
  await pollUntil("a batch of lines", () => Promise.resolve(told.events > events || undefined));
}

const following: Record<string, (stage: Stage) => Promise<void>> = {
  "lines come in batches, from the first one on": async (stage) => {
    await pollUntil("two hundred lines", () => Promise.resolve(stage.told.lines.length >= 200 || undefined), {
      limitMs: 30_000,
    });
    assert.equal(stage.told.lines[0], "begin");
    assert.ok(
      stage.told.lines.length / stage.told.events >= 3,
      `${stage.told.events} events for ${stage.told.lines.length} lines`,
    );
    await assertComplete(stage);
  },

  "the history is the last hundred lines": async (stage) => {
    const history = await readHistory(stage);
    assert.equal(history.length, 100);
    const all = await engineLines(stage.world);
    const start = all.indexOf(history[0] ?? "");
    assert.deepEqual(history, all.slice(start, start + 100));
    assert.ok(all.length - start < 300, "the history is old");
  },

  "a lost connection costs no line": async (stage) => {
    const { world, device } = stage;
    for (let round = 0; round < 2; round += 1) {
      const { sessionId } = world.studio.device(device);
      await untilBatch(stage);
      await world.killSession(device);
      await world.untilBack(device, sessionId);
      await assertComplete(stage);
    }
  },

  "a restart of the engine costs no line": async (stage) => {
    const before = await stage.world.inspect(app);
    await stage.world.engine.restart();
    await assertComplete(stage);
    await stage.world.engine.kill();
    await sleep(1_000);
    await stage.world.engine.start();
    await assertComplete(stage);
    assert.equal(await stage.world.inspect(app), before);
  },

  "nobody listens, nothing is sent": async (stage) => {
    const { agent, told } = stage;
    const published = async () => {
      return (await agent.readLog()).filter(({ fields }) => fields.kind === "PUBLISH" && fields.direction === "out")
        .length;
    };
    await told[Symbol.asyncDispose]();
    await sleep(500);
    const before = await published();
    await sleep(1_500);
    assert.equal(await published(), before);
    const lengthBefore = (await engineLines(stage.world)).length;
    // Lines of a slow log gather in the socket for 40 ms before the agent reads them.
    await sleep(200);
    stage.told = await stage.world.listen(stage.device, app);
    await untilBatch(stage);
    const first = (await engineLines(stage.world)).indexOf(stage.told.lines[0] ?? "");
    assert.ok(first >= lengthBefore, "a new listener got lines of before, which are the history's business");
  },

  "a restart of the router: the history has what the viewer missed": async (stage) => {
    const { world, device, told } = stage;
    const { sessionId } = world.studio.device(device);
    await world.crossbar.kill();
    await world.crossbar.start();
    await world.untilBack(device, sessionId, 40_000);
    const { length } = told.lines;
    await pollUntil("lines go on", () => Promise.resolve(told.lines.length > length || undefined), { limitMs: 20_000 });
    assert.equal(new Set(told.lines).size, told.lines.length, "a line came twice");
    const history = await readHistory(stage);
    const all = await engineLines(world);
    const start = all.indexOf(history[0] ?? "");
    assert.deepEqual(history, all.slice(start, start + history.length));
  },
};

/** Every line has its members in the order that readers of the log count on. */
function assertForm(text: string): void {
  const levels = ["debug", "info", "warn", "error", "fatal"];
  for (const line of text.trimEnd().split("\n")) {
    const value: unknown = JSON.parse(line);
    assert.ok(typeof value === "object" && value !== null, line);
    const names = Object.keys(value);
    assert.equal(names[0], "level", line);
    assert.deepEqual(names.slice(-3), ["caller", "time", "message"], line);
    const { level, caller, time } = { level: "", caller: "", time: "", ...value };
    assert.ok(levels.includes(level), line);
    assert.match(caller, /^[a-z_]+\.[jt]s(:\d+)+$/, line);
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/, line);
  }
}

/** All that nobody may read in a log. */
async function secretsOf({ world, device }: Stage): Promise<[name: string, secret: string][]> {
  const tokens = world.studio.store.all("SELECT token FROM registry_tokens").map((row) => textOf(row, "token"));
  assert.ok(tokens.length > 0);
  const credential = await world.inspect(app, "{{range .Config.Env}}{{println .}}{{end}}") ?? "";
  const secret = /^APP_AUTH_SECRET=(.{20,})$/m.exec(credential)?.[1];
  assert.ok(secret !== undefined, "the app has no credential");
  return [
    ["device secret", device.secret],
    ["key of app credentials", device.appCredKey],
    ["credential of the app", secret],
    ...Object.entries(environment).map(([name, value]): [string, string] => [`variable ${name} of the app`, value]),
    ...tokens.map((token, index): [string, string] => [`registry token ${index}`, token]),
  ];
}

async function assertNoSecrets(stage: Stage): Promise<void> {
  const { agent } = stage;
  const text = [await Deno.readTextFile(agent.logFile), agent.output, agent.errors].join("\n");
  const shown = (await secretsOf(stage)).filter(([, secret]) => text.includes(secret));
  assert.deepEqual(shown.map(([name]) => name), []);
  assert.match(text, /"message":"WAMP message"/, "the messages are not in the log");
}

Deno.test("what an agent shows", async (test) => {
  await using world = await AgentWorld.start({ engine: { liveRestore: true } });
  await world.publish(app, "1", { prints: ["begin"], tickMs });
  const device = world.addDevice();
  await using agent = await world.startAgent(device, { args: ["-debugMessaging"] });
  const told = await world.listen(device, app);
  await world.studio.waitForStatus(device, "CONNECTED");
  await world.studio.request(device, app, { target: "RUNNING", environment });
  await told.until(`"Now running app ${app} (1)"`);
  const stage: Stage = { world, device, agent, told };
  for (const [name, run] of Object.entries(following)) await test.step(name, () => run(stage));
  await test.step("its own log has one form, and no secret, also with all messages in it", async () => {
    assertForm(await Deno.readTextFile(agent.logFile));
    await assertNoSecrets(stage);
    assert.equal(((await Deno.stat(agent.logFile)).mode ?? 0) & 0o777, 0o600);
  });
  await stage.told[Symbol.asyncDispose]();
  assert.equal(await agent.stop(), 0);
});
