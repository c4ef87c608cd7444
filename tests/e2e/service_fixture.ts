/** A machine with systemd, a Studio that it can reach, and a built agent that is not installed yet. */

import assert from "node:assert/strict";
import { build } from "../../scripts/build.ts";
import { removeForeignFolder } from "../../scripts/files.ts";
import { projectRoot } from "../../scripts/paths.ts";
import { mustRun } from "../../scripts/programs.ts";
import { startStudio } from "../../scripts/studio/start_studio.ts";
import type { AddedDevice, Studio } from "../../scripts/studio/studio.ts";
import { Systemd } from "../../scripts/testbed/systemd.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";

const unit = "reagent.service";

/** What a machine does not have of itself. */
export interface MachineParts {
  studio: Studio;
  device: AddedDevice;
  /** The file of the agent that is to be installed. */
  program: string;
}

/** The machine. `/opt`, `/usr/local/bin` and `/var/log` are empty ones of its own. */
export class ServiceMachine implements AsyncDisposable {
  readonly folder: string;
  readonly studio: Studio;
  readonly device: AddedDevice;
  readonly flockFile: string;
  /** The built agent, or the one that is given. */
  readonly program: string;
  systemd: Systemd;
  readonly #stack: AsyncDisposableStack;

  private constructor(deps: MachineParts & { folder: string; systemd: Systemd; stack: AsyncDisposableStack }) {
    this.folder = deps.folder;
    this.studio = deps.studio;
    this.systemd = deps.systemd;
    this.program = deps.program;
    this.#stack = deps.stack;
    this.device = deps.device;
    this.flockFile = `${deps.folder}/pump.flock`;
  }

  /** Builds the agent and starts a Studio, unless `given` has them, and starts the rest. */
  static async start(given?: MachineParts): Promise<ServiceMachine> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "m-" });
    stack.defer(() => removeForeignFolder(folder));
    for (const place of ["/opt", "/usr/local/bin", "/var/log"]) {
      await mustRun("mount", ["-t", "tmpfs", "-o", "mode=755", "own", place]);
    }
    const [parts, systemd] = await Promise.all([given ?? ownParts(folder, stack), Systemd.start()]);
    const machine = new ServiceMachine({ ...parts, folder, systemd, stack: stack.move() });
    await Deno.writeTextFile(machine.flockFile, JSON.stringify(machine.device.flock), { mode: 0o600 });
    return machine;
  }

  /** `reagent service …`, as somebody runs it in a shell. */
  async service(...args: readonly string[]) {
    const runtime = `REAGENT_RUNTIME=${Deno.execPath()}`;
    return await this.systemd.run("env", runtime, this.program, "service", ...args);
  }

  /** Like `service()`, but fails the test when it fails. Returns what was printed. */
  async mustService(...args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await this.service(...args);
    assert.ok(success, `reagent service ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout + stderr;
  }

  /** The process id of the agent inside; 0 when it does not run. */
  async mainPid(): Promise<number> {
    return Number(await this.systemd.show(unit, "MainPID"));
  }

  /** Sends a signal to the agent. */
  async signal(name: string): Promise<void> {
    await this.systemd.mustRun("kill", `-${name}`, String(await this.mainPid()));
  }

  /** Waits until another process than `before` is the agent and it answers; returns its process id. */
  async untilAnswering({ otherThan: before = 0, limitMs = 120_000 } = {}): Promise<number> {
    const limits = { limitMs };
    const pid = await pollUntil("the service runs", async () => {
      const pid = await this.mainPid();
      const isActive = await this.systemd.show(unit, "ActiveState") === "active";
      return isActive && pid !== 0 && pid !== before ? pid : undefined;
    }, limits).catch((error) => this.explain(error));
    // There is no engine, so it never reports itself as connected.
    await pollUntil("the agent answers", async () => {
      const answer = await this.studio.call(this.device, "device_handshake").catch(() => undefined);
      return answer?.kwargs.id === this.device.serial || undefined;
    }, limits).catch((error) => this.explain(error));
    return pid;
  }

  /** A drop-in of the operator, for as long as it is not disposed. */
  async dropIn(name: string, text: string): Promise<AsyncDisposable> {
    const folder = `${this.systemd.folder}/units/${unit}.d`;
    const reload = () => this.systemd.mustRun("systemctl", "daemon-reload");
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/${name}.conf`, text);
    await reload();
    return {
      [Symbol.asyncDispose]: async () => {
        await Deno.remove(`${folder}/${name}.conf`);
        await reload();
      },
    };
  }

  /** A unit of the machine, as a package or somebody else has left it. */
  async addUnit(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.systemd.folder}/units/${name}`, text);
    await this.systemd.mustRun("systemctl", "daemon-reload");
    await this.systemd.mustRun("systemctl", "enable", "--now", name);
  }

  /** Ends all processes at once and boots again. */
  async reboot(): Promise<void> {
    await this.systemd.cutPower();
    await this.boot();
  }

  /** Boots again after its power was cut. */
  async boot(): Promise<void> {
    this.systemd = await Systemd.start({ folder: this.systemd.folder });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.systemd[Symbol.asyncDispose]();
    await this.#stack[Symbol.asyncDispose]();
  }

  /** Adds to an error what the service has done last. */
  async explain(error: unknown): Promise<never> {
    const { stdout } = await this.systemd.run("systemctl", "status", "--no-pager", "--lines=0", unit);
    const log = (await Deno.readTextFile(this.systemd.logFile)).split("\n").slice(-40).join("\n");
    throw new Error(`${stdout}\n${log}`, { cause: error });
  }
}

async function ownParts(folder: string, stack: AsyncDisposableStack): Promise<MachineParts> {
  const [program, studio] = await Promise.all([buildAgent(folder), startStudio()]);
  stack.use(studio);
  return { program, studio, device: studio.addDevice() };
}

/** The bundle of a build is a launcher. */
async function buildAgent(folder: string): Promise<string> {
  const given = Deno.env.get("REAGENT_AGENT");
  if (given !== undefined) return given;
  const printed: string[] = [];
  const targets = await Deno.readTextFile(`${projectRoot}targets`);
  const options = { entry: `${projectRoot}main.ts`, folder: `${folder}/build`, targets };
  const say = (text: string) => void printed.push(text);
  const code = await build(["--bundle-only"], { ...options, environment: Deno.env.toObject(), say });
  assert.equal(code, 0, printed.join("\n"));
  return `${folder}/build/reagent.js`;
}
