import assert from "node:assert/strict";
import { hasCode, isCanceled } from "../../../lib/base/errors.ts";
import { mustRunCommand, runCommand } from "../../../lib/host/command.ts";

const never = new AbortController().signal;
const plain = { signal: never, timeoutMs: 20_000 };

Deno.test("runCommand() returns exit code and both outputs", async () => {
  const end = await runCommand("sh", ["-c", "echo größe; echo oops >&2; exit 3"], plain);
  assert.deepEqual(end, { code: 3, stdout: "größe\n", stderr: "oops\n", droppedBytes: 0 });
});

Deno.test("runCommand() passes arguments as they are, without a shell", async () => {
  const { stdout } = await runCommand("printf", ["%s|", "a b", "$HOME", "; echo x", "'"], plain);
  assert.equal(stdout, "a b|$HOME|; echo x|'|");
});

Deno.test("runCommand() adds variables to those of the agent", async () => {
  const { stdout } = await runCommand("sh", ["-c", 'echo "$EXTRA"; test -n "$PATH"'], {
    ...plain,
    env: { EXTRA: "x y" },
  });
  assert.equal(stdout, "x y\n");
});

Deno.test("runCommand() writes the input and closes it", async () => {
  const input = "line\n".repeat(100_000);
  assert.equal((await runCommand("wc", ["-c"], { ...plain, stdin: input })).stdout.trim(), `${input.length}`);
  assert.equal((await runCommand("cat", [], { ...plain, stdin: new Uint8Array([104, 105]) })).stdout, "hi");
});

Deno.test("runCommand() accepts that a program ignores its input", async () => {
  const { code } = await runCommand("sh", ["-c", "exit 4"], { ...plain, stdin: "x".repeat(1_000_000) });
  assert.equal(code, 4);
});

Deno.test("runCommand() passes an empty input unless it has one", async () => {
  assert.equal((await runCommand("cat", [], plain)).stdout, "");
});

Deno.test("runCommand() keeps the last MiB of an output and counts the rest", async () => {
  const script = "head -c 2000000 /dev/zero | tr '\\0' a; printf end; head -c 10 /dev/zero >&2";
  const end = await runCommand("sh", ["-c", script], plain);
  assert.equal(end.stdout.length, 1024 * 1024);
  assert.ok(end.stdout.endsWith("aend"));
  assert.equal(end.stderr.length, 10);
  assert.equal(end.droppedBytes, 2_000_003 - 1024 * 1024);
});

Deno.test("runCommand() throws command_failed with the name of a program that does not exist", async () => {
  await assert.rejects(runCommand("/no/such/program", ["secret"], plain), (error) => {
    assert.ok(hasCode(error, "command_failed"));
    assert.match(error.message, /^Cannot run "\/no\/such\/program": /);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

Deno.test("runCommand() kills the whole process group at its time limit", async () => {
  const folder = await Deno.makeTempDir();
  const script = `sleep 1000 & echo $! > ${folder}/child; echo $$ > ${folder}/parent; trap '' TERM; wait`;
  await assert.rejects(runCommand("sh", ["-c", script], { signal: never, timeoutMs: 500 }), (error) => {
    assert.ok(hasCode(error, "timeout"));
    assert.equal(error.message, `Running "sh" took longer than 500 ms`);
    return true;
  });
  for (const name of ["child", "parent"]) {
    assert.equal(await isAlive(Number(await Deno.readTextFile(`${folder}/${name}`))), false);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("runCommand() kills the whole process group when its signal is aborted", async () => {
  const controller = new AbortController();
  const folder = await Deno.makeTempDir();
  const pipe = `${folder}/pipe`;
  await runCommand("mkfifo", [pipe], plain);
  const running = runCommand("sh", ["-c", `sleep 1000 & echo $! > ${pipe}; wait`], {
    ...plain,
    signal: controller.signal,
  });
  const child = Number(await Deno.readTextFile(pipe));
  assert.equal(await isAlive(child), true);
  controller.abort();
  await assert.rejects(running, isCanceled);
  assert.equal(await isAlive(child), false);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("runCommand() starts nothing when its signal is aborted already", async () => {
  const folder = await Deno.makeTempDir();
  await assert.rejects(runCommand("touch", [`${folder}/x`], { ...plain, signal: AbortSignal.abort() }), isCanceled);
  assert.deepEqual([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("runCommand() does not wait for a child that keeps running with the outputs open", async () => {
  const end = await runCommand("sh", ["-c", "setsid sleep 1000 & echo $!"], plain);
  assert.equal(end.code, 0);
  const child = Number(end.stdout);
  assert.equal(await isAlive(child), true);
  Deno.kill(child, "SIGKILL");
});

Deno.test("mustRunCommand() throws the last lines of output of a failed command", async () => {
  await assert.rejects(
    mustRunCommand("sh", ["-c", "echo out; echo bad >&2; echo worse >&2; exit 2"], plain),
    (error) => {
      assert.ok(hasCode(error, "command_failed"));
      assert.equal(error.message, `"sh" ended with code 2: bad; worse`);
      return true;
    },
  );
  await assert.rejects(mustRunCommand("false", [], plain), /ended with code 1: no output$/);
  assert.equal((await mustRunCommand("echo", ["ok"], plain)).stdout, "ok\n");
});

/** True while a process exists and is not only waiting to be reaped. */
async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await runCommand("ps", ["-o", "stat=", "-p", `${pid}`], plain);
  return stdout !== "" && !stdout.startsWith("Z");
}
