/** The disks of a device in a fault test: small enough to be filled in a moment. */

import { runProgram } from "../../scripts/programs.ts";
import type { FaultAction } from "./agent_commands.ts";

const agentDiskMb = 8;
const engineDiskMb = 400;
const layersDiskMb = 600;

/**
 * The agent's disk and the engine's. The engine's layers have a disk of their own, because a frozen disk blocks every
 * access to it.
 */
export class SmallDisks implements AsyncDisposable {
  readonly agent: string;
  readonly engine: string;
  readonly #layers: string;

  private constructor(folder: string) {
    this.agent = `${folder}/agent`;
    this.engine = `${folder}/engine`;
    this.#layers = `${folder}/engine/overlay2`;
  }

  /** Creates empty disks in a folder. */
  static async make(folder: string): Promise<SmallDisks> {
    const script = 'set -e; cd "$1"; mkdir agent engine; mount -t tmpfs -o size="$2"m,mode=755 agent agent; ' +
      'truncate -s "$3"M disk; mkfs.ext4 -q -F -m 0 disk; mount -o loop disk engine; mkdir engine/overlay2; ' +
      'truncate -s "$4"M layers; mkfs.ext4 -q -F -m 0 layers; mount -o loop layers engine/overlay2';
    await sh(script, [folder, ...[agentDiskMb, engineDiskMb, layersDiskMb].map(String)]);
    return new SmallDisks(folder);
  }

  /** The action that fills a disk to its last block. */
  fill(disk: "agent" | "engine"): FaultAction & { kind: "run" } {
    const folders = disk === "agent" ? [this.agent] : [this.engine, this.#layers];
    const script = 'for d; do fallocate -l "$(df --output=avail -B1 "$d" | tail -n 1)" "$d/full"; ' +
      'dd if=/dev/zero of="$d/full1" bs=64k; dd if=/dev/zero of="$d/full2" bs=512; done; true';
    return { kind: "run", program: "sh", args: ["-c", script, "sh", ...folders] };
  }

  /** Fills a disk to its last block. */
  async fillNow(disk: "agent" | "engine"): Promise<void> {
    const { program, args } = this.fill(disk);
    await runProgram(program, [...args]);
  }

  /** Removes what has filled the disks. */
  async freeUp(): Promise<void> {
    await sh('for d; do rm -f "$d"/full*; done', [this.agent, this.engine, this.#layers]);
  }

  /** Removes everything that the agent has stored. */
  async clearAgent(): Promise<void> {
    await sh('find "$1" -mindepth 1 -delete', [this.agent]);
  }

  /** Blocks all changes of layers until `thaw()`. */
  async freeze(): Promise<void> {
    await sh('fsfreeze -f "$1"', [this.#layers]);
  }

  /** Ends `freeze()`. */
  async thaw(): Promise<void> {
    await sh('fsfreeze -u "$1"', [this.#layers]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runProgram("umount", ["-l", this.#layers, this.engine, this.agent]);
  }
}

async function sh(script: string, args: readonly string[]): Promise<void> {
  const ended = await runProgram("sh", ["-c", script, "sh", ...args]);
  if (ended.code !== 0) throw new Error(`${script}: ${ended.stderr}`);
}
