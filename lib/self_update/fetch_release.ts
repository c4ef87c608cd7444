/** Brings an executable of the agent onto the disk, and proves that it is the right one before anybody sees it. */

import type { Clock } from "../async/clock.ts";
import { AgentError, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type Downloaded, downloadFile, type DownloadProgress } from "../files/download.ts";
import { digestsOfFile } from "../files/download_partial.ts";
import { tryRemove } from "../files/leftovers.ts";
import { placeFile } from "../files/place_file.ts";
import { type CommandEnd, runCommand } from "../host/command.ts";
import { readFreeBytes } from "../host/disk_space.ts";
import type { UpdateKey } from "./minisign.ts";
import { versionFileName } from "./old_versions.ts";
import { assertRelease, fetchProof, type ReleaseProof } from "./verify_release.ts";

/** Where releases come from and where they go. */
export interface ReleaseSource {
  /** `<base>/re-agent/<os>/<arch>`. */
  folderUrl: string;
  /** `.exe` on Windows. */
  programEnd: string;
  agentDir: string;
  downloadsDir: string;
  keys: readonly UpdateKey[];
  clock: Clock;
  log: Log;
}

/** What is to be done with one release. */
export interface ReleaseWork {
  version: string;
  onProgress?(progress: DownloadProgress): void;
  /** Throws when the release must not be put in its place at this moment. */
  beforePlacing(): void;
}

/** A larger executable is refused. */
export const releaseLimitBytes = 512 * 1024 * 1024;

/** This much stays free on the disk. */
export const releaseReserveBytes = 64 * 1024 * 1024;

/** How often, and after which pauses, a program is tried again whose file is open for writing. */
const busyTries = 50;
const busyPauseMs = 100;

/** A program that does not tell its version within this time is no agent. */
export const trialLimitMs = 30_000;

/**
 * Puts the executable of a version in its place, `<agentDir>/reagent-v<version>`, complete and executable, and returns
 * its size. One that is there and is the right one stays. Throws `untrusted_server`, `no_space`, what `downloadFile()`
 * throws, and what `beforePlacing()` throws; what was downloaded is then kept for the next time.
 */
export async function fetchRelease(
  source: ReleaseSource,
  work: ReleaseWork,
  signal: AbortSignal,
): Promise<{ sizeBytes: number }> {
  const { folderUrl, programEnd, agentDir, downloadsDir, keys, log } = source;
  const { version } = work;
  const name = versionFileName(version);
  const place = `${agentDir}/${name}${programEnd}`;
  const url = `${folderUrl}/${version}/reagent${programEnd}`;
  const proof = await fetchProof(url, { version, keys, log }, signal);
  const there = await digestsOfFile(place);
  if (there !== undefined && await isRelease(there, proof)) {
    if (Deno.build.os !== "windows") await Deno.chmod(place, 0o755);
    log.info("The new version is there already", { version, path: place });
    return there;
  }
  const path = `${downloadsDir}/${name}`;
  const content = await download(new URL(url), { ...source, ...work, path, proof }, signal);
  await tryProgram(path, { version, clock: source.clock }, signal);
  work.beforePlacing();
  await placeFile(path, { to: place, mode: 0o755 });
  log.info("A new version is in its place", { version, path: place, bytes: content.sizeBytes });
  return content;
}

/** A continued download may begin with bytes of something else: then a second one from the start follows. */
async function download(
  url: URL,
  options: ReleaseSource & ReleaseWork & { path: string; proof: ReleaseProof },
  signal: AbortSignal,
): Promise<Downloaded> {
  const { path, proof, log } = options;
  const downloading = {
    ...{ path, signal, readFreeBytes, clock: options.clock },
    ...{ limitBytes: releaseLimitBytes, reserveBytes: releaseReserveBytes },
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  };
  for (;;) {
    const content = await downloadFile(url, downloading);
    try {
      await assertRelease(content, proof);
      return content;
    } catch (error) {
      await Deno.remove(path);
      if (!content.isContinued) throw error;
      log.info("A continued download was not the file, and begins again", { url: url.href, error });
    }
  }
}

async function isRelease(content: Omit<Downloaded, "isContinued">, proof: ReleaseProof): Promise<boolean> {
  try {
    await assertRelease(content, proof);
    return true;
  } catch {
    // It is replaced.
    return false;
  }
}

/** Asks the program for its version. A program that answers anything else is removed. */
async function tryProgram(
  path: string,
  { version, clock }: { version: string; clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  if (Deno.build.os !== "windows") await Deno.chmod(path, 0o700);
  let problem: string;
  try {
    const { code, stdout } = await runUnlessBusy(path, clock, signal);
    const answer = stdout.trim();
    if (code === 0 && answer === version) return;
    problem = code === 0
      ? `it says that it is version ${JSON.stringify(answer.slice(0, 60))}`
      : `it ended with ${code}`;
  } catch (error) {
    if (signal.aborted) throw error;
    problem = textOf(error);
  }
  await tryRemove(path);
  throw new AgentError("untrusted_server", `Refused version ${version}: it does not run here: ${problem}`);
}

/**
 * A program cannot be started while any process has its file open for writing. For a moment that may be a child of this
 * one, between its fork and its exec.
 */
async function runUnlessBusy(path: string, clock: Clock, signal: AbortSignal): Promise<CommandEnd> {
  for (let left = busyTries;; left -= 1) {
    try {
      return await runCommand(path, ["-version"], { signal, timeoutMs: trialLimitMs });
    } catch (error) {
      if (left === 0 || !/ETXTBSY|os error 26\b/.test(textOf(error))) throw error;
      await clock.sleep(busyPauseMs, signal);
    }
  }
}
