// box engine registry crossbar
/** `reagent status` and `reagent logs`, against a running agent and without one. */

import assert from "node:assert/strict";
import { isDict, parseJson } from "../../lib/base/json.ts";
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

Deno.test("commands on the device", async (test) => {
  await using fixture = await AgentFixture.start();
  await test.step("status and logs tell what the agent does, and what is left of it", () => status(fixture));
});
