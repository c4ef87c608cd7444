import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { endContainerShell } from "../../../lib/terminals/container_shell.ts";
import { markOf, OpenShells } from "../../../lib/terminals/open_shells.ts";
import { silentLog } from "../../../lib/base/log.ts";

Deno.test("a shell is ended whose process the engine had not told before it was gone", async () => {
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: "unix:///nowhere/docker.sock" } });
  const folder = await Deno.makeTempDir({ prefix: "shells-" });
  const openShells = new OpenShells(`${folder}/shells.json`, silentLog);
  const sessionId = crypto.randomUUID();
  const [name = "", value = ""] = markOf(sessionId).split("=");
  const shell = new Deno.Command("sh", { args: ["-c", "sleep 60; :"], env: { [name]: value } }).spawn();
  await using others = new AsyncDisposableStack();
  const other = new Deno.Command("sleep", { args: ["60"], env: { [name]: crypto.randomUUID() } }).spawn();
  others.defer(async () => {
    other.kill("SIGKILL");
    await other.status;
    await Deno.remove(folder, { recursive: true });
  });
  const entry = { sessionId, pid: 0, start: "", exec: { containerId: "c".repeat(64), execId: "e".repeat(64) } };
  await openShells.note(entry);
  await endContainerShell(entry, { execs: await engine.execs(), openShells, clock: systemClock, log: silentLog });
  assert.equal((await shell.status).signal, "SIGKILL");
  assert.ok(Deno.statSync(`/proc/${other.pid}/exe`).isFile, "another terminal is left alone");
});
