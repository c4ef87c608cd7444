// box engine registry crossbar
/** A compose app on an agent's process, with a name that compose has to change, as Studio and its users see it. */

import assert from "node:assert/strict";
import { isDict } from "../../lib/base/json.ts";
import { pushImage } from "../../scripts/testbed/images.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { AgentFixture } from "./agent_fixture.ts";

const app = "My-Shop_1";

Deno.test("a compose app on an agent's process", async (t) => {
  await using fixture = await AgentFixture.start();
  const { engine, registry } = fixture;
  const image = async (service: string, version: string, prints: string[]) => {
    const recipe = { prints, printsEnvironment: service === "web", tickMs: 500 };
    return await pushImage(engine, registry, { name: `apps/${service}:${version}`, recipe });
  };
  const db = { image: await image("db", "1", ["I am the database"]) };
  const services = { web: { image: await image("web", "1", ["I am web 1"]), depends_on: ["db"] }, db };
  const newServices = { ...services, web: { ...services.web, image: await image("web", "2", ["I am web 2"]) } };
  fixture.studio.addRelease(app, "1", { dockerCompose: { services } });
  const device = fixture.addDevice();
  const agent = await fixture.startAgent(device);
  await using _agent = agent;
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await using transcript = await fixture.record(device, app);
  const project = `${fixture.container(app)}_compose`;
  const containers = async () => {
    const format = '{{.Label "com.docker.compose.service"}} {{.ID}} {{.State}}';
    const filter = ["--filter", `label=com.docker.compose.project=${project}`];
    const list = await engine.docker("ps", "-a", "--no-trunc", ...filter, "--format", format);
    return list.split("\n").filter((line) => line !== "").sort();
  };

  await t.step("it runs, and viewers see the lines of both services with their names", async () => {
    const environment = { GREETING: 'a "b" $HOME # c' };
    await fixture.studio.request(device, app, { target: "RUNNING", version: "1", environment });
    await transcript.until(`"Now running app ${app} (1)"`, 60_000);
    await pollUntil("lines of both", () => {
      const has = (line: string) => transcript.lines.includes(line);
      return Promise.resolve(has("db-1   | I am the database") && has("web-1  | I am web 1") || undefined);
    }, { limitMs: 20_000 });
    assert.ok(transcript.lines.includes('web-1  | GREETING=a "b" $HOME # c'), transcript.lines.join("\n"));
    assert.ok(transcript.lines.every((line) => !line.includes("\u001b")));
  });

  await t.step("its history and its stored log can be read", async () => {
    const containerName = fixture.container(app);
    const [history] = (await fixture.studio.call(device, "get_app_log_history", { args: [{ containerName }] })).args;
    assert.ok(Array.isArray(history) && history.some((line) => line === "db-1   | I am the database"));
    const query = { args: [{ containerName, tail: 100 }] };
    const [answer] = (await fixture.studio.call(device, "query_app_logs", query)).args;
    assert.ok(isDict(answer) && JSON.stringify(answer).includes("I am web 1"), JSON.stringify(answer).slice(0, 500));
  });

  await t.step("an agent that is killed leaves it running, and the next one goes on with it", async () => {
    const before = await containers();
    const { sessionId } = fixture.studio.device(device);
    await agent.kill();
    agent.start();
    await fixture.untilBack(device, sessionId);
    assert.deepEqual(await containers(), before);
    transcript.lines.length = 0;
    await pollUntil("new lines", () => Promise.resolve(transcript.lines.length >= 4 || undefined), { limitMs: 20_000 });
    assert.ok(transcript.lines.every((line) => /^(web-1|db-1 ) {2}\| tick /.test(line)), transcript.lines.join("\n"));
  });

  await t.step("an update replaces the service that has changed, and keeps the other", async () => {
    const before = await containers();
    fixture.studio.addRelease(app, "2", { dockerCompose: { services: newServices } });
    transcript.clear();
    await fixture.studio.request(device, app, { target: "RUNNING", update: true, version: "2" });
    await transcript.until(`"Now running app ${app} (2)"`, 60_000);
    const after = await containers();
    assert.deepEqual(after.filter((line) => line.startsWith("db ")), before.filter((line) => line.startsWith("db ")));
    assert.notDeepEqual(
      after.filter((line) => line.startsWith("web ")),
      before.filter((line) => line.startsWith("web ")),
    );
    await pollUntil("lines of the new release", () => {
      return Promise.resolve(transcript.lines.includes("web-1  | I am web 2") || undefined);
    }, { limitMs: 20_000 });
  });

  await t.step("after its removal nothing is left on the device", async () => {
    await fixture.studio.request(device, app, { target: "UNINSTALLED" });
    await transcript.until("UNINSTALLED completed", 60_000);
    assert.deepEqual(await containers(), []);
    const [networks, volumes] = await Promise.all([
      engine.docker("network", "ls", "-q", "--filter", `label=com.docker.compose.project=${project}`),
      engine.docker("volume", "ls", "-q"),
    ]);
    assert.deepEqual([networks.trim(), volumes.trim()], ["", ""]);
    assert.deepEqual([...Deno.readDirSync(`${agent.folder}/apps/compose`)], []);
    const log = (await agent.readLog()).filter(({ level }) => level === "ERROR" || level === "WARN");
    assert.deepEqual(log.map(({ message }) => message), []);
  });
});
