/** Programs on a terminal of their own: through the addon, and through `script`. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { endMarkedProcess, startOfProcess } from "../../../lib/host/end_process.ts";
import type { Pty } from "../../../lib/host/pseudoterminal.ts";
import { openPty } from "../../../lib/host/pty.ts";
import { openScriptPty } from "../../../lib/host/script_pty.ts";

const mark = "REAGENT_TEST_PTY=7f3a";

const stubborn = "trap '' HUP; echo re''ady-\\$\\$; while :; do sleep 1; done";

const options = {
  program: "/bin/sh",
  args: ["-i"],
  env: { PATH: Deno.env.get("PATH") ?? "", TERM: "dumb", PS1: "$ ", REAGENT_TEST_PTY: "7f3a" },
  folder: "/",
  rows: 24,
  columns: 80,
};

/** A terminal whose output is gathered. */
class Typed {
  readonly pty: Pty;
  readonly ended: Promise<void>;
  text = "";
  bytes = 0;

  constructor(pty: Pty) {
    this.pty = pty;
    this.ended = this.#read();
  }

  async type(text: string): Promise<void> {
    await this.pty.write(new TextEncoder().encode(text));
  }

  async until(found: string): Promise<void> {
    const beganAt = performance.now();
    while (!this.text.includes(found)) {
      assert.ok(performance.now() - beganAt < 30_000, `no ${found} in ${JSON.stringify(this.text.slice(-300))}`);
      await systemClock.sleep(5);
    }
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (let part = await this.pty.read(); part !== undefined; part = await this.pty.read()) {
      this.bytes += part.length;
      this.text = (this.text + decoder.decode(part, { stream: true })).slice(-100_000);
    }
  }
}

const openScript = () => openScriptPty(options);

async function exercise(typed: Typed): Promise<void> {
  await typed.type("stty size\r");
  await typed.until("24 80");
  await typed.pty.resize({ rows: 40, columns: 100 });
  await typed.type("stty size\r");
  await typed.until("40 100");
  const line = `${"x".repeat(999)}\n`;
  await typed.type("stty -icanon -echo -icrnl; echo r''aw; head -c 500000 | md5sum; stty sane; echo sane a''gain\r");
  await typed.until("raw");
  await typed.type(line.repeat(500));
  await typed.until(createHash("md5").update(line.repeat(500)).digest("hex"));
  await typed.until("sane again");
  await typed.type("head -c 2000000 /dev/zero | tr '\\0' y; echo; echo en''d\r");
  await typed.until("end");
  assert.ok(typed.bytes > 2_000_000);
}

Deno.test("the addon runs a program on a terminal, whose output is whole after its end", async () => {
  const typed = new Typed(await openPty(options, silentLog));
  await exercise(typed);
  await typed.type("head -c 300000 /dev/zero | tr '\\0' z; echo la''st; exit\r");
  await typed.ended;
  assert.ok(typed.text.includes("last"));
  typed.pty.close();
  await assert.rejects(typed.type("late"), { code: "io_failed" });
});

for (const [name, open] of Object.entries({ addon: () => openPty(options, silentLog), script: openScript })) {
  Deno.test(`${name}: a terminal ends soon after its program, also when something prints on without an end`, async () => {
    const typed = new Typed(await open());
    await typed.type("(trap '' HUP; while :; do echo go''ing || exit; sleep 0.05; done) & exit\r");
    await typed.until("going");
    const limit = Promise.withResolvers<string>();
    const timer = setTimeout(() => limit.resolve("it goes on"), 20_000);
    assert.equal(await Promise.race([typed.ended.then(() => "ended"), limit.promise]), "ended");
    clearTimeout(timer);
    typed.pty.close();
  });
}

Deno.test("script does the same", async () => {
  const typed = new Typed(await openScript());
  await exercise(typed);
  await typed.type("exit\r");
  await typed.ended;
  typed.pty.close();
});

Deno.test("a program on a terminal that ignores the hang-up is killed, with what it runs; another one is not", async () => {
  const typed = new Typed(await openPty(options, silentLog));
  await typed.type("trap '' HUP; sh -c 'echo re\"\"ady; while :; do sleep 1; done'\r");
  await typed.until("ready");
  const end = { graceMs: 200, clock: systemClock, start: "" };
  assert.equal(await endMarkedProcess(typed.pty.pid, { ...end, mark: `${mark}x` }), false);
  assert.equal(await endMarkedProcess(Deno.pid, { ...end, mark }), false);
  assert.equal(await endMarkedProcess(typed.pty.pid, { ...end, mark }), true);
  await typed.ended;
  typed.pty.close();
});

Deno.test("a program that has dropped its variables is known by its start", async () => {
  const typed = new Typed(await openPty(options, silentLog));
  const { pid } = typed.pty;
  const start = startOfProcess(pid);
  assert.match(start, /^[0-9a-f-]{36}\/\d+$/);
  await typed.type("exec env -i PATH=/usr/bin:/bin sh\r");
  await typed.type(`trap '' HUP; PS1='> '; env -i PATH=/usr/bin:/bin sh -c "${stubborn}"\r`);
  await typed.until("ready");
  const inner = Number(/ready-(\d+)/.exec(typed.text)?.[1]);
  const end = { graceMs: 200, clock: systemClock, mark };
  assert.equal(await endMarkedProcess(pid, { ...end, start: "" }), false);
  assert.equal(await endMarkedProcess(pid, { ...end, start: `${start}1` }), false);
  assert.equal(await endMarkedProcess(Deno.pid, { ...end, start }), false);
  assert.equal(await endMarkedProcess(pid, { ...end, start }), true);
  await typed.ended;
  typed.pty.close();
  assert.equal(startOfProcess(pid), "");
  while (startOfProcess(inner) !== "") await systemClock.sleep(5);
});

Deno.test("a process of another user is left alone at once", async () => {
  const nobody = ["--reuid=65534", "--clear-groups"];
  const child = new Deno.Command("setpriv", { args: [...nobody, "sleep", "1000"], stdin: "null" }).spawn();
  const start = startOfProcess(child.pid);
  const text = `
    import { endMarkedProcess } from ${JSON.stringify(import.meta.resolve("../../../lib/host/end_process.ts"))};
    const clock = { now: () => performance.now(), sleep: () => Promise.reject(new Error("it waits")) };
    console.log(await endMarkedProcess(${child.pid}, { mark: "A=1", start: "${start}", graceMs: 1000, clock }));`;
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/try.ts`, text);
  // Without this capability root is a user like others, as an agent is that does not run as root.
  const { stdout } = await new Deno.Command("setpriv", {
    args: [
      "--inh-caps=-all",
      "--bounding-set=-kill",
      Deno.execPath(),
      "run",
      "-A",
      "--no-config",
      "--quiet",
      `${folder}/try.ts`,
    ],
    stderr: "inherit",
  }).output();
  child.kill("SIGKILL");
  await child.status;
  await Deno.remove(folder, { recursive: true });
  assert.equal(new TextDecoder().decode(stdout).trim(), "false");
});

Deno.test("a terminal whose program has ended takes no input and no size any more", async () => {
  const typed = new Typed(await openPty(options, silentLog));
  await typed.type("stty -icanon; sleep 1000\r");
  const large = typed.type("x".repeat(100_000));
  Deno.kill(typed.pty.pid, "SIGKILL");
  await typed.ended;
  await assert.rejects(large, { code: "io_failed" });
  await assert.rejects(typed.pty.resize({ rows: 1, columns: 1 }), { code: "io_failed" });
  typed.pty.close();
});
