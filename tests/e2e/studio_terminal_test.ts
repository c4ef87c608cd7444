// box engine
/** The Studio's command `terminal`, run in a real terminal, on a device and in a container. */

import assert from "node:assert/strict";
import { silentLog } from "../../lib/base/log.ts";
import type { Pty } from "../../lib/host/pseudoterminal.ts";
import { openPty } from "../../lib/host/pty.ts";
import { projectRoot } from "../../scripts/paths.ts";
import { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { busyboxImage, Dockerd } from "../../scripts/testbed/dockerd.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { StudioProcess } from "../scripts/studio/command_line/studio_process.ts";

/** The command in a terminal of 30 rows. */
class OpenCommand {
  readonly pty: Pty;
  readonly ended: Promise<void>;
  text = "";

  constructor(pty: Pty) {
    this.pty = pty;
    this.ended = this.#read();
  }

  static async start(folder: string, ...args: string[]): Promise<OpenCommand> {
    const program = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "--config", `${projectRoot}deno.json`];
    const command = [...program, `${projectRoot}scripts/studio.ts`, "terminal", ...args, "--folder", folder];
    const env = { ...Deno.env.toObject(), TERM: "xterm" };
    const place = { folder: projectRoot, rows: 30, columns: 90 };
    // What a shell that runs the command would show behind it.
    const line = `"$0" "$@"; echo "left:$?:$(stty -a | grep -o -e '-\\?echo ')"`;
    const options = { program: "/bin/sh", args: ["-c", line, Deno.execPath(), ...command], env, ...place };
    return new OpenCommand(await openPty(options, silentLog));
  }

  async type(text: string): Promise<void> {
    await this.pty.write(new TextEncoder().encode(text));
  }

  async until(text: string): Promise<void> {
    try {
      await pollUntil(text, () => Promise.resolve(this.text.includes(text) || undefined), { limitMs: 30_000 });
    } catch (error) {
      throw new Error(`${error}: ${JSON.stringify(this.text.slice(-500))}`);
    }
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (let part = await this.pty.read(); part !== undefined; part = await this.pty.read()) {
      this.text += decoder.decode(part, { stream: true });
    }
  }
}

async function work(command: OpenCommand): Promise<void> {
  await command.until("# ");
  await command.type("stty size; echo in-$((20+3))\r");
  await command.until("30 90");
  await command.until("in-23");
  await command.pty.resize({ rows: 33, columns: 99 });
  await pollUntil("the size has arrived", async () => {
    await command.type("stty size\r");
    await new Promise((resolve) => setTimeout(resolve, 200));
    return command.text.includes("33 99") || undefined;
  });
  await command.type("sleep 100\r");
  await new Promise((resolve) => setTimeout(resolve, 300));
  await command.type("\x03echo broken-$((1+1))\r");
  await command.until("broken-2");
  await command.type("exit\r");
  await command.until("left:0:echo");
  await command.ended;
  command.pty.close();
}

Deno.test("the command terminal is a shell on the device, and in a container", async (test) => {
  await using studio = await StudioProcess.prepare();
  await using engine = await Dockerd.start();
  await studio.serve();
  assert.equal((await studio.run("device", "add", "pump")).code, 0);
  const flock: unknown = JSON.parse(await Deno.readTextFile(`${studio.folder}/pump.flock`));
  assert.ok(typeof flock === "object" && flock !== null);
  await using _agent = await AgentProcess.start({ flock: { ...flock }, env: { DOCKER_HOST: engine.host } });
  await pollUntil("the device is connected", async () => {
    return (await studio.run("state", "pump")).output.includes(" is CONNECTED") || undefined;
  }, { limitMs: 30_000 });
  await test.step("on the device", async () => await work(await OpenCommand.start(studio.folder, "pump")));
  await test.step("an app that is not there is named", async () => {
    const ended = await studio.run("terminal", "pump", "shop");
    assert.deepEqual([ended.code, ended.errors], [1, 'The device has no app "shop" (PROD)\n']);
  });
  await test.step("in a container", async () => {
    await engine.docker("run", "-d", "--name", "prod_7_shop", busyboxImage, "sleep", "1000");
    await work(await OpenCommand.start(studio.folder, "pump", "--container", "prod_7_shop"));
  });
});
