/**
 * A disk whose power a test can switch off: ext4 on a loop device. Data that has not reached the device at that moment
 * is lost; the next mount replays the journal. Linux and root only, in a box.
 */

import { requireBox } from "./box.ts";
import { mustRun, runProgram } from "../programs.ts";

const python = "/usr/bin/python3";
const marker = "-- power off --";

/**
 * Runs the writer, waits for its lines and then for some microseconds, and shuts the file system down without a flush.
 * The writer's later output does not count: a sync that is in progress then may report success without any effect.
 */
const powerSwitch = `
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

/** When the power is lost: some microseconds after a number of lines of the writer. */
export interface PowerLoss {
  afterLines: number;
  afterUs: number;
}

/** The lines of a writer before and after the power loss, and its errors. */
export interface WriterOutput {
  before: string[];
  later: string[];
  errors: string;
}

/** Why this machine cannot have such a disk; undefined when it can. */
export async function whyNoDiskWithPower(): Promise<string | undefined> {
  try {
    await using disk = await DiskWithPower.create({ sizeMb: 2 });
    await disk.losePower(["echo", "written"], { afterLines: 1, afterUs: 0 });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A disk, mounted at `path`. Disposing removes it. */
export class DiskWithPower implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = `${folder}/disk`;
  }

  /** Creates an empty disk. Throws with the reason when the machine cannot. */
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

  /** Flushes everything to the device. */
  async sync(): Promise<void> {
    await mustRun("sync", ["-f", this.path]);
  }

  /**
   * Runs a program that writes to the disk for ever, switches the power off, and mounts the disk again when the program
   * has ended. Mounts below the disk are gone then.
   */
  async losePower(command: readonly string[], { afterLines, afterUs }: PowerLoss): Promise<WriterOutput> {
    const args = ["-c", powerSwitch, this.path, `${afterLines}`, `${Math.round(afterUs)}`, ...command];
    const { code, stdout, stderr } = await runProgram(python, args);
    if (code !== 0) throw new Error(`Cannot switch off the power of ${this.path}: ${stderr.trim()}`);
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
