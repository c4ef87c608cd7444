// box
/** Tests of the log file on a full disk and as a mount of its own. */

import assert from "node:assert/strict";
import { LogFile, reopenPauseMs } from "../../../lib/log/log_file.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

function open(path: string, limitBytes?: number): { file: LogFile; clock: FakeClock; problems: string[] } {
  const clock = new FakeClock();
  const problems: string[] = [];
  const file = new LogFile({
    path,
    clock,
    onProblem: (text) => problems.push(text),
    lostLine: (count) => `lost ${count}\n`,
    ...(limitBytes === undefined ? {} : { limitBytes }),
  });
  return { file, clock, problems };
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null", stderr: "piped" }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

Deno.test("LogFile leaves no half line on a full disk, and continues after the last whole line", async () => {
  const folder = await Deno.makeTempDir();
  await run("mount", "-t", "tmpfs", "-o", "size=64k", "test", folder);
  try {
    const { file, clock, problems } = open(`${folder}/reagent.log`);
    using _file = file;
    const line = `${"x".repeat(5_000)}\n`;
    for (let index = 0; index < 20; index += 1) file.write(line);
    const whole = 20 - file.lost;
    assert.ok(whole > 5 && whole < 14, `${whole}`);
    assert.equal(await Deno.readTextFile(`${folder}/reagent.log`), line.repeat(whole));
    assert.equal(problems.length, 1);
    const { lost } = file;
    await Deno.truncate(`${folder}/reagent.log`, line.length);
    await clock.advance(reopenPauseMs);
    file.write("after\n");
    assert.equal(await Deno.readTextFile(`${folder}/reagent.log`), `${line}lost ${lost}\nafter\n`);
  } finally {
    await run("umount", folder);
    await Deno.remove(folder);
  }
});

Deno.test("LogFile that is a mount grows to twice its limit and is then emptied", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/reagent.log`;
  await Deno.writeTextFile(`${folder}/source`, "");
  await Deno.writeTextFile(path, "");
  await run("mount", "--bind", `${folder}/source`, path);
  try {
    const { file, problems } = open(path, 100);
    using _file = file;
    const line = `${"x".repeat(9)}\n`;
    const sizes: number[] = [];
    for (let index = 0; index < 30; index += 1) {
      file.write(line);
      sizes.push((await Deno.stat(path)).size);
    }
    assert.equal(Math.max(...sizes), 200);
    assert.equal(sizes.at(-1), 100);
    assert.equal(file.lost, 0);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /^Cannot set the log file ".*" aside: /);
  } finally {
    await run("umount", path);
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("LogFile on a read-only disk loses its lines and does nothing else", async () => {
  const folder = await Deno.makeTempDir();
  await run("mount", "-t", "tmpfs", "-o", "ro", "test", folder);
  try {
    const { file, problems } = open(`${folder}/reagent.log`);
    using _file = file;
    file.write("lost\n");
    file.write("lost\n");
    assert.equal(file.lost, 2);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /Read-only file system/);
  } finally {
    await run("umount", folder);
    await Deno.remove(folder);
  }
});
