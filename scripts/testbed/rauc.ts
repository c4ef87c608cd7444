/**
 * A real updater of operating systems, RAUC, on a private message bus in a box: its certificates, its slots, which are
 * plain files, and bundles, good and bad ones.
 */

import { systemClock } from "../../lib/async/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { SystemBus } from "../../lib/dbus/system_bus.ts";
import { mustRun, runProgram } from "../programs.ts";
import { readTextIfThere, removeIfThere } from "../files.ts";
import { type Background, endProcess, isRunning, killProcess, startInBackground } from "./background.ts";
import { requireBox } from "./box.ts";
import { pollUntil } from "./wait.ts";

/** A bundle. */
export interface BundleRecipe {
  /** Of its one image; 1 MiB when absent. */
  sizeBytes?: number;
  /** Which systems it is for; ours when absent. */
  compatible?: string;
  /** Signed by somebody whom the system does not know. */
  isForeign?: boolean;
}

/** The space for the slot that is written. */
export const slotBytes = 24 * 1024 * 1024;

const compatible = "reagent-test";

/**
 * RAUC as a service.
 * - The running system is slot A; updates go to slot B, on a disk of `slotBytes`.
 * - Slots and the choice of the next one survive its end.
 * - Disposing ends it and removes its folder.
 */
export class Rauc implements AsyncDisposable {
  readonly folder: string;
  readonly #busAddress: string;
  #process: Background | undefined;

  private constructor(folder: string, busAddress: string) {
    this.folder = folder;
    this.#busAddress = busAddress;
  }

  /** Makes certificates and slots, starts the service and waits until it is on the bus. */
  static async start(busAddress: string): Promise<Rauc> {
    requireBox();
    const rauc = new Rauc(await Deno.makeTempDir({ prefix: "rauc-" }), busAddress);
    await rauc.#prepare();
    await rauc.start();
    return rauc;
  }

