// box engine registry crossbar
/** `reagent status` and `reagent logs`, against a running agent and without one. */

import assert from "node:assert/strict";
import { foreignLines } from "../../lib/async/line_quota.ts";
import { isDict, parseJson } from "../../lib/base/json.ts";
import { socketPath } from "../../lib/local/socket_path.ts";
import { runProgram } from "../../scripts/programs.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { AgentFixture } from "./agent_fixture.ts";
import { runReagent } from "./local_fixture.ts";

async function status(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.publish("Lamp", "1.0.0", { tickMs: 100 });
  const { after } = await fixture.studio.request(device, "Lamp", { target: "RUNNING" });
  await fixture.studio.waitForReport(device, { appName: "Lamp", state: "RUNNING" }, { after, limitMs: 30_000 });
  const shown = await runReagent(agent, ["status"]);
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /^Connection: +connected to ws/m);
  assert.match(shown.stdout, /^Engine: +available$/m);
  assert.match(shown.stdout, /^Lamp +PROD +1\.0\.0 +\S+/m);
  const json = await runReagent(agent, ["status", "--json"]);
  const facts = parseJson(json.stdout);
  assert.ok(isDict(facts) && isDict(facts.device));
  assert.equal(facts.device.serialNumber, device.serial);
  for (const text of [shown.stdout, json.stdout]) assert.ok(!text.includes(device.secret), "the secret is shown");
  const logs = await pollUntil("the app has printed", async () => {
    const read = await runReagent(agent, ["logs", "lamp", "--tail", "3"], { env: { DOCKER_HOST: "unix:///nowhere" } });
    return /tick/.test(read.stdout) ? read : undefined;
  });
  assert.equal(logs.code, 0, logs.stderr);
  assert.match(logs.stdout, /^(tick \d+\n){1,3}$/);
  assert.equal(await agent.stop(), 0);
  const gone = await runReagent(agent, ["status"]);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /^No agent runs with its folder at ".+"; "reagent doctor" looks for the reason\n$/);
  const still = await runReagent(agent, ["logs", "-n", "2", "-t", "Lamp"], {
    env: { DOCKER_HOST: fixture.engine.host },
  });
  assert.match(still.stdout, /^(\d{4}-\S+Z tick \d+\n){2}$/, still.stderr);
  const own = await runReagent(agent, ["logs", "--tail=1"]);
  assert.match(own.stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w{3} .*\n$/);
  const unknown = await runReagent(agent, ["logs", "pump"], { env: { DOCKER_HOST: fixture.engine.host } });
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /No such app: pump; there are prod_\d+_lamp/);
}

/** Programs of root that misbehave, and one of another user. */
async function hostileClients(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const path = socketPath(agent.folder);
  await pollUntil("the socket is there", async () => await Deno.lstat(path).catch(() => undefined));
  const { sessionId } = fixture.studio.device(device);
  const before = (await agent.readLog()).length;
  const sent = [
    new Uint8Array(),
    new Uint8Array(4 * 1024 * 1024).fill(120),
    new TextEncoder().encode('{"ask":"status"}\n'),
  ];
  const attack = async (content: Uint8Array) => {
    using connection = await Deno.connect({ transport: "unix", path });
    if (content.length > 0) await connection.write(content);
    await untilAnswered;
  };
  const calls: Promise<unknown>[] = [];
  const { promise: untilAnswered, resolve: end } = Promise.withResolvers<void>();
  // Some find no room in the queue of the system.
  const attacks = Array.from({ length: 1_000 }, (_, index) => {
    if (index % 100 === 0) calls.push(fixture.studio.call(device, "wamp_connection_established"));
    return attack(sent[index % sent.length] ?? new Uint8Array()).catch(() => undefined);
  });
  assert.equal((await Promise.all(calls)).length, 10);
  await pollUntil("root is answered again", async () => {
    return (await runReagent(agent, ["status"])).code === 0 || undefined;
  }, { limitMs: 30_000 });
  end();
  await Promise.all(attacks);
  assert.equal(fixture.studio.device(device).sessionId, sessionId);
  const lines = (await agent.readLog()).slice(before).filter(({ message }) => message === "A local question failed");
  assert.ok(lines.length <= foreignLines.lines, `${lines.length} lines in the log`);
  await stranger(agent.folder, path);
  assert.equal(await agent.stop(), 0);
}

/** Another user does not even see the socket, where folders above are open. */
async function stranger(folder: string, path: string): Promise<void> {
  const look = async (place: string) => {
    return await runProgram("setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", "ls", place]);
  };
  for (let above = folder; above !== "/tmp"; above = above.slice(0, above.lastIndexOf("/"))) {
    await Deno.chmod(above, 0o755);
  }
  assert.equal((await look(folder)).code, 0);
  assert.match((await look(path)).stderr, /Permission denied/);
}

Deno.test("commands on the device", async (test) => {
  await using fixture = await AgentFixture.start();
  await test.step("status and logs tell what the agent does, and what is left of it", () => status(fixture));
  await test.step("programs that misbehave do not disturb the agent", () => hostileClients(fixture));
});
