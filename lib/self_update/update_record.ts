/** What the agent remembers of its updates, in a file. */

import { KeyedMutex } from "../async/keyed_mutex.ts";
import { textOf } from "../base/errors.ts";
import { isCount, isDict, parseJson, readText } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import { writeFileDurably } from "../files/atomic_file.ts";
import { fileError } from "../files/os_error.ts";

/**
 * How an update ended. `ready`: the new version is in its place, and was not started yet. `probation`: it runs, and has
 * to prove itself before it counts.
 */
export const updateEndings = ["ready", "probation", "updated", "rolledBack", "failed"] as const;

/** The latest update. */
export interface LastUpdate {
  from: string;
  to: string;
  outcome: typeof updateEndings[number];
  /** For people; empty when there is nothing to say. */
  why: string;
}

/** The content of the file. */
export interface UpdateRecord {
  /** The number of the newest index that was used. */
  newestIndex: number;
  last?: LastUpdate;
  /** Versions that were rolled back, and are not taken again. */
  blocked?: readonly string[];
}

/** Reads and changes the file. */
export class UpdateRecordFile {
  readonly #path: string;
  readonly #turns = new KeyedMutex<"file">();
  readonly #log: Log;

  constructor({ path, log }: { path: string; log: Log }) {
    this.#path = path;
    this.#log = log;
  }

  /** The record; an empty one when there is none that can be read. Never throws. */
  async read(): Promise<UpdateRecord> {
    try {
      return await this.#load();
    } catch (error) {
      this.#log.warn("A record is taken for empty", { path: this.#path, error: textOf(error) });
      return emptyRecord;
    }
  }

  /**
   * The number of the newest index that was used. Throws `io_failed` when the disk does not say: an old index must not
   * count as new because of that.
   */
  async readNewestIndex(): Promise<number> {
    return (await this.#load()).newestIndex;
  }

  /** Changes parts of the record, and nothing when it cannot be read. Throws `no_space`, `io_failed`. */
  async change(part: Partial<UpdateRecord>): Promise<void> {
    await this.#turns.run("file", async () => {
      const record = { ...await this.#load(), ...part };
      await writeFileDurably(this.#path, `${JSON.stringify(record)}\n`, { log: this.#log });
    });
  }

  /** A missing or damaged file is an empty record. */
  async #load(): Promise<UpdateRecord> {
    let text: string;
    try {
      text = await Deno.readTextFile(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return emptyRecord;
      throw fileError("Cannot read what was noted of earlier updates", error);
    }
    const record = decodeRecord(text);
    if (record !== undefined) return record;
    this.#log.warn("What was noted of earlier updates cannot be read, and counts as nothing", { path: this.#path });
    return emptyRecord;
  }
}

const emptyRecord: UpdateRecord = { newestIndex: 0 };

/** The last update as it stands once `running` has started; the same object when nothing follows from that. Pure. */
export function lastUpdateAtStart(last: LastUpdate, running: string): LastUpdate {
  if (last.outcome === "ready" && last.to === running) return { ...last, outcome: "updated", why: "" };
  if (last.outcome === "updated" && last.from === running && last.to !== running) {
    return { ...last, outcome: "rolledBack", why: `Version ${last.to} has run, and ${running} was started again` };
  }
  return last;
}

function decodeRecord(text: string): UpdateRecord | undefined {
  const value = parseJson(text);
  if (!isDict(value) || !isCount(value.newestIndex)) return undefined;
  const last = isDict(value.last) ? decodeLast(value.last) : undefined;
  const blocked = Array.isArray(value.blocked) ? value.blocked.filter((name) => typeof name === "string") : [];
  return {
    newestIndex: value.newestIndex,
    ...(last === undefined ? {} : { last }),
    ...(blocked.length === 0 ? {} : { blocked }),
  };
}

function decodeLast({ from, to, outcome, why }: Record<string, unknown>): LastUpdate | undefined {
  const ending = updateEndings.find((name) => name === outcome);
  const [fromText, toText] = [readText(from), readText(to)];
  if (ending === undefined || fromText === undefined || toText === undefined) return undefined;
  return { from: fromText, to: toText, outcome: ending, why: readText(why) ?? "" };
}
