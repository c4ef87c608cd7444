import assert from "node:assert/strict";
import { AgentProcess, flockOf } from "../../../scripts/testbed/agent_process.ts";
import { pathOf } from "../../../scripts/paths.ts";

const program = pathOf("../../fakes/fake_agent.ts", import.meta.url);
const flock = flockOf({
  authid: "2-7",
  secret: "s3cret",
  routerUrl: "ws://127.0.0.1:8080",
  registryHost: "127.0.0.1:5002",
  serialNumber: "serial-1",
});

Deno.test("flockOf() returns the fields that a device needs", () => {
  assert.equal(flock.swarm_key, 2);
  assert.equal(flock.device_key, 7);
  assert.equal(flock.docker_registry_url, "127.0.0.1:5002/");
});

Deno.test("an agent process has its file, folders and environment, its log can be read, and TERM ends it", async () => {
  let folder = "";
  {
    await using agent = await AgentProcess.start({ flock, program, env: { DOCKER_HOST: "unix:///x.sock" } });
    folder = agent.folder;
    const line = await agent.waitForLog("started");
    assert.deepEqual(line, {
      level: "info",
      message: "started",
      time: "2026-01-02T03:04:05Z",
      fields: { caller: "sample.ts:1", secret: "s3cret" },
    });
    await agent.waitForLog("docker at unix:///x.sock");
    assert.equal((await agent.readLog())[1]?.level, "unreadable");
    assert.equal(await agent.stop(), 0);
    assert.equal(agent.pid, undefined);
    assert.equal(agent.output, `reading ${folder}/device.flock\n`);
    const before = (await agent.readLog()).length;
    agent.start();
    await agent.waitForLog("started", { afterLine: before });
    await agent.kill();
    assert.equal(await agent.waitForExit(), 137);
  }
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
});

Deno.test("an agent process that exits reports its exit code and its errors", async () => {
  await using agent = await AgentProcess.start({ flock: "{broken", program, args: ["-refuse"] });
  assert.equal(await agent.waitForExit(), 1);
  assert.equal(agent.errors, "I refuse\n");
  await assert.rejects(agent.waitForLog("never", { limitMs: 50 }), /the agent's log has "never"[^]*I refuse/);
});
