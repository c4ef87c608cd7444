/** Switches between versions on Windows, where a program that runs can be renamed but not replaced. */

import type { Clock } from "../async/clock.ts";
import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import {
  decodeMarker,
  encodeMarker,
  isBlockedByMarker,
  isProvenByUptime,
  markerAtStart,
  type WindowsMarker,
} from "./windows_marker.ts";

/** What is done on the disk; names are those of files in the agent's folder. */
export interface SwapFiles {
  readMarker(): Promise<string | undefined>;
  writeMarker(text: string): Promise<void>;
  removeMarker(): Promise<void>;
  /** Replaces a file that has the new name. */
  rename(from: string, to: string): Promise<void>;
  /** Does nothing when there is none. */
  remove(name: string): Promise<void>;
  /** Undefined when there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** What the program prints when it is asked for its version. Throws when it fails or takes too long. */
  versionOf(name: string, signal: AbortSignal): Promise<string>;
}

/** What a switch works with. */
export interface WindowsSwapDeps {
  agentDir: string;
  /** The path of the program that runs. */
  ownPath: string;
  /** Its version. */
  running: string;
  files: SwapFiles;
  clock: Pick<Clock, "sleep">;
  /** The time of day, for people. */
  now(): Date;
  log: Log;
}

const program = "reagent.exe";
const previous = "reagent-prev.exe";

/** Virus scanners hold files for a moment. */
const renameTries = 5;
const renamePauseMs = 300;

/** The switch between versions of one service. */
export class WindowsSwap {
  readonly #deps: WindowsSwapDeps;

  constructor(deps: WindowsSwapDeps) {
    this.#deps = deps;
  }

  /** To be called at the start of the service, before anything else. `restart`: the version before is to be started. */
  async settle(): Promise<"run" | "restart"> {
    const { files, running, log } = this.#deps;
    const action = markerAtStart(await this.#marker(), { running, now: this.#now });
    switch (action.kind) {
      case "nothing":
        return "run";
      case "clear":
        await files.removeMarker();
        return "run";
      case "store":
        await this.#write(action.marker);
        return "run";
      case "rollBack": {
        const { newVersion: to, oldVersion: from } = action.marker;
        if (!await this.#putBack(to)) {
          await this.#write(action.ifKept);
          return "run";
        }
        await this.#write(action.marker);
        log.warn("A new version of the agent was rolled back", { from, to });
        return "restart";
      }
    }
  }

  /** To be called after two minutes: the version that runs is taken for good. */
  async noteHealthy(): Promise<void> {
    if (isProvenByUptime(await this.#marker())) await this.#deps.files.removeMarker();
  }

  /** Whether a version must not be taken again. */
  async isBlocked(version: string): Promise<boolean> {
    return isBlockedByMarker(await this.#marker(), version);
  }

  /**
   * Makes `version` the one that the service starts next, on probation. Throws `denied`, `busy`, `untrusted_server` or
   * `io_failed`; the version that runs is then in its place, unless the disk has refused to put it back: then the
   * marker stays, and the repair at the next boot does.
   */
  async activate(version: string, signal: AbortSignal): Promise<void> {
    const { files, running, log } = this.#deps;
    const next = `reagent-v${version}.exe`;
    await this.#assertMayActivate(version);
    await this.#assertIsVersion(next, version, signal);
    await files.remove(previous);
    const marker = { newVersion: version, oldVersion: running, attempts: 0, updatedAt: this.#now };
    await this.#write({ ...marker, phase: "swapping" });
    try {
      await this.#rename(program, previous);
    } catch (error) {
      await files.removeMarker();
      throw error;
    }
    try {
      await this.#rename(next, program);
    } catch (error) {
      await this.#rename(previous, program);
      await files.removeMarker();
      throw error;
    }
    await this.#write({ ...marker, phase: "probation" });
    log.info("The next start is that of the new version", { from: running, to: version });
  }

  async #assertMayActivate(version: string): Promise<void> {
    const { agentDir, ownPath, running } = this.#deps;
    const marker = await this.#marker();
    if (isBlockedByMarker(marker, version)) {
      throw new AgentError("denied", `Cannot switch to version ${version}: it was rolled back`);
    }
    // What is gone back to would be lost for a version that nobody knows to be good.
    if (marker?.phase === "probation") {
      throw new AgentError("busy", `Cannot switch to version ${version}: version ${running} is on probation`);
    }
    const expected = `${agentDir}/${program}`;
    if (plainPath(ownPath) !== plainPath(expected)) {
      throw new AgentError("denied", `Cannot switch: this is "${ownPath}", not "${expected}"`);
    }
  }

  async #assertIsVersion(name: string, version: string, signal: AbortSignal): Promise<void> {
    const { files } = this.#deps;
    if ((await files.size(name) ?? 0) === 0) {
      throw new AgentError("io_failed", `Cannot switch to version ${version}: "${name}" is missing or empty`);
    }
    const answer = (await files.versionOf(name, signal)).trim();
    if (answer !== version) {
      const seen = JSON.stringify(answer.slice(0, 60));
      throw new AgentError("untrusted_server", `Refused version ${version}: "${name}" says that it is version ${seen}`);
    }
  }

  /** False when the disk refuses; the files are then as they were. */
  async #putBack(bad: string): Promise<boolean> {
    const { files, log } = this.#deps;
    const failed = `reagent-failed-v${bad}.exe`;
    try {
      if (await files.size(previous) === undefined) throw new AgentError("io_failed", `Cannot find "${previous}"`);
      await this.#rename(program, failed);
      try {
        await this.#rename(previous, program);
      } catch (error) {
        await this.#rename(failed, program);
        throw error;
      }
      return true;
    } catch (error) {
      log.warn("Cannot go back to the version before; trying again at the next start", { error, version: bad });
      return false;
    }
  }

  async #rename(from: string, to: string): Promise<void> {
    const { files, clock } = this.#deps;
    for (let left = renameTries - 1;; left -= 1) {
      try {
        return await files.rename(from, to);
      } catch (error) {
        if (left === 0) throw new AgentError("io_failed", `Cannot rename "${from}" to "${to}"`, { cause: error });
        await clock.sleep(renamePauseMs);
      }
    }
  }

  async #marker(): Promise<WindowsMarker | undefined> {
    return decodeMarker(await this.#deps.files.readMarker() ?? "");
  }

  async #write(marker: WindowsMarker): Promise<void> {
    await this.#deps.files.writeMarker(encodeMarker(marker));
  }

  get #now(): string {
    return this.#deps.now().toISOString().replace(/\.\d+Z$/, "Z");
  }
}

/** For comparisons, as Windows compares paths. */
function plainPath(path: string): string {
  return path.replaceAll("\\", "/").toLowerCase();
}
