// box
import assert from "node:assert/strict";
import { Box, requireBox, sweepBoxes } from "../../../scripts/testbed/box.ts";
import { listProcesses } from "../../../scripts/testbed/background.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { runProgram } from "../../../scripts/programs.ts";

const processes = async (word: string) => (await listProcesses()).filter((row) => row.command.includes(word));

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Runs a shell script in a box and returns its output. */
async function runInBox(script: string): Promise<{ code: number; text: string }> {
  await using box = await Box.start(["sh", "-c", script], { output: "piped" });
  const [text, errors] = await Promise.all([new Response(box.stdout).text(), new Response(box.stderr).text()]);
  return { code: (await box.status).code, text: text + errors };
}

Deno.test("a box ends with the exit code of its command", async () => {
  assert.deepEqual(await runInBox("echo out; echo err >&2; exit 7"), { code: 7, text: "out\nerr\n" });
});

Deno.test("two boxes have a 127.0.0.1 each, so one port is free in both", async () => {
  const serve = "busybox nc -l -p 4444 & until ss -ltn | grep :4444; do sleep 0.05; done; wait";
  await using first = await Box.start(["sh", "-c", serve], { output: "piped" });
  await using second = await Box.start(["sh", "-c", serve], { output: "piped" });
  const readers = [first, second].map((box) => box.stdout.getReader());
  for (const reader of readers) assert.match(new TextDecoder().decode((await reader.read()).value), /LISTEN.*:4444/);
  const { stdout } = await runProgram("ss", ["-ltn"]);
  assert.doesNotMatch(stdout, /:4444/);
  assert.equal(await Promise.race([first.status, second.status, Promise.resolve("running")]), "running");
  await Promise.all([...readers.map((reader) => reader.cancel()), first.stderr.cancel(), second.stderr.cancel()]);
});

Deno.test("outgoing connections in a box use no port that a program may want to listen on", async () => {
  const { text } = await runInBox("cat /proc/sys/net/ipv4/ip_local_port_range");
  assert.equal(text, "50000\t65535\n");
});

Deno.test("a box has its own instance lock of the agent and its own /run", async () => {
  const lock = "/tmp/ironflock-reagent.lock";
  const holder = new Deno.Command("flock", {
    args: ["-n", lock, "sh", "-c", "echo locked; exec sleep 60"],
    stdout: "piped",
  })
    .spawn();
  const reader = holder.stdout.getReader();
  try {
    await reader.read();
    assert.equal((await runProgram("flock", ["-n", lock, "true"])).code, 1);
    // The mount command of some systems has a folder there.
    const { text } = await runInBox(`flock -n ${lock} true && ls /run | grep -v '^mount$'`);
    assert.equal(text, "lock\n");
  } finally {
    await reader.cancel();
    holder.kill("SIGKILL");
    await holder.status;
    for (const row of await processes("sleep 60")) Deno.kill(row.pid, "SIGKILL");
  }
});

Deno.test("killing a box ends even processes in other sessions, and leaves no folder and no control group", async () => {
  const group = '/sys/fs/cgroup/*/"${REAGENT_BOX_CGROUP#/}"/inner';
  const script = "for d in /sys/fs/cgroup/*/; do mkdir -p $d$REAGENT_BOX_CGROUP/inner 2>/dev/null; done; " +
    "setsid --fork sleep 61; mount -t tmpfs t /mnt; echo ready > $REAGENT_BOX_FOLDER/ready; sleep 62";
  let folder = "";
  {
    await using box = await Box.start(["sh", "-c", script]);
    folder = box.info.folder;
    await pollUntil("the script is ready", async () => await exists(`${folder}/ready`) || undefined, {
      limitMs: 5_000,
    });
    const { stdout } = await runProgram("sh", [
      "-c",
      `ls -d ${group.replace("${REAGENT_BOX_CGROUP#/}", box.info.cgroupParent.slice(1))}`,
    ]);
    assert.notEqual(stdout, "");
    // The command lines of the box contain the script, which contains this command, too.
    assert.equal((await listProcesses()).filter((row) => row.command === "sleep 61").length, 1);
    await box.kill();
    assert.equal((await box.status).signal, "SIGKILL");
  }
  await pollUntil("its processes are gone", async () => (await processes("sleep 6")).length === 0 || undefined, {
    limitMs: 5_000,
  });
  assert.equal(await exists(folder), false);
  assert.equal((await runProgram("find", ["/sys/fs/cgroup", "-path", `*${folder.slice(8)}*`])).stdout, "");
  const mounts = await runProgram("findmnt", ["--raw", "--noheadings", "--output", "TARGET"]);
  assert.ok(!mounts.stdout.split("\n").includes("/mnt"), mounts.stdout);
});

Deno.test("a box ends when its starter is killed, and the next sweep removes its remains", async () => {
  const program = `import { Box } from ${JSON.stringify(import.meta.resolve("../../../scripts/testbed/box.ts"))};
    const box = await Box.start(["sh", "-c", "sleep 63; true"]);
    console.log(box.info.folder);
    await new Promise((resolve) => setTimeout(resolve, 60_000));`;
  const args = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "--config", "deno.json", "--ext=ts", "-"];
  const starter = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
  const writer = starter.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const reader = starter.stdout.getReader();
  const folder = new TextDecoder().decode((await reader.read()).value).trim();
  await pollUntil("the box runs", async () => (await processes("sleep 63")).length > 0 || undefined, {
    limitMs: 5_000,
  });
  await sweepBoxes();
  assert.equal(await exists(folder), true, "a box in use is left alone");

  starter.kill("SIGKILL");
  await reader.cancel();
  await starter.status;
  await pollUntil("the box is gone", async () => (await processes("sleep 63")).length === 0 || undefined, {
    limitMs: 5_000,
  });
  assert.equal(await exists(folder), true);
  await sweepBoxes();
  assert.equal(await exists(folder), false);
});

Deno.test("a box that is started inside a box carries the outer one's name", async () => {
  const outer = requireBox();
  await using inner = await Box.start(["true"]);
  assert.ok(inner.info.folder.startsWith(`${outer.folder}_`), inner.info.folder);
  assert.ok(inner.info.cgroupParent.startsWith(`${outer.cgroupParent}_`), inner.info.cgroupParent);
});

Deno.test("requireBox() explains how to get into a box", () => {
  assert.match(requireBox().cgroupParent, /^\/reagent-box-\w+$/);
  const value = Deno.env.get("REAGENT_BOX") ?? "";
  Deno.env.delete("REAGENT_BOX");
  try {
    assert.throws(requireBox, /must run in a box.*deno task test/);
  } finally {
    Deno.env.set("REAGENT_BOX", value);
  }
});
