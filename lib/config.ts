/** The device's config: read from its .flock file, updated by Studio, written back durably. */

import type { FileHandle } from "node:fs/promises";
import { AgentError, hasCode, textOf } from "./base/errors.ts";
import { KeyedMutex } from "./async/keyed_mutex.ts";
import type { Log } from "./base/log.ts";
import { isCount, show } from "./base/json.ts";
import {
  changeFlock,
  type DeviceConfig,
  type DeviceConfigChange,
  type Flock,
  type ReadFlock,
  readFlock,
} from "./config/flock.ts";
import { writeFileDurably } from "./files/atomic_file.ts";
import { readLeftovers } from "./files/leftovers.ts";
import { openPlainFile } from "./files/plain_file.ts";

/** A real one has a few kilobytes. */
const limitBytes = 4 * 1024 * 1024;

/** Some editors put it before the text; other agents cannot read it. */
const byteOrderMark = /^\ufeff/;

/**
 * The .flock file of the device.
 * - The file is written only when its content changes.
 * - A file that cannot be written is logged as a warning; the values are then only in memory.
 */
export class ConfigFile {
  readonly #path: string;
  readonly #log: Log;
  readonly #mutex = new KeyedMutex<"save">();
  #flock: Flock;
  #onDisk: string;

  private constructor(path: string, options: { log: Log; flock: Flock; onDisk: string }) {
    this.#path = path;
    this.#log = options.log;
    this.#flock = options.flock;
    this.#onDisk = options.onDisk;
  }

  /**
   * Reads the file and writes it back in its normal form when that differs. Fields with a wrong type and missing ones
   * are logged as warnings. Throws `config_missing` when there is no readable file, `config_broken` when its content is
   * not a JSON object; the file then stays as it is.
   */
  static async open(path: string, options: { log: Log }): Promise<ConfigFile> {
    const { log } = options;
    const onDisk = await readConfigText(path, log);
    const given = readFlock(onDisk.replace(byteOrderMark, ""));
    const read = given.kind === "broken" ? await restoreInterrupted(path, log) ?? given : given;
    if (read.kind === "broken") {
      const text = `Cannot use the config file "${path}": ${read.reason}; it was left as it is`;
      throw new AgentError("config_broken", text);
    }
    const { flock } = read;
    if (onDisk.includes("\ufffd")) log.warn("The config file has bytes that are not UTF-8", { path });
    for (const problem of flock.wrongTypes) log.warn(`Ignoring a config field: ${problem}`, { path });
    if (flock.missing.length > 0) log.warn(`The config file lacks ${flock.missing.join(", ")}`, { path });
    const file = new ConfigFile(path, { log, flock, onDisk });
    await file.#save();
    return file;
  }

  /** The current values. A new object after each change. */
  get current(): DeviceConfig {
    return this.#flock.config;
  }

  /**
   * Stores what Studio knows; a name that is undefined keeps its value. Returns whether the project is another one,
   * which requires a new connection. Throws `bad_request`, with nothing changed, when the project's key is not a whole
   * number ≥ 0.
   */
  async refresh(meta: DeviceConfigChange): Promise<{ swarmKeyChanged: boolean }> {
    const { name, swarmName, swarmOwnerName, swarmKey } = meta;
    if (!isCount(swarmKey)) {
      throw new AgentError(
        "bad_request",
        `Cannot refresh the config: swarm_key must be a count, got ${show(swarmKey)}`,
      );
    }
    const before = this.current.swarmKey;
    this.#flock = changeFlock(this.#flock, { name, swarmName, swarmOwnerName, swarmKey });
    await this.#mutex.run("save", () => this.#save());
    return { swarmKeyChanged: before !== swarmKey };
  }

  /**
   * Takes over the base of downloads that Studio names, at once, and stores it. An appliance keeps its own, because it
   * is where others get theirs from.
   */
  async adoptUpdateUrl(updateUrl: string): Promise<void> {
    const { boardModel, updateUrl: before } = this.current;
    if (boardModel === "appliance" || updateUrl === before) return;
    this.#flock = changeFlock(this.#flock, { updateUrl });
    this.#log.info("Studio has named another base for downloads of the agent");
    await this.#mutex.run("save", () => this.#save());
  }

  async #save(): Promise<void> {
    const { text } = this.#flock;
    if (text === this.#onDisk) return;
    try {
      await writeFileDurably(this.#path, text, { log: this.#log });
      this.#onDisk = text;
    } catch (error) {
      const fields = { path: this.#path, error: textOf(error) };
      this.#log.warn("Cannot save the config file; going on with its values in memory", fields);
    }
  }
}

/** What was being written when the file was broken; undefined when nothing readable is left of it. */
async function restoreInterrupted(path: string, log: Log): Promise<ReadFlock | undefined> {
  const reads = (await readLeftovers(path)).map((text) => readFlock(text));
  const read = reads.find(({ kind }) => kind === "read");
  if (read !== undefined) log.warn("Writing the config file was interrupted; restoring it", { path });
  return read;
}

/** Reads the file, and keeps other users of the device from reading it: it holds the device's secret. */
async function readConfigText(path: string, log: Log): Promise<string> {
  try {
    await using file = await openPlainFile(path);
    const { size, mode } = await file.stat();
    if (size > limitBytes) {
      const text = `Cannot use the config file "${path}": it has more than ${limitBytes} bytes; it was left as it is`;
      throw new AgentError("config_broken", text);
    }
    if (Deno.build.os !== "windows" && (mode & 0o007) !== 0) await protect(file, { path, mode, log });
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await file.readFile());
  } catch (error) {
    if (hasCode(error, "config_broken")) throw error;
    throw new AgentError("config_missing", `Cannot read the config file "${path}"`, { cause: error });
  }
}

async function protect(
  file: FileHandle,
  { path, mode, log }: { path: string; mode: number; log: Log },
): Promise<void> {
  const modeText = (mode & 0o7777).toString(8).padStart(4, "0");
  try {
    await file.chmod(0o600);
    log.warn("Other users could read or change the config file; its mode is 0600 from now on", {
      path,
      mode: modeText,
    });
  } catch (error) {
    log.warn("Other users can read or change the config file, and its mode cannot be changed", {
      ...{ path, mode: modeText, error: textOf(error) },
    });
  }
}
