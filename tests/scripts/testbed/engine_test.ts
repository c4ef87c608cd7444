// box engine
import assert from "node:assert/strict";
import { busyboxImage, Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { listProcesses } from "../../../scripts/testbed/background.ts";
import { pollUntil, sleep } from "../../../scripts/testbed/wait.ts";
import { runProgram } from "../../../scripts/programs.ts";

Deno.test("an engine runs a container offline, and disposing leaves no process, mount or file", async () => {
  let folder = "";
  {
    await using engine = await Dockerd.start();
    folder = engine.folder;
    assert.equal(await engine.docker("run", "--rm", busyboxImage, "sh", "-c", "echo it runs | tr a-z A-Z"), "IT RUNS");
    await engine.docker("run", "--detach", "--restart", "always", busyboxImage, "sleep", "1000");
    await engine.docker("run", "--detach", "--publish", "127.0.0.1:9000:80", busyboxImage, "sleep", "1000");
    await assert.rejects(engine.docker("start", "missing"), /docker start missing: .*No such container/);
  }
  const left = (await listProcesses()).filter((row) => /dockerd|containerd|docker-proxy|sleep 1000/.test(row.command));
  assert.deepEqual(left, []);
  assert.ok(!(await runProgram("findmnt", ["--raw"])).stdout.includes(folder));
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
});

Deno.test("kill() leaves the containers running, and with live restore they survive a restart", async () => {
  await using engine = await Dockerd.start({ liveRestore: true });
  const id = await engine.docker("run", "--detach", busyboxImage, "sleep", "1000");
  const pid = () => engine.docker("inspect", "--format", "{{.State.Pid}}", id);
  const before = await pid();
  await engine.kill();
  assert.equal(engine.pid, undefined);
  assert.notEqual((await engine.tryDocker(["ps"])).code, 0);
  assert.ok((await listProcesses()).some((row) => String(row.pid) === before));
  await engine.start();
  assert.equal(await pid(), before);
  await engine.restart();
  assert.equal(await pid(), before);
});

Deno.test("stop() stops the containers, and start() restarts those with the policy `always`", async () => {
  await using engine = await Dockerd.start();
  const run = ["run", "--detach", "--init", "--restart"];
  await engine.docker(...run, "always", "--name", "always", busyboxImage, "sleep", "1000");
  await engine.docker(...run, "no", "--name", "once", busyboxImage, "sleep", "1000");
  await engine.stop();
  assert.deepEqual((await listProcesses()).filter((row) => row.command === "sleep 1000"), []);
  await engine.start();
  assert.equal(await engine.docker("ps", "--format", "{{.Names}}"), "always");
});

Deno.test("freeze() keeps the engine from answering until thaw()", async () => {
  await using engine = await Dockerd.start({ busybox: false });
  await engine.freeze();
  const { stdout } = await runProgram("ps", ["-L", "-o", "stat=", "-p", String(engine.pid)]);
  assert.match(stdout, /^(?:T\S*\s+)+$/, "a thread is still running");
  let isAnswered = false;
  const answer = engine.docker("version").then(() => isAnswered = true);
  await sleep(300);
  assert.equal(isAnswered, false);
  engine.thaw();
  await answer;
});

Deno.test("an engine that cannot start reports the reason", async () => {
  await assert.rejects(
    Dockerd.start({ args: ["--no-such-option"] }),
    /dockerd ended:[^]*unknown flag: --no-such-option/,
  );
  const rows = await pollUntil("it is gone", async () => {
    return (await listProcesses()).every((row) => !row.command.includes("dockerd")) || undefined;
  }, { limitMs: 5_000 });
  assert.equal(rows, true);
});