  /** Starts the service again after `stop()` or `kill()`. */
  async start(): Promise<void> {
    const args = ["-c", `${this.folder}/system.conf`, "--override-boot-slot=A", "service"];
    const env = { DBUS_SYSTEM_BUS_ADDRESS: this.#busAddress };
    const process = await startInBackground("rauc", args, { logFile: `${this.folder}/rauc.log`, env });
    this.#process = process;
    await pollUntil("RAUC is on the bus", async () => {
      if (!await isRunning(process.pid)) throw new Error(`RAUC ended:\n${await this.readLog()}`);
      return await this.#isOnBus() || undefined;
    });
  }

  /** Ends the service in order. */
  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process.pid, 2_000);
    this.#process = undefined;
  }

  /** Kills the service, in the middle of whatever it does. */
  async kill(): Promise<void> {
    if (this.#process !== undefined) await killProcess(this.#process.pid);
    this.#process = undefined;
    // What it was installing stays mounted.
    await runProgram("umount", ["-l", `${this.folder}/mnt/bundle`]);
  }

  /** Lets each installation wait after its checks, until `release()`. */
  async hold(): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/hold`, "");
  }

  /** Waits until an installation waits. */
  async untilHeld(): Promise<void> {
    await pollUntil("an installation waits", async () => {
      return await readTextIfThere(`${this.folder}/held`) === undefined ? undefined : true;
    });
  }

  /** Ends a `hold()`. */
  async release(): Promise<void> {
    await removeIfThere(`${this.folder}/hold`);
    await removeIfThere(`${this.folder}/held`);
  }

  /** Which slot is started next. */
  async nextSlot(): Promise<string> {
    return (await readTextIfThere(`${this.folder}/primary`) ?? "A").trim();
  }

  /** Makes a bundle and returns its bytes. */
  async makeBundle(recipe: BundleRecipe = {}): Promise<Uint8Array<ArrayBuffer>> {
    const content = await Deno.makeTempDir({ dir: this.folder, prefix: "content-" });
    const image = new Uint8Array(recipe.sizeBytes ?? 1024 * 1024);
    for (let at = 0; at < image.length; at += 65_536) crypto.getRandomValues(image.subarray(at, at + 65_536));
    await Deno.writeFile(`${content}/rootfs.img`, image);
    await Deno.writeTextFile(`${content}/manifest.raucm`, manifestOf(recipe));
    const signer = `${this.folder}/${recipe.isForeign ? "foreign" : "own"}-signer`;
    const bundle = `${content}.raucb`;
    await mustRun("rauc", ["bundle", `--cert=${signer}.pem`, `--key=${signer}.key`, content, bundle]);
    const bytes = await Deno.readFile(bundle);
    await Deno.remove(bundle);
    await Deno.remove(content, { recursive: true });
    return bytes;
  }

  /** The end of its log, for the message of a failed test. */
  async readLog(): Promise<string> {
    return (await readTextIfThere(`${this.folder}/rauc.log`) ?? "").split("\n").slice(-30).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await runProgram("umount", ["-l", `${this.folder}/disk`]);
    await Deno.remove(this.folder, { recursive: true });
  }

  async #prepare(): Promise<void> {
    const { folder } = this;
    await Promise.all([makeSigner(folder, "own"), makeSigner(folder, "foreign")]);
    await Deno.mkdir(`${folder}/mnt`);
    await Deno.mkdir(`${folder}/disk`);
    // A slot on a small disk: as a plain file it would grow.
    await mustRun("mount", ["-t", "tmpfs", "-o", `size=${slotBytes}`, "slot", `${folder}/disk`]);
    await mustRun("truncate", ["-s", "1M", `${folder}/a.img`, `${folder}/disk/b.img`]);
    await Deno.writeTextFile(`${folder}/boot.sh`, bootScript, { mode: 0o755 });
    await Deno.writeTextFile(`${folder}/wait.sh`, waitScript, { mode: 0o755 });
    await Deno.writeTextFile(`${folder}/system.conf`, systemOf(folder));
  }

  async #isOnBus(): Promise<boolean> {
    await using bus = new SystemBus({ address: this.#busAddress, clock: systemClock, log: silentLog });
    return await bus.nameHasOwner("de.pengutronix.rauc", new AbortController().signal);
  }
}

async function makeSigner(folder: string, name: string): Promise<void> {
  const at = `${folder}/${name}`;
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authority = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"];
  const extensions = authority.flatMap((text) => ["-addext", text]);
  const subject = ["-days", "3650", "-subj", `/CN=${name}`];
  await mustRun("openssl", [
    "req",
    "-x509",
    ...key,
    "-keyout",
    `${at}.key`,
    "-out",
    `${at}.pem`,
    ...subject,
    ...extensions,
  ]);
  const request = ["-keyout", `${at}-signer.key`, "-out", `${at}-signer.csr`, "-subj", `/CN=${name} signer`];
  await mustRun("openssl", ["req", ...key, ...request]);
  const use = "keyUsage=digitalSignature\nextendedKeyUsage=emailProtection,codeSigning\nbasicConstraints=CA:FALSE\n";
  await Deno.writeTextFile(`${at}.ext`, use);
  const by = ["-CA", `${at}.pem`, "-CAkey", `${at}.key`, "-CAcreateserial", "-days", "3650", "-extfile", `${at}.ext`];
  await mustRun("openssl", ["x509", "-req", "-in", `${at}-signer.csr`, ...by, "-out", `${at}-signer.pem`]);
}

function manifestOf(recipe: BundleRecipe): string {
  // The kernel of a test machine may have no device mapper, which other formats need.
  return `[update]\ncompatible=${recipe.compatible ?? compatible}\nversion=2.0\n[bundle]\nformat=plain\n` +
    "[image.rootfs]\nfilename=rootfs.img\n";
}

function systemOf(folder: string): string {
  const slot = (index: number, device: string, name: string) =>
    `[slot.rootfs.${index}]\ndevice=${folder}/${device}\ntype=raw\nbootname=${name}\n`;
  return `[system]\ncompatible=${compatible}\nbootloader=custom\nmountprefix=${folder}/mnt\nstatusfile=${folder}/status\n` +
    `[handlers]\nbootloader-custom-backend=${folder}/boot.sh\npre-install=${folder}/wait.sh\n` +
    `[keyring]\npath=${folder}/own.pem\n${slot(0, "a.img", "A")}${slot(1, "disk/b.img", "B")}`;
}

const bootScript = `#!/bin/sh
cd "$(dirname "$0")"
case $1 in
  get-primary) cat primary 2>/dev/null || echo A ;;
  set-primary) echo "$2" >primary ;;
  get-state) cat "state-$2" 2>/dev/null || echo good ;;
  set-state) echo "$3" >"state-$2" ;;
esac
`;

const waitScript = `#!/bin/sh
cd "$(dirname "$0")"
while [ -e hold ]; do touch held; sleep 0.02; done
`;
