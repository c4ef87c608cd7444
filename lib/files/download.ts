/**
 * Downloads a large file so that nothing is fetched twice and nothing foreign is taken for it: a download that was
 * interrupted anywhere, even by power loss, goes on where it was, and the digests of all bytes are known at its end.
 */

import type { Clock } from "../async/clock.ts";
import { AgentError, hasCode, textOf } from "../base/errors.ts";
import { type GuardedAnswer, guardedFetch } from "../http/guarded_fetch.ts";
import {
  contentRefusal,
  type ExpectedPart,
  type FileIdentity,
  ifRangeOf,
  judgeAnswer,
  readIdentity,
} from "./download_answer.ts";
import {
  type ContentDigests,
  type ContentHashes,
  digestsOf,
  openPartial,
  type PartialFile,
} from "./download_partial.ts";
import { withFileError } from "./os_error.ts";
import { folderOf } from "./path_parts.ts";
import { writeAll } from "./write_all.ts";

/** How far a download is. */
export interface DownloadProgress {
  /** Bytes since the last report. */
  increment: number;
  currentBytes: number;
  /** 0 while the server does not name it. */
  fileSize: number;
}

/** How a file is downloaded. */
export interface DownloadOptions {
  /** Where the bytes go. What an earlier download has left there is continued. */
  path: string;
  /** A larger file is refused. */
  limitBytes: number;
  /** How much has to stay free on the disk. */
  reserveBytes: number;
  /** Undefined when it is not known. */
  readFreeBytes(folder: string): Promise<number | undefined>;
  /**
   * Of the file that an earlier download has left a part of, if that is known: a part of another one is not continued.
   */
  identity?: FileIdentity | undefined;
  /** Called before the first byte of a file is written. */
  onIdentity?(identity: FileIdentity): Promise<void>;
  /** Called for every block. */
  onProgress?(progress: DownloadProgress): void;
  clock: Pick<Clock, "sleep">;
  signal: AbortSignal;
}

/** A file that is on the disk as a whole. */
export interface Downloaded extends ContentDigests {
  /** A part of it is from an earlier download: if the digests are wrong, a download from the start may help. */
  isContinued: boolean;
}

/** When a connection is given up. */
export const downloadLimits = {
  /** In each such time at least `stallBytes` must arrive; the first one includes connecting. */
  stallMs: 30_000,
  stallBytes: 1_024,
  /** So many tries in a row may fail without `progressBytes` more than ever before. */
  tries: 5,
  progressBytes: 65_536,
  /** Before the second try; each further wait is twice as long. */
  firstWaitMs: 1_000,
};

/** The free space is looked at again after so many bytes. */
const roomEveryBytes = 16 * 1024 * 1024;

/**
 * Downloads `url`. There is no limit for the whole, because links may be very slow; a connection that breaks or stalls
 * is made again. Redirects and proxies are those of `guardedFetch()`. Throws `connect_failed` (no answer, or a status
 * that is no success), `timeout`, `protocol_error` (the answer cannot be the file), `no_space`, `io_failed`, `denied`,
 * `canceled`. The path keeps what has arrived, unless it was refused.
 */
export async function downloadFile(url: URL, options: DownloadOptions): Promise<Downloaded> {
  await using download = await Download.open(url, options);
  return await download.run();
}

/** The connection or the server failed in a way that may pass. */
class PassingError extends AgentError {}

class Download implements AsyncDisposable {
  readonly #url: URL;
  /** For messages: what follows the path may be a secret. */
  readonly #shownUrl: string;
  readonly #options: DownloadOptions;
  readonly #file: Deno.FsFile;
  #hashes: ContentHashes;
  readonly #newHashes: () => ContentHashes;
  #size: number;
  #isContinued: boolean;
  #identity: FileIdentity | undefined;
  /** Bytes of all answers of this download. */
  #received = 0;
  #checkRoomAt = 0;

  private constructor(url: URL, options: DownloadOptions, partial: PartialFile) {
    this.#url = url;
    this.#shownUrl = `${url.origin}${url.pathname}`;
    this.#options = options;
    this.#file = partial.file;
    this.#hashes = partial.hashes;
    this.#newHashes = partial.newHashes;
    this.#size = partial.size;
    this.#isContinued = partial.size > 0;
    this.#identity = options.identity;
  }

  static async open(url: URL, options: DownloadOptions): Promise<Download> {
    return new Download(url, options, await openPartial(options.path, options));
  }

