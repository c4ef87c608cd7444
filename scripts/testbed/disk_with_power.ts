/**
 * A disk whose power a test can cut: ext4 on a loop device. What had not reached the device at that moment is lost, as
 * with a plug that is pulled; the next mount replays the journal. Linux and root only, in a box.
 */

import { requireBox } from "./box.ts";
import { mustRun, runProgram } from "../programs.ts";

const python = "/usr/bin/python3";
const marker = "-- power off --";

/**
 * Runs the writer, waits for its lines and then for some microseconds, and shuts the file system down without a flush.
 * What the writer says afterwards does not count: a sync that is on its way then may report success although nothing
 * comes of it.
 */
const cutter = `
import fcntl, os, select, struct, subprocess, sys, time
folder = os.open(sys.argv[1], os.O_RDONLY)
child = subprocess.Popen(sys.argv[4:], stdout=subprocess.PIPE)
out = child.stdout.fileno()
said = b""
while said.count(b"\\n") < int(sys.argv[2]):
    part = os.read(out, 65536)
    if not part:
        sys.exit("the writer ended by itself")
    said += part
time.sleep(int(sys.argv[3]) / 1e6)
while select.select([out], [], [], 0)[0]:
    part = os.read(out, 65536)
    if not part:
        break
    said += part
fcntl.ioctl(folder, 0x8004587D, struct.pack("I", 2))
os.close(folder)
rest = child.stdout.read()
child.wait()
os.write(1, said + b"${marker}\\n" + rest)
`;

/** When the power goes: so many microseconds after so many lines of the writer. */
export interface Cut {
  afterLines: number;
  afterUs: number;
}

/** What a writer said until the power went, what it said later because it had not noticed, and its errors. */
export interface Cutoff {
  before: string[];
  later: string[];
  errors: string;
}

/** Why there can be no such disk on this machine; undefined when there can. */
export async function whyNoDiskWithPower(): Promise<string | undefined> {
  try {
    await using disk = await DiskWithPower.create({ sizeMb: 2 });
    await disk.cutBelow(["echo", "written"], { afterLines: 1, afterUs: 0 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Such a disk, mounted at `path`. Disposing removes it. */
export class DiskWithPower implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = `${folder}/disk`;
  }

  /** Makes an empty one. Throws when the machine cannot, with the reason. */
  static async create(options: { sizeMb?: number } = {}): Promise<DiskWithPower> {
    requireBox();
    const disk = new DiskWithPower(await Deno.makeTempDir({ prefix: "d-" }));
    try {
      await Deno.mkdir(disk.path);
      await Deno.writeFile(disk.#image, new Uint8Array());
      await Deno.truncate(disk.#image, (options.sizeMb ?? 32) * 1024 * 1024);
      await mustRun("mkfs.ext4", ["-q", "-F", disk.#image]);
      await disk.#mount();
      return disk;
    } catch (error) {
      await Deno.remove(disk.#folder, { recursive: true });
      throw error;
    }
  }

  /** Brings everything that was written so far to the device. */
  async sync(): Promise<void> {
    await mustRun("sync", ["-f", this.path]);
  }

  /**
   * Runs a program that writes to the disk for ever, cuts the power, and mounts the disk again when the program has
   * ended. Mounts below the disk are gone then.
   */
  async cutBelow(command: readonly string[], { afterLines, afterUs }: Cut): Promise<Cutoff> {
    const args = ["-c", cutter, this.path, `${afterLines}`, `${Math.round(afterUs)}`, ...command];
    const { code, stdout, stderr } = await runProgram(python, args);
    if (code !== 0) throw new Error(`Cannot cut the power of ${this.path}: ${stderr.trim()}`);
    await mustRun("umount", ["-R", this.path]);
    await this.#mount();
    const lines = stdout.split("\n").slice(0, -1);
    const at = lines.indexOf(marker);
    return { before: lines.slice(0, at), later: lines.slice(at + 1), errors: stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await mustRun("umount", ["-R", this.path]);
    await Deno.remove(this.#folder, { recursive: true });
  }

  get #image(): string {
    return `${this.#folder}/image`;
  }

  async #mount(): Promise<void> {
    await mustRun("mount", ["-t", "ext4", "-o", "loop", this.#image, this.path]);
  }
}
