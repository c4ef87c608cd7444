import assert from "node:assert/strict";
import { hasCode, isCanceled } from "../../../lib/base/errors.ts";
import { runCommand } from "../../../lib/host/command.ts";
import { streamCommand } from "../../../lib/host/stream_command.ts";
import { pathOf } from "../../../scripts/paths.ts";

const never = new AbortController().signal;
const plain = { signal: never, timeoutMs: 30_000 };

async function stream(shell: string, options: Partial<Parameters<typeof streamCommand>[2]> = {}) {
  const lines: string[] = [];
  const onLines = (part: readonly string[]) => void lines.push(...part);
  const end = await streamCommand("sh", ["-c", shell], { ...plain, onLines, ...options });
  return { ...end, handed: lines };
}

Deno.test("streamCommand() hands over both outputs in the order in which they were written", async () => {
  const { code, handed, droppedLines } = await stream(
    "for n in 1 2 3 4 5; do echo out$n; echo err$n >&2; done; exit 3",
  );
  assert.equal(code, 3);
  assert.deepEqual(handed, [1, 2, 3, 4, 5].flatMap((n) => [`out${n}`, `err${n}`]));
  assert.equal(droppedLines, 0);
});

Deno.test("streamCommand() leaves out terminal codes and keeps the rest of a line", async () => {
  const { handed, lines } = await stream(
    String.raw`printf '\033[2Kweb-1  | \033[31mred\033[0m\r\n\033]0;title\007end'`,
  );
  assert.deepEqual(handed, ["web-1  | red", "end"]);
  assert.deepEqual(lines, ["web-1  | red", "end"]);
});

Deno.test("streamCommand() passes arguments and input as they are", async () => {
  const end = await streamCommand("printf", ["%s\n", "a b", "$HOME", "; echo x", "'", "-x"], plain);
  assert.deepEqual(end.lines, ["a b", "$HOME", "; echo x", "'", "-x"]);
  assert.deepEqual((await stream("cat; echo end")).handed, ["end"]);
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "from a file\n");
  assert.deepEqual((await stream("cat", { inputFile: file })).handed, ["from a file"]);
  await Deno.remove(file);
  assert.notEqual((await stream("cat", { inputFile: file })).code, 0);
});

Deno.test("streamCommand() splits lines above 1 MiB and is not stopped by them", async () => {
  const { handed } = await stream("head -c 3000000 /dev/zero | tr '\\0' a; echo; echo end");
  assert.deepEqual(handed.map((line) => line.length), [1_048_576, 1_048_576, 902_848, 3]);
});

Deno.test("streamCommand() is not slowed down by a receiver that hangs", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = await stream("seq 100000", { onLines: () => promise });
  assert.equal(end.code, 0);
  assert.deepEqual(end.lines.at(-1), "100000");
  assert.ok(end.droppedLines > 90_000, `${end.droppedLines}`);
  resolve();
});

Deno.test("streamCommand() hands over 100,000 lines to a receiver that keeps up", async () => {
  for (const pause of [() => undefined, () => Promise.resolve()]) {
    let count = 0;
    const onLines = (lines: readonly string[]) => {
      count += lines.length;
      return pause();
    };
    const end = await stream("seq 100000", { onLines });
    assert.deepEqual([count, end.droppedLines], [100_000, 0]);
  }
});

Deno.test("streamCommand() throws an error of the receiver once the program has ended", async () => {
  const failing = stream("echo a; echo b", {
    onLines: () => {
      throw new Error("no room");
    },
  });
  await assert.rejects(failing, /no room/);
});

Deno.test("streamCommand() returns 127 and the shell's words for a program that does not exist", async () => {
  const end = await streamCommand("/no/such/program", ["x"], plain);
  assert.equal(end.code, 127);
  assert.match(end.lines.join("\n"), /\/no\/such\/program: not found/);
});

Deno.test("streamCommand() ends all of its group within a second of an abort, whoever holds the output", async () => {
  const controller = new AbortController();
  let abortedAt = 0;
  const pids: number[] = [];
  const onLines = (lines: readonly string[]) => {
    pids.push(...lines.map(Number));
    if (pids.length < 3) return;
    abortedAt = performance.now();
    controller.abort();
  };
  const script = "trap '' TERM INT HUP; sleep 1000 & echo $!; sh -c 'sleep 1000 & echo $!; wait' & echo $$; wait";
  await assert.rejects(stream(script, { signal: controller.signal, onLines }), isCanceled);
  assert.ok(performance.now() - abortedAt < 1_000);
  for (const pid of pids) assert.equal(await isAlive(pid), false);
});

Deno.test("streamCommand() throws timeout with its whole group ended", async () => {
  await assert.rejects(stream("sleep 1000", { timeoutMs: 100 }), (error) => {
    return hasCode(error, "timeout") && error.message === 'Running "sh" took longer than 100 ms';
  });
});

Deno.test("streamCommand() starts nothing when its signal is aborted already", async () => {
  await assert.rejects(stream("echo a", { signal: AbortSignal.abort() }), isCanceled);
});

Deno.test("streamCommand() ends what a program leaves in its group, and does not wait for what left it", async () => {
  const { handed: [inside = "", outside = ""] } = await stream("sleep 1000 & echo $!; setsid sleep 1000 & echo $!");
  assert.equal(await isAlive(Number(inside)), false);
  assert.equal(await isAlive(Number(outside)), true);
  Deno.kill(Number(outside), "SIGKILL");
});

Deno.test("streamCommand() shows its program no secrets of the agent", async () => {
  Deno.env.set("REAGENT_TEST_SECRET", "hunter2");
  const { handed } = await stream("env", { env: { EXTRA: "1" } });
  Deno.env.delete("REAGENT_TEST_SECRET");
  assert.ok(handed.includes("EXTRA=1"));
  assert.ok(!handed.some((line) => line.includes("hunter2")));
});

Deno.test("what streamCommand() runs dies with the process, also of SIGKILL and in the moment of the start", async () => {
  const script = "sleep 1000 & echo $!; echo $$; wait";
  const program = pathOf("stream_command_program.ts", import.meta.url);
  const agent = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "--no-check", "-P=tools", program, "sh", "-c", script],
    stdout: "piped",
  }).spawn();
  const reader = agent.stdout.getReader();
  let text = "";
  while (text.split("\n").length < 3) {
    const part = await reader.read();
    assert.ok(!part.done);
    text += new TextDecoder().decode(part.value);
  }
  const pids = text.trim().split("\n").map(Number);
  for (const pid of pids) assert.equal(await isAlive(pid), true);
  agent.kill("SIGKILL");
  await agent.status;
  await reader.cancel();
  for (let tries = 0; tries < 100 && await anyAlive(pids); tries += 1) await runCommand("sleep", ["0.02"], plain);
  assert.equal(await anyAlive(pids), false);
});

async function anyAlive(pids: readonly number[]): Promise<boolean> {
  for (const pid of pids) if (await isAlive(pid)) return true;
  return false;
}

/** True while a process exists and is not only waiting to be reaped. */
async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await runCommand("ps", ["-o", "stat=", "-p", `${pid}`], plain);
  return stdout !== "" && !stdout.startsWith("Z");
}