  async run(): Promise<Downloaded> {
    const { clock, signal } = this.#options;
    let failures = 0;
    for (let best = this.#size; !await this.#tryOnce(failures, best); best = Math.max(best, this.#size)) {
      failures = this.#size - best >= downloadLimits.progressBytes ? 1 : failures + 1;
      await clock.sleep(downloadLimits.firstWaitMs * 2 ** (failures - 1), signal);
    }
    await withFileError(`Cannot write "${this.#options.path}"`, () => this.#file.sync());
    return { ...digestsOf(this.#size, this.#hashes), isContinued: this.#isContinued };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#file.close();
    return Promise.resolve();
  }

  /** False when it is to be tried again; `failures` have gone before, and `best` is the most that was ever there. */
  async #tryOnce(failures: number, best: number): Promise<boolean> {
    try {
      await this.#request();
      return true;
    } catch (error) {
      const isLast = failures + 1 >= downloadLimits.tries && this.#size - best < downloadLimits.progressBytes;
      if (error instanceof PassingError && !isLast) return false;
      throw error;
    }
  }

  /** One request. Returns when the file is complete. */
  async #request(): Promise<void> {
    const { signal } = this.#options;
    const attempt = new AbortController();
    const end = AbortSignal.any([signal, attempt.signal]);
    const watching = this.#watchStall(attempt);
    try {
      await this.#receive(end);
    } catch (error) {
      if (signal.aborted) throw new AgentError("canceled", `Downloading ${this.#shownUrl} was canceled`);
      if (attempt.signal.reason instanceof PassingError) throw attempt.signal.reason;
      throw error instanceof AgentError ? error : this.#passing(error);
    } finally {
      attempt.abort();
      await watching;
    }
  }

  async #watchStall(attempt: AbortController): Promise<void> {
    const { stallMs, stallBytes } = downloadLimits;
    try {
      for (let before = this.#received;; before = this.#received) {
        await this.#options.clock.sleep(stallMs, attempt.signal);
        if (this.#received - before >= stallBytes) continue;
        const what = `in ${stallMs / 1000} s there came less than ${stallBytes} bytes`;
        return attempt.abort(new PassingError("timeout", `Cannot download ${this.#shownUrl}: ${what}`));
      }
    } catch {
      // The attempt has ended.
    }
  }

  async #receive(signal: AbortSignal): Promise<void> {
    const { response } = await this.#fetch(signal);
    const { limitBytes } = this.#options;
    const verdict = judgeAnswer(response, { have: this.#size, limitBytes, identity: this.#identity });
    if (verdict.kind !== "take") await response.body?.cancel();
    switch (verdict.kind) {
      case "complete":
        return;
      case "refused":
        throw this.#refusal(verdict.because);
      case "failed": {
        const text = `Cannot download ${this.#shownUrl}: ${verdict.because}`;
        throw verdict.mayPass ? new PassingError("connect_failed", text) : new AgentError("connect_failed", text);
      }
      case "startOver":
        await this.#startOver();
        throw new PassingError("connect_failed", `Cannot download ${this.#shownUrl}: ${verdict.because}`);
      case "take":
        if (verdict.from === 0) await this.#begin(readIdentity(response.headers, verdict));
        await this.#write(response, verdict);
    }
  }

  async #fetch(signal: AbortSignal): Promise<GuardedAnswer> {
    const range: Record<string, string> = this.#size > 0 ? { range: `bytes=${this.#size}-` } : {};
    const ifRange = this.#size > 0 && this.#identity !== undefined ? ifRangeOf(this.#identity) : undefined;
    if (ifRange !== undefined) range["if-range"] = ifRange;
    try {
      // The length and the parts must be those of the file itself.
      return await guardedFetch(this.#url, { signal, headers: { "accept-encoding": "identity", ...range } });
    } catch (error) {
      throw hasCode(error, "connect_failed") ? this.#passing(error) : error;
    }
  }

  #passing(error: unknown): PassingError {
    const text = `Cannot download ${this.#shownUrl} after byte ${this.#size}: ${textOf(error)}`;
    return new PassingError("connect_failed", text, { cause: error });
  }

  async #begin(identity: FileIdentity): Promise<void> {
    if (this.#size > 0) await this.#startOver();
    this.#identity = identity;
    await this.#options.onIdentity?.(identity);
  }

  async #write({ body }: Response, { total }: ExpectedPart): Promise<void> {
    this.#checkRoomAt = this.#size;
    for await (const block of body ?? []) {
      this.#received += block.length;
      const refused = this.#size === 0 ? contentRefusal(block) : undefined;
      if (refused !== undefined) throw this.#refusal(refused);
      const size = this.#size + block.length;
      if (size > (total ?? this.#options.limitBytes)) {
        await this.#startOver();
        throw this.#refusal(`there are more than ${total ?? this.#options.limitBytes} bytes`);
      }
      if (this.#size >= this.#checkRoomAt) await this.#checkRoom((total ?? size) - this.#size);
      await this.#append(block);
      this.#options.onProgress?.({ increment: block.length, currentBytes: size, fileSize: total ?? 0 });
    }
    if (total !== undefined && this.#size < total) {
      throw this.#passing(new Error(`the answer ended, and there are ${total}`));
    }
    if (this.#size === 0) throw this.#refusal("it is empty");
  }

  async #append(block: Uint8Array): Promise<void> {
    await withFileError(`Cannot write "${this.#options.path}"`, () => writeAll(this.#file, block));
    this.#hashes.sha256.update(block);
    this.#hashes.blake2b512.update(block);
    this.#size += block.length;
  }

  async #checkRoom(neededBytes: number): Promise<void> {
    const { path, reserveBytes, readFreeBytes } = this.#options;
    this.#checkRoomAt = this.#size + roomEveryBytes;
    const freeBytes = await readFreeBytes(folderOf(path));
    if (freeBytes === undefined || freeBytes - neededBytes >= reserveBytes) return;
    const room = `it needs ${neededBytes} bytes, ${freeBytes} are free, and ${reserveBytes} have to stay free`;
    throw new AgentError("no_space", `Not downloading ${this.#shownUrl}: ${room}`);
  }

  async #startOver(): Promise<void> {
    await withFileError(`Cannot write "${this.#options.path}"`, async () => {
      await this.#file.truncate(0);
      await this.#file.seek(0, Deno.SeekMode.Start);
    });
    this.#hashes = this.#newHashes();
    this.#size = 0;
    this.#isContinued = false;
  }

  #refusal(because: string): AgentError {
    return new AgentError("protocol_error", `Refused what ${this.#shownUrl} answers: ${because}`);
  }
}
