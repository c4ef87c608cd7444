// box engine registry crossbar
/** The logs of an agent's process: the live log and history of an app without gaps, and its own log without secrets. */

import assert from "node:assert/strict";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import { textColumn } from "../../scripts/studio/store.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentFixture, type Recording } from "./agent_fixture.ts";

/** A device whose app prints a number forty times a second. */
interface LoggingApp {
  fixture: AgentFixture;
  device: AddedDevice;
  agent: AgentProcess;
  transcript: Recording;
}

const app = "Clock";
const tickMs = 25;

/** The app's variables. The name of the first one suggests a secret; the other one must stay private as well. */
const environment = { API_PASSWORD: "hunter2-kBv81", GREETING: "good-morning-Zq7" };

/** The app's complete output, as the engine has stored it. */
async function engineLines(fixture: AgentFixture): Promise<string[]> {
  return (await fixture.engine.docker("logs", fixture.container(app))).split("\n").map((line) =>
    line.replace(/\r$/, "")
  );
}

/** Waits until the viewer has all lines that the engine has now, and compares them. */
async function assertComplete({ fixture, transcript }: LoggingApp): Promise<void> {
  const wanted = await engineLines(fixture);
  await pollUntil(
    "the viewer has all lines",
    () => Promise.resolve(transcript.lines.length >= wanted.length || undefined),
    { limitMs: 20_000 },
  );
  const index = wanted.findIndex((line, at) => transcript.lines[at] !== line);
  assert.equal(
    index,
    -1,
    `at ${index}: ${transcript.lines.slice(Math.max(0, index - 2), index + 3)} for ${
      wanted.slice(Math.max(0, index - 2), index + 3)
    }`,
  );
  assert.equal(new Set(transcript.lines).size, transcript.lines.length, "a line arrived twice");
}

async function readHistory({ fixture, device }: LoggingApp): Promise<string[]> {
  const args = [{ containerName: fixture.container(app) }];
  const [lines] = (await fixture.studio.call(device, "get_app_log_history", { args })).args;
  assert.ok(Array.isArray(lines));
  return lines.map(String);
}

/** Waits for the next batch of lines; the one after it follows 200 ms later. */
async function untilBatch({ transcript }: LoggingApp): Promise<void> {
  const { events } = transcript;
  await pollUntil("a batch of lines", () => Promise.resolve(transcript.events > events || undefined));
}

const following: Record<string, (logging: LoggingApp) => Promise<void>> = {
  "lines arrive in batches, from the first one on": async (logging) => {
    await pollUntil("two hundred lines", () => Promise.resolve(logging.transcript.lines.length >= 200 || undefined), {
      limitMs: 30_000,
    });
    assert.equal(logging.transcript.lines[0], "begin");
    assert.ok(
      logging.transcript.lines.length / logging.transcript.events >= 3,
      `${logging.transcript.events} events for ${logging.transcript.lines.length} lines`,
    );
    await assertComplete(logging);
  },

  "the history is the last 100 lines": async (logging) => {
    const history = await readHistory(logging);
    assert.equal(history.length, 100);
    const all = await engineLines(logging.fixture);
    const start = all.indexOf(history[0] ?? "");
    assert.deepEqual(history, all.slice(start, start + 100));
    assert.ok(all.length - start < 300, "the history is old");
  },

  "a lost connection costs no line": async (logging) => {
    const { fixture, device } = logging;
    for (let count = 0; count < 2; count += 1) {
      const { sessionId } = fixture.studio.device(device);
      await untilBatch(logging);
      await fixture.killSession(device);
      await fixture.untilBack(device, sessionId);
      await assertComplete(logging);
    }
  },

  "a restart of the engine costs no line": async (logging) => {
    const before = await logging.fixture.inspect(app);
    await logging.fixture.engine.restart();
    await assertComplete(logging);
    await logging.fixture.engine.kill();
    await sleep(1_000);
    await logging.fixture.engine.start();
    await assertComplete(logging);
    assert.equal(await logging.fixture.inspect(app), before);
  },

  "without a viewer nothing is published": async (logging) => {
    const { agent, transcript } = logging;
    const published = async () => {
      return (await agent.readLog()).filter(({ fields }) => fields.kind === "PUBLISH" && fields.direction === "out")
        .length;
    };
    await transcript[Symbol.asyncDispose]();
    await sleep(500);
    const before = await published();
    await sleep(1_500);
    assert.equal(await published(), before);
    const lengthBefore = (await engineLines(logging.fixture)).length;
    // Lines of a slow log stay in the socket for 40 ms before the agent reads them.
    await sleep(200);
    logging.transcript = await logging.fixture.record(logging.device, app);
    await untilBatch(logging);
    const first = (await engineLines(logging.fixture)).indexOf(logging.transcript.lines[0] ?? "");
    assert.ok(first >= lengthBefore, "a new viewer received earlier lines, which belong to the history");
  },

  "after a restart of the router the history has what the viewer missed": async (logging) => {
    const { fixture, device, transcript } = logging;
    const { sessionId } = fixture.studio.device(device);
    await fixture.crossbar.kill();
    await fixture.crossbar.start();
    await fixture.untilBack(device, sessionId, { limitMs: 40_000 });
    const { length } = transcript.lines;
    await pollUntil("lines arrive again", () => Promise.resolve(transcript.lines.length > length || undefined), {
      limitMs: 20_000,
    });
    assert.equal(new Set(transcript.lines).size, transcript.lines.length, "a line arrived twice");
    const history = await readHistory(logging);
    const all = await engineLines(fixture);
    const start = all.indexOf(history[0] ?? "");
    assert.deepEqual(history, all.slice(start, start + history.length));
  },
};

/** Asserts that every line has its members in the order that readers of the log rely on. */
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

/** Everything that must not appear in a log. */
async function secretsOf({ fixture, device }: LoggingApp): Promise<[name: string, secret: string][]> {
  const tokens = fixture.studio.store.all("SELECT token FROM registry_tokens").map((row) => textColumn(row, "token"));
  assert.ok(tokens.length > 0);
  const credential = await fixture.inspect(app, "{{range .Config.Env}}{{println .}}{{end}}") ?? "";
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

async function assertNoSecrets(logging: LoggingApp): Promise<void> {
  const { agent } = logging;
  const text = [await Deno.readTextFile(agent.logFile), agent.output, agent.errors].join("\n");
  const shown = (await secretsOf(logging)).filter(([, secret]) => text.includes(secret));
  assert.deepEqual(shown.map(([name]) => name), []);
  assert.match(text, /"message":"WAMP message"/, "the log has no WAMP messages");
}

Deno.test("the logs of an agent", async (test) => {
  await using fixture = await AgentFixture.start({ engine: { liveRestore: true } });
  await fixture.publish(app, "1", { prints: ["begin"], tickMs });
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device, { args: ["-debugMessaging"] });
  const transcript = await fixture.record(device, app);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.studio.request(device, app, { target: "RUNNING", environment });
  await transcript.until(`"Now running app ${app} (1)"`);
  const logging: LoggingApp = { fixture, device, agent, transcript };
  for (const [name, run] of Object.entries(following)) await test.step(name, () => run(logging));
  await test.step("its own log has one format and no secrets, even with all WAMP messages in it", async () => {
    assertForm(await Deno.readTextFile(agent.logFile));
    await assertNoSecrets(logging);
    assert.equal(((await Deno.stat(agent.logFile)).mode ?? 0) & 0o777, 0o600);
  });
  await logging.transcript[Symbol.asyncDispose]();
  assert.equal(await agent.stop(), 0);
});
