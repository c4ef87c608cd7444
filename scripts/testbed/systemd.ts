/**
 * systemd as process 1, inside a box and with units of the test's own only. It sees the network and the folders of the
 * box, so that an agent that runs as its service reaches the router and the engine of the test.
 */

import { removeForeignFolder } from "../files.ts";
import { mustRun, runProgram } from "../programs.ts";
import { endProcess, listProcesses, startInBackground } from "./background.ts";
import { requireBox } from "./box.ts";
import { pollUntil } from "./wait.ts";

/** Where it reads units, and where `systemctl enable` links them: a folder of the box stands for it. */
export const unitFolder = "/etc/systemd/system";

const baseUnits: Readonly<Record<string, string>> = {
  "box.target": "[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\nWants=multi-user.target\n",
  "sysinit.target": "[Unit]\nDefaultDependencies=no\n",
  "basic.target": "[Unit]\nDefaultDependencies=no\nWants=sysinit.target\nAfter=sysinit.target\n",
  "shutdown.target": "[Unit]\nDefaultDependencies=no\n",
  "network-online.target": "[Unit]\nDefaultDependencies=no\n",
  "multi-user.target": "[Unit]\nDefaultDependencies=no\nWants=basic.target\nAfter=basic.target\n",
};

/**
 * /run is its own, because systemd keeps its state there. Process 1 of its namespace has a control group of the box.
 */
const entry = [
  "set -e",
  "mount -t tmpfs -o mode=755 run /run",
  "mkdir -m 1777 /run/lock",
  'mkdir -p "/sys/fs/cgroup/systemd$1"',
  'echo 0 >"/sys/fs/cgroup/systemd$1/cgroup.procs"',
  "exec unshare --cgroup /lib/systemd/systemd --system --unit=box.target --log-target=console --show-status=no",
].join("; ");

/** A systemd. Disposing ends it and everything that it has started. */
export class Systemd implements AsyncDisposable {
  readonly #folder: string;
  readonly #outer: number;
  readonly #pid: number;

  private constructor(folder: string, { outer, pid }: { outer: number; pid: number }) {
    this.#folder = folder;
    this.#outer = outer;
    this.#pid = pid;
  }

  /** Starts it with an empty folder of units, or boots the machine of `folder` again. */
  static async start({ folder }: { folder?: string } = {}): Promise<Systemd> {
    const { cgroupParent } = requireBox();
    const place = folder ?? await Deno.makeTempDir({ prefix: "sd-" });
    await Deno.mkdir(`${place}/units`, { recursive: true });
    await mustRun("mkdir", ["-p", unitFolder]);
    await mustRun("mount", ["--bind", `${place}/units`, unitFolder]);
    await Deno.mkdir(`${place}/units/service.d`, { recursive: true });
    const print = `[Service]\nStandardOutput=append:${place}/services.log\n`;
    for (const [name, text] of [...Object.entries(baseUnits), ["service.d/print.conf", print] as const]) {
      await Deno.writeTextFile(`${place}/units/${name}`, text);
    }
    const spaces = ["--pid", "--mount", "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private"];
    const cgroup = `${cgroupParent}-${place.split("/").at(-1)}`;
    const background = await startInBackground("unshare", [...spaces, "bash", "-c", entry, "systemd", cgroup], {
      logFile: `${place}/systemd.log`,
      env: { container: "docker", SYSTEMD_UNIT_PATH: unitFolder, HOME: "", XDG_CACHE_HOME: "" },
    });
    const pid = await pollUntil("systemd has a process id", async () => {
      return (await listProcesses()).find(({ parent }) => parent === background.pid)?.pid;
    });
    const systemd = new Systemd(place, { outer: background.pid, pid });
    await pollUntil("systemd runs", async () => {
      const { stdout } = await systemd.run("systemctl", "is-system-running");
      // It is starting until every service is ready, the agent among them.
      return /^(starting|running|degraded)/.test(stdout) || undefined;
    }, { limitMs: 30_000 });
    return systemd;
  }

  /** The process 1 of its machine, as the box numbers it. */
  get pid(): number {
    return this.#pid;
  }

  /** Has the units; survives a power loss. */
  get folder(): string {
    return this.#folder;
  }

  /** What services print. */
  get logFile(): string {
    return `${this.#folder}/services.log`;
  }

  /** Runs a program on its machine. */
  async run(program: string, ...args: readonly string[]) {
    return await runProgram("nsenter", ["-t", String(this.#pid), "-a", program, ...args]);
  }

  /** Like `run()`, but a failure is an error with what the program printed. */
  async mustRun(program: string, ...args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await this.run(program, ...args);
    if (!success) throw new Error(`${[program, ...args].join(" ")} failed: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** A property of a unit. */
  async show(unit: string, property: string): Promise<string> {
    return await this.mustRun("systemctl", "show", unit, "--value", `--property=${property}`);
  }

  /** Ends everything at once, as a power loss does to processes, and leaves the folder. */
  async cutPower(): Promise<void> {
    await endProcess(this.#outer, 0);
    await runProgram("umount", [unitFolder]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cutPower();
    await removeForeignFolder(this.#folder);
  }
}
