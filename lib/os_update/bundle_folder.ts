/**
 * Where bundles lie: in the system's folder for temporary files, as its updater expects. Every user can write there,
 * so what is not complete lies in a folder of the agent's own in it, and only what is the agent's own counts.
 */

import { AgentError } from "../base/errors.ts";
import { isCount, isDict, parseJson, readText } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { writeFileDurably } from "../files/atomic_file.ts";
import type { FileIdentity } from "../files/download_answer.ts";
import { closedMode, closeFolder } from "../files/folder_rights.ts";
import { HeldFolder } from "../files/held_folder.ts";
import { fileError } from "../files/os_error.ts";
import { placeFile } from "../files/place_file.ts";
import { removeTree } from "../host/remove_tree.ts";
import type { BundleSource } from "./bundle_source.ts";

/** Where a download goes. */
export interface PartialBundle {
  path: string;
  /** Of the file that is there already, in part or as a whole; undefined when nothing is. */
  identity: FileIdentity | undefined;
}

/** Names of bundles do not begin with a dot. */
const innerName = ".reagent-os-update";

const bundleRemovalLimitMs = 60_000;

const bundleRecordLimitBytes = 4_096;

/** Writable by its group, or by everybody. */
const openToOthers = 0o022;

/** The bundles in one folder. Methods throw `io_failed`, `no_space`. */
export class BundleFolder {
  /** The folder itself. */
  readonly path: string;
  readonly #log: Log;

  constructor({ path, log }: { path: string; log: Log }) {
    this.path = path;
    this.#log = log;
  }

  /** Where the whole bundle lies. */
  pathOf(fileName: string): string {
    return `${this.path}/${fileName}`;
  }

