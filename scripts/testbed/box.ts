/**
 * A box is a private machine for a command. It has its own network with nothing but 127.0.0.1, its own mounts, process
 * ids and host name, its own /run and its own instance lock of the agent. Boxes never clash, so programs inside may use
 * fixed ports. When the box's first process dies, or the process that started it, everything inside dies with it:
 * engines, containers, mounts, interfaces. Linux and root only.
 */

import { removeForeignFolder } from "../files.ts";
import { partsFolder } from "./setup/folder.ts";
import { sendSignal } from "./background.ts";
import { pollUntil } from "./wait.ts";
import { runProgram } from "../programs.ts";

/** Options of a box. */
export interface BoxOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Where stdout and stderr go; `inherit` unless given. */
  output?: "inherit" | "piped" | "null";
}

/** What code inside a box knows about it. */
export interface BoxInfo {
  /** The parent control group of all containers in the box, in dockerd's format: `/reagent-box-…`. */
  cgroupParent: string;
  /** The box's temporary folder, which is TMPDIR inside; removed with the box. */
  folder: string;
}

const agentLock = "/tmp/ironflock-reagent.lock";

const folderPrefix = "/tmp/rb-";

// /etc is private because agents write limits for logs there. Its upper folder is a tmpfs, because the kernel may
// refuse one on the same file system. /run is private because iptables locks a file there, and engines and agents look
// for sockets there. Outgoing connections use ports above those that programs in a box listen on.
const entry = [
  "set -e",
  "ip link set lo up",
  "echo 50000 65535 >/proc/sys/net/ipv4/ip_local_port_range",
  "mount -t tmpfs -o mode=755 run /run",
  "mkdir -m 1777 /run/lock",
  'mkdir "$REAGENT_BOX_FOLDER/etc"',
  'mount -t tmpfs -o mode=755 etc "$REAGENT_BOX_FOLDER/etc"',
  'mkdir "$REAGENT_BOX_FOLDER/etc/upper" "$REAGENT_BOX_FOLDER/etc/work"',
  'mount -t overlay -o "lowerdir=/etc,upperdir=$REAGENT_BOX_FOLDER/etc/upper,workdir=$REAGENT_BOX_FOLDER/etc/work" etc /etc',
  'mount --bind "$REAGENT_BOX_FOLDER/agent.lock" ' + agentLock,
  'exec "$@"',
].join("; ");

/**
 * A command in a box.
 * - It ends with the command or by `kill()`, and all of its processes with it.
 * - Disposing also removes its folder and its control groups.
 */
export class Box implements AsyncDisposable {
  readonly info: BoxInfo;
  readonly #child: Deno.ChildProcess;
  readonly #claim: Deno.FsFile;
  #disposed: Promise<void> | undefined;

  private constructor(info: BoxInfo, child: Deno.ChildProcess, claim: Deno.FsFile) {
    this.info = info;
    this.#child = child;
    this.#claim = claim;
  }

