/** Uploads of build archives, which Studio sends in chunks of hexadecimal text: one at a time for each DEV app. */

import { throwIfAborted } from "../../async/deadline.ts";
import { KeyedMutex } from "../../async/keyed_mutex.ts";
import { TaskSet } from "../../async/task_set.ts";
import type { Clock } from "../../async/clock.ts";
import { AgentError, textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { AppLogs } from "../../app_logs/app_logs.ts";
import { noSpaceText, type PullSpace } from "../../disk_space/pull_space.ts";
import type { AppId } from "../../model/app.ts";
import { parseAppName } from "../../model/app_names.ts";
import { normalizeChannel, parseChannel } from "../../model/channel_names.ts";
import { assertUploadName, IncomingFile, removeAbortedUploads } from "./incoming_file.ts";

/** One call of an upload. */
export interface TransferPart {
  /** `BEGIN`, `END`, or bytes as hexadecimal text. */
  chunk: string;
  fileName: string;
  /** Of the app: `dev_<key>_<name>`. */
  containerName: string;
  /** Of the whole file. */
  totalBytes: number;
  /** Chosen by the sender for each upload. */
  id: string;
}

/** What the transfers work with. */
export interface TransfersDeps {
  /** An existing folder that only root and the agent's user can enter. */
  buildDir: string;
  appLogs: Pick<AppLogs, "say" | "clearHistory" | "showProgress" | "forget">;
  /** Whether so many more bytes fit into the folder. */
  checkSpace(upload: { folder: string; neededBytes: number }): Promise<PullSpace>;
  isKnown(id: AppId): boolean;
  /** The upload of an app has failed. */
  onFailed(id: AppId): void;
  /** Frees the memory of what is no longer needed. */
  collectGarbage(): void;
  clock: Pick<Clock, "now" | "sleep">;
  log: Log;
}

/** An upload in which nothing arrives for so long is dropped. */
export const transferStallMs = 300_000;

/** Uploads that are under way at once. */
export const transferLimit = 16;

/** Characters of chunks that wait for their turn, of all uploads. */
export const waitingChunkChars = 128 * 1024 * 1024;

/** How often the progress of an upload is shown, besides its first and its last. */
export const progressEveryMs = 200;

/** Channels of apps that never were, and ids of canceled uploads. */
const keptLimit = 50;

/**
 * Characters of chunks after which their memory is freed: each of them was there four times on its way, and the runtime
 * would wait for three times the memory of an idle agent.
 */
const collectEveryChars = 4 * 1024 * 1024;

interface Transfer {
  id: string;
  app: AppId;
  file: IncomingFile;
  life: AbortController;
  heardAtMs: number;
  shownAtMs: number;
}

/**
 * The uploads of all apps.
 *
 * - One upload for each container name: a later `BEGIN` supersedes an earlier one, whose late parts are harmless.
 * - The parts of an upload are worked on in the order of their calls.
 * - Any error ends the upload, and leaves the complete file of an earlier one.
 */
export class Transfers implements AsyncDisposable {
  readonly #deps: TransfersDeps;
  readonly #turns = new KeyedMutex<string>();
  readonly #open = new Map<string, Transfer>();
  /** The ids of uploads that were canceled, by channel, the oldest first. */
  readonly #canceled = new Map<string, string>();
  readonly #strangers = new Map<string, AppId>();
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  #tidying: Promise<void> | undefined;
  #waitingChars = 0;
  #takenChars = 0;

  constructor(deps: TransfersDeps) {
    this.#deps = deps;
    this.#tasks = new TaskSet((error) => {
      if (!this.#life.signal.aborted) deps.log.warn("Work on an upload failed", { error: textOf(error) });
    });
  }

  /**
   * Takes a part. Throws `bad_request` with the texts of the wire contract, `busy` for too many uploads at once,
   * `no_space`, `io_failed`; the upload of the container has ended then.
   */
  async write(part: TransferPart): Promise<void> {
    const channel = normalizeChannel(part.containerName);
    const app = devAppOf(channel);
    const isTooMuch = this.#waitingChars + part.chunk.length > waitingChunkChars;
    // What is refused must not wait for its turn with its text.
    const taken = isTooMuch ? { ...part, chunk: "" } : part;
    this.#waitingChars += taken.chunk.length;
    try {
      await this.#turns.run(channel, async () => {
        try {
          if (isTooMuch) throw new AgentError("busy", "too many chunks at once");
          await this.#take(channel, taken, app);
        } catch (error) {
          if (this.#open.get(channel)?.id === part.id) await this.#drop(channel);
          this.#deps.onFailed(app);
          throw error;
        }
      });
    } finally {
      this.#waitingChars -= taken.chunk.length;
    }
  }

  /** Ends the upload for a container name, if there is one. Late chunks of it are answered with `canceled`. */
  async cancel(containerName: string): Promise<void> {
    const channel = normalizeChannel(containerName);
    await this.#turns.run(channel, async () => {
      const transfer = this.#open.get(channel);
      if (transfer === undefined) return;
      addNewest(this.#canceled, channel, transfer.id);
      await this.#drop(channel);
    });
  }

  /** True while an upload for a container name is under way. */
  isOpen(containerName: string): boolean {
    return this.#open.has(normalizeChannel(containerName));
  }

  /** Ends all uploads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    for (const channel of [...this.#open.keys()]) await this.#turns.run(channel, () => this.#drop(channel));
    await this.#tasks.settled();
  }

  async #take(channel: string, part: TransferPart, app: AppId): Promise<void> {
    throwIfAborted(this.#life.signal, "The upload");
    if (part.chunk === "BEGIN") return await this.#begin(channel, part, app);
    const transfer = this.#open.get(channel);
    if (transfer === undefined) {
      const isCanceled = this.#canceled.get(channel) === part.id;
      throw new AgentError("bad_request", isCanceled ? "canceled" : "We received a chunk without an active transfer");
    }
    const isCurrent = transfer.id === part.id;
    if (part.chunk === "END") return isCurrent ? await this.#finish(channel, transfer) : undefined;
    if (isCurrent) {
      await transfer.file.append(decodeHex(part.chunk));
      transfer.heardAtMs = this.#deps.clock.now();
      this.#freeMemoryOf(part.chunk);
    }
    this.#showProgress(channel, transfer);
  }

  async #begin(channel: string, part: TransferPart, app: AppId): Promise<void> {
    const { buildDir, appLogs, clock } = this.#deps;
    assertUploadName(part.fileName);
    await this.#drop(channel);
    if (this.#open.size >= transferLimit) throw new AgentError("busy", "too many uploads at once");
    await (this.#tidying ??= this.#tidy());
    await this.#assertSpace(part);
    const file = await IncomingFile.begin({ folder: buildDir, name: part.fileName, totalBytes: part.totalBytes });
    const life = new AbortController();
    const transfer = { id: part.id, app, file, life, heardAtMs: clock.now(), shownAtMs: -Infinity };
    this.#open.set(channel, transfer);
    this.#canceled.delete(channel);
    void this.#tasks.add(this.#dropWhenStalled(channel, transfer));
    this.#rememberStranger(channel, app);
    appLogs.clearHistory(app, channel);
    appLogs.say(channel, "Received first package on device!");
  }

  /** What other uploads have announced is taken already. */
  async #assertSpace({ fileName, totalBytes }: TransferPart): Promise<void> {
    const { buildDir, checkSpace } = this.#deps;
    const outstanding = [...this.#open.values()].reduce(
      (sum, { file }) => sum + file.totalBytes - file.receivedBytes,
      0,
    );
    const space = await checkSpace({ folder: buildDir, neededBytes: totalBytes + outstanding });
    if (space.kind === "fits") return;
    throw new AgentError("no_space", `Cannot store an upload as ${JSON.stringify(fileName)}: ${noSpaceText(space)}`);
  }

  async #finish(channel: string, { file, life }: Transfer): Promise<void> {
    await file.finish();
    this.#open.delete(channel);
    life.abort();
    this.#deps.appLogs.say(channel, "File transfer has finished, starting build...");
  }

  #freeMemoryOf({ length }: string): void {
    this.#takenChars += length;
    if (this.#takenChars < collectEveryChars) return;
    this.#takenChars = 0;
    this.#deps.collectGarbage();
  }

  #showProgress(channel: string, transfer: Transfer): void {
    const { clock, appLogs } = this.#deps;
    const { file: { name, receivedBytes, totalBytes } } = transfer;
    const isDue = clock.now() - transfer.shownAtMs >= progressEveryMs;
    if (!isDue && receivedBytes < totalBytes) return;
    transfer.shownAtMs = clock.now();
    const percent = totalBytes === 0 ? 100 : 100 * receivedBytes / totalBytes;
    appLogs.showProgress(channel, { id: name, status: "Transfer Progress:", progress: `${percent.toFixed(3)}%` });
  }

  async #dropWhenStalled(channel: string, transfer: Transfer): Promise<void> {
    const { clock, appLogs, onFailed } = this.#deps;
    const { life: { signal }, app, file } = transfer;
    for (;;) {
      const leftMs = transfer.heardAtMs + transferStallMs - clock.now();
      if (leftMs <= 0) break;
      await clock.sleep(leftMs, signal).catch(() => {
        // The upload has ended.
      });
      if (signal.aborted) return;
    }
    await this.#turns.run(channel, async () => {
      if (this.#open.get(channel) !== transfer) return;
      appLogs.say(channel, `The upload of ${file.name} was dropped: nothing has arrived for 5 minutes`);
      await this.#drop(channel);
      onFailed(app);
    });
  }

  async #drop(channel: string): Promise<void> {
    const transfer = this.#open.get(channel);
    if (transfer === undefined) return;
    this.#open.delete(channel);
    transfer.life.abort();
    try {
      await transfer.file.drop();
    } catch (error) {
      // The next start removes it.
      this.#deps.log.warn("Cannot remove an upload that has ended", { error: textOf(error) });
    }
  }

  /** The log of an app that was never requested is one of few that are kept. */
  #rememberStranger(channel: string, app: AppId): void {
    const { isKnown, appLogs } = this.#deps;
    if (isKnown(app)) return;
    const oldest = addNewest(this.#strangers, channel, app);
    if (oldest !== undefined && !isKnown(oldest.value)) appLogs.forget(oldest.value, oldest.key);
  }

  async #tidy(): Promise<void> {
    try {
      await removeAbortedUploads(this.#deps.buildDir);
    } catch (error) {
      this.#deps.log.warn("Cannot remove what an earlier upload has left", { error: textOf(error) });
    }
  }
}

function devAppOf(channel: string): AppId {
  const app = parseChannel(channel);
  if (app === undefined || parseAppName(channel)?.prefix !== "dev") {
    throw new AgentError("bad_request", "invalid container name");
  }
  return app.id;
}

function decodeHex(text: string): Uint8Array {
  try {
    return Uint8Array.fromHex(text);
  } catch {
    const reason = text.length % 2 === 1 ? "an odd number of digits" : "a character that is no hexadecimal digit";
    throw new AgentError("bad_request", `Cannot decode a chunk of an upload: it has ${reason}`);
  }
}

/** Adds an entry as the newest; returns the oldest one when there are too many. */
function addNewest<T>(entries: Map<string, T>, key: string, value: T): { key: string; value: T } | undefined {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries;
  if (oldest === undefined || entries.size <= keptLimit) return undefined;
  entries.delete(oldest[0]);
  return { key: oldest[0], value: oldest[1] };
}
