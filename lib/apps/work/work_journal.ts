/**
 * Notes work on what apps have written, from its beginning to its end, so that the next process knows what this one has
 * ended in. The notes need not survive a power loss, which proves nothing against the work; so they are not synced.
 */

import { KeyedMutex } from "../../async/keyed_mutex.ts";
import { AgentError, textOf } from "../../base/errors.ts";
import { isDict } from "../../base/json.ts";
import type { Log } from "../../base/log.ts";
import { writeAllSync } from "../../files/write_all.ts";
import type { Boot } from "../../host/boot.ts";
import { type AppId, type AppIdText, idText } from "../../model/app.ts";
import { judgeWork, leftAloneText, type UnfinishedWork } from "../plan/left_alone.ts";

/** What a journal works with. */
export interface WorkJournalDeps {
  /**
   * The file of the notes, in a folder that only the agent's user can change; it is there only while there are some.
   */
  path: string;
  readBoot(): Boot;
  log: Log;
}

/** A longer file was not written by the agent. */
const fileLimitBytes = 1_048_576;

/** The journal of all apps. Notes that cannot be read or written are logged, and stop no work. */
export class WorkJournal {
  readonly #deps: WorkJournalDeps;
  readonly #unfinished: Map<string, UnfinishedWork>;
  readonly #current = new Set<AppIdText>();
  readonly #suspects = new KeyedMutex<"suspect">();

  constructor(deps: WorkJournalDeps) {
    this.#deps = deps;
    const { id: bootId } = deps.readBoot();
    this.#unfinished = new Map([...this.#read()].filter(([, work]) => work.bootId === bootId));
  }

  /**
   * Does `work` on an app; `what` completes "The agent has ended while …". Throws `left_alone`, with nothing done, when
   * earlier processes have ended in such work, and what `work` throws.
   */
  async run<T>({ id, what }: { id: AppId; what: string }, work: () => Promise<T>): Promise<T> {
    const name = idText(id);
    const { id: bootId, uptimeMs } = this.#deps.readBoot();
    if (bootId === undefined || this.#current.has(name)) return await work();
    const earlier = this.#unfinished.get(name);
    const verdict = judgeWork(earlier, { bootId, uptimeMs });
    if (verdict.kind === "leave") {
      throw new AgentError("left_alone", earlier === undefined ? "" : leftAloneText(earlier, verdict.forMs));
    }
    const noted = async () => {
      this.#current.add(name);
      this.#note(name, { what, bootId, begun: verdict.begun, beganAtMs: uptimeMs });
      try {
        return await work();
      } finally {
        this.#current.delete(name);
        this.#note(name, undefined);
      }
    };
    // One after the other, so that only one of them can be blamed for the end of the process.
    return verdict.isSuspect ? await this.#suspects.run("suspect", noted) : await noted();
  }

  /** How long an app is still left alone; undefined when it is not. */
  leftAloneMs(id: AppId): number | undefined {
    const { id: bootId, uptimeMs } = this.#deps.readBoot();
    if (bootId === undefined) return undefined;
    const verdict = judgeWork(this.#unfinished.get(idText(id)), { bootId, uptimeMs });
    return verdict.kind === "leave" ? verdict.forMs : undefined;
  }

  /** Studio requests something of the app: what earlier processes have ended in is tried again. */
  forget(id: AppId): void {
    if (this.#current.has(idText(id)) || !this.#unfinished.has(idText(id))) return;
    this.#note(idText(id), undefined);
  }

  #note(name: string, work: UnfinishedWork | undefined): void {
    if (work === undefined) this.#unfinished.delete(name);
    else this.#unfinished.set(name, work);
    try {
      this.#write();
    } catch (error) {
      // Most likely the disk is full, which is no reason to leave apps undone.
      this.#deps.log.debug("Cannot note what is done with an app", { path: this.#deps.path, error: textOf(error) });
    }
  }

  /** In place: replacing the file would make some file systems write it to the disk at once, for each note. */
  #write(): void {
    const { path } = this.#deps;
    if (this.#unfinished.size === 0) return removeFile(path);
    const notes = new TextEncoder().encode(JSON.stringify(Object.fromEntries(this.#unfinished)) + "\n");
    using file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
    writeAllSync(file, notes);
    file.truncateSync(notes.length);
  }

  #read(): Map<string, UnfinishedWork> {
    const { path, log } = this.#deps;
    try {
      const { isFile, size } = Deno.lstatSync(path);
      if (isFile && size <= fileLimitBytes) {
        // Behind the first line may be the rest of longer notes, when the process was killed.
        return decodeNotes(JSON.parse(Deno.readTextFileSync(path).split("\n", 1).join("")));
      }
      log.warn("Ignoring the notes on unfinished work, which the agent has not written", { path });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        log.warn("Cannot read the notes on unfinished work", { path, error: textOf(error) });
      }
    }
    return new Map();
  }
}

function decodeNotes(value: unknown): Map<string, UnfinishedWork> {
  const entries = isDict(value) ? Object.entries(value) : [];
  return new Map(entries.flatMap(([name, note]) => {
    const decoded = decodeNote(note);
    return decoded === undefined ? [] : [[name, decoded] as const];
  }));
}

function decodeNote(note: unknown): UnfinishedWork | undefined {
  if (!isDict(note)) return undefined;
  const { what, bootId, begun, beganAtMs } = note;
  if (typeof what !== "string" || typeof bootId !== "string") return undefined;
  if (typeof begun !== "number" || typeof beganAtMs !== "number") return undefined;
  return { what, bootId, begun, beganAtMs };
}

function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