  /** Starts `command` in a new box. Throws when this is not Linux or the user is not root. */
  static async start(command: readonly string[], options: BoxOptions = {}): Promise<Box> {
    if (Deno.build.os !== "linux" || Deno.uid() !== 0) throw new Error("A box needs Linux and root");
    // Unix sockets below it must have paths of fewer than 108 characters.
    const folder = await Deno.makeTempDir({ prefix: namePrefix(), dir: "/tmp" });
    const claim = await claimFolder(folder);
    const info: BoxInfo = { folder, cgroupParent: cgroupOf(folder) };
    await Deno.writeTextFile(`${folder}/agent.lock`, "", { mode: 0o644 });
    await touch(agentLock);
    const output = options.output ?? "inherit";
    const child = new Deno.Command("setpriv", {
      // In a session of its own it does not get the terminal's Ctrl-C: its starter ends it.
      args: ["--pdeathsig", "KILL", "setsid", "--wait", ...unshare(), "bash", "-c", entry, "box", ...command],
      env: { ...boxEnvironment(info), ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin: "null",
      stdout: output,
      stderr: output,
    }).spawn();
    return new Box(info, child, claim);
  }

  /** The process id of the box's outermost process, seen from outside. */
  get pid(): number {
    return this.#child.pid;
  }

  /** How the command ended; 137 after `kill()`. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** The command's stdout; only with `output: "piped"`. */
  get stdout(): ReadableStream<Uint8Array> {
    return this.#child.stdout;
  }

  /** The command's stderr; only with `output: "piped"`. */
  get stderr(): ReadableStream<Uint8Array> {
    return this.#child.stderr;
  }

  /** Ends everything inside at once. */
  async kill(): Promise<void> {
    sendSignal(this.pid, "SIGKILL");
    await this.#child.status;
  }

  /** Ends everything inside and removes the box's folder and control groups. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#disposed ??= this.#dispose());
  }

  async #dispose(): Promise<void> {
    await this.kill();
    await removeTraces(this.info.folder);
    this.#claim.close();
  }
}

/** Removes the remains of boxes whose starter was killed. Boxes in use are left alone. */
export async function sweepBoxes(): Promise<void> {
  for await (const entry of Deno.readDir("/tmp")) {
    const folder = `/tmp/${entry.name}`;
    if (!entry.isDirectory || !folder.startsWith(folderPrefix)) continue;
    try {
      using claim = await Deno.open(`${folder}/claim`, { write: true });
      if (await claim.tryLock(true)) await removeTraces(folder);
    } catch (error) {
      // The box is just starting, or was just removed.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** The box that this code runs in. Outside a box it throws an error that says how to get into one. */
export function requireBox(): BoxInfo {
  const folder = Deno.env.get("REAGENT_BOX_FOLDER");
  const cgroupParent = Deno.env.get("REAGENT_BOX_CGROUP");
  if (Deno.env.get("REAGENT_BOX") !== "1" || folder === undefined || cgroupParent === undefined) {
    throw new Error(
      "This starts real parts on fixed ports and must run in a box; for a test: deno task test <path of the file>",
    );
  }
  return { folder, cgroupParent };
}

/** Removes all control groups named `/<name>` or below it; false when some are still in use. */
export async function removeControlGroups(name: string): Promise<boolean> {
  // With version 1 each controller has its own tree. The runtime itself may read /sys only with all permissions.
  const tree = ["/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*${name}*`];
  await runProgram("find", [...tree, "-exec", "rmdir", "{}", "+"]);
  return (await runProgram("find", tree)).stdout === "";
}

/** The file is locked before it gets its name, so that nobody finds it unlocked. */
async function claimFolder(folder: string): Promise<Deno.FsFile> {
  const claim = await Deno.open(`${folder}/claim.part`, { write: true, create: true });
  await claim.lock(true);
  await Deno.rename(`${folder}/claim.part`, `${folder}/claim`);
  return claim;
}

async function removeTraces(folder: string): Promise<void> {
  const cgroup = cgroupOf(folder);
  await pollUntil(`the control groups of ${cgroup} are gone`, async () => {
    return await removeControlGroups(cgroup) || undefined;
  });
  await removeForeignFolder(folder);
}

/** The name of a box inside a box begins with that of the outer one, so that its traces can be told apart. */
function namePrefix(): string {
  const outer = Deno.env.get("REAGENT_BOX_FOLDER");
  return outer === undefined ? "rb-" : `rb-${nameOf(outer)}_`;
}

function nameOf(folder: string): string {
  return folder.slice(folderPrefix.length);
}

function cgroupOf(folder: string): string {
  return `/reagent-box-${nameOf(folder)}`;
}

function unshare(): string[] {
  const kinds = ["--net", "--mount", "--pid", "--ipc", "--uts"];
  const ending = ["--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private"];
  // tini reaps the orphans of engines and killed programs at once.
  return ["unshare", ...kinds, ...ending, "tini", "-s", "-g", "--"];
}

function boxEnvironment(info: BoxInfo): Record<string, string> {
  const parts = partsFolder();
  return {
    PATH: [...parts.dockerPrograms, Deno.env.get("PATH") ?? "", "/usr/sbin", "/sbin"].join(":"),
    DOCKER_CONFIG: parts.dockerConfig,
    REAGENT_PARTS: parts.root,
    REAGENT_BOX: "1",
    REAGENT_BOX_FOLDER: info.folder,
    REAGENT_BOX_CGROUP: info.cgroupParent,
    TMPDIR: info.folder,
  };
}

async function touch(path: string): Promise<void> {
  const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o644 });
  file.close();
}