  /**
   * Makes everything ready for a download. What is there of the same file is continued; what is left of others, and
   * what nobody knows the origin of, is removed.
   */
  async prepare({ url, fileName }: BundleSource, signal: AbortSignal): Promise<PartialBundle> {
    await using outer = await this.#open();
    await this.#removeForeign(outer, signal);
    await using inner = await outer.ensureFolder(innerName, { mode: closedMode, isReplacing: true });
    await closeFolder(inner);
    const record = await readBundleRecord(inner, fileName);
    const isKnown = record !== undefined && record.address === addressOf(url);
    const kept = isKnown ? [fileName, bundleRecordName(fileName)] : [];
    for (const name of await inner.list() ?? []) if (!kept.includes(name)) await inner.remove(name);
    const whole = await outer.look(fileName);
    if (
      isKnown && await inner.look(fileName) === undefined && whole !== undefined && bundleRefusal(whole) === undefined
    ) {
      // If it is still the newest, nothing is downloaded; if not, there is room for its successor.
      await outer.move(fileName, { folder: inner, name: fileName });
    }
    const identity = isKnown && await inner.look(fileName) !== undefined ? record.identity : undefined;
    return { path: this.#partialPath(fileName), identity };
  }

  /** Remembers which file the bytes to come are of. */
  async note({ url, fileName }: BundleSource, identity: FileIdentity): Promise<void> {
    const record = `${JSON.stringify({ address: addressOf(url), ...identity })}\n`;
    await writeFileDurably(`${this.path}/${innerName}/${bundleRecordName(fileName)}`, record, { log: this.#log });
  }

  /** Puts a downloaded bundle in its place, and returns its path. */
  async place(fileName: string): Promise<string> {
    const to = this.pathOf(fileName);
    await placeFile(this.#partialPath(fileName), { to, mode: 0o600 });
    return to;
  }

  /** Does the same when a bundle has come as a whole, and the agent ended before it could put it there. */
  async placeIfWhole(fileName: string): Promise<void> {
    await using outer = await this.#open();
    await using inner = await outer.openFolder(innerName);
    if (inner === undefined || (await inner.info()).uid !== Deno.uid()) return;
    const record = await readBundleRecord(inner, fileName);
    const partial = await inner.look(fileName);
    if (partial?.isFile && partial.sizeBytes === record?.identity.sizeBytes) await this.place(fileName);
  }

  /** The path of a bundle that may be installed. Throws `not_available`, `denied`, besides the others. */
  async find(fileName: string): Promise<string> {
    const path = this.pathOf(fileName);
    await using outer = await this.#open();
    const info = await outer.look(fileName);
    if (info === undefined) {
      throw new AgentError("not_available", `There is no update to install: "${path}" is missing; download it first`);
    }
    const refusal = bundleRefusal(info);
    if (refusal !== undefined) throw new AgentError("denied", `Refused to install "${path}": ${refusal}`);
    return path;
  }

  /** Sees to it that the next download of a bundle begins from the start. */
  async distrust(fileName: string): Promise<void> {
    await using outer = await this.#open();
    await using inner = await outer.openFolder(innerName);
    await inner?.remove(bundleRecordName(fileName));
  }

  /**
   * Removes a whole bundle that nobody knows the origin of, such as one that could not be installed. False when there
   * is none.
   */
  async removeUnknown(fileName: string): Promise<boolean> {
    await using outer = await this.#open();
    const whole = await outer.look(fileName);
    if (whole === undefined || bundleRefusal(whole) !== undefined) return false;
    await outer.remove(fileName);
    this.#log.info("Removed an older bundle, because the disk is too full for both", { path: this.pathOf(fileName) });
    return true;
  }

  /** Removes a bundle that was installed, and all that is left of its download. */
  async remove(fileName: string, signal: AbortSignal): Promise<void> {
    await using outer = await this.#open();
    await outer.remove(fileName);
    await removeTree(`${this.path}/${innerName}`, { signal, timeoutMs: bundleRemovalLimitMs });
  }

  #partialPath(fileName: string): string {
    return `${this.path}/${innerName}/${fileName}`;
  }

  async #open(): Promise<HeldFolder> {
    try {
      const folder = await HeldFolder.open(this.path);
      if (folder !== undefined) return folder;
    } catch (error) {
      throw fileError(`Cannot open the folder "${this.path}"`, error);
    }
    throw new AgentError("io_failed", `Cannot open the folder "${this.path}": it is missing`);
  }

  /** Whoever has made it may hold what is in it open. */
  async #removeForeign(outer: HeldFolder, signal: AbortSignal): Promise<void> {
    const inner = await outer.look(innerName);
    if (inner === undefined || inner.uid === Deno.uid()) return;
    this.#log.warn("Removed what another user has put in the place of a folder", { path: outer.pathOf(innerName) });
    await removeTree(outer.pathOf(innerName), { signal, timeoutMs: bundleRemovalLimitMs });
  }
}

/** Without what follows the path, which may be a secret. */
function addressOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Names of bundles do not end like this. */
function bundleRecordName(fileName: string): string {
  return `${fileName}.json`;
}

async function readBundleRecord(
  inner: HeldFolder,
  fileName: string,
): Promise<{ address: string; identity: FileIdentity } | undefined> {
  const file = await inner.readFile(bundleRecordName(fileName), { limitBytes: bundleRecordLimitBytes });
  const value = file && parseJson(new TextDecoder().decode(file.bytes));
  if (!isDict(value)) return undefined;
  const [address, etag, lastModified] = [value.address, value.etag, value.lastModified].map(readText);
  if (address === undefined || etag === undefined || lastModified === undefined) return undefined;
  const sizeBytes = isCount(value.sizeBytes) ? value.sizeBytes : undefined;
  return { address, identity: { etag, lastModified, sizeBytes } };
}

/** The installer looks at the signature first and reads the rest later, so nobody else may change it in between. */
function bundleRefusal(
  { isFile, uid, mode = 0 }: Awaited<ReturnType<HeldFolder["look"]>> & object,
): string | undefined {
  if (!isFile) return "it is not a file";
  if (uid !== undefined && uid !== Deno.uid()) return "it belongs to another user";
  return (mode & openToOthers) === 0 ? undefined : "other users can write to it";
}
