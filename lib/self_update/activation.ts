/** Switches to a new version under the start guard, and says how that has ended. */

import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { writeFileDurably } from "../files/atomic_file.ts";
import { withFileError } from "../files/os_error.ts";
import { syncFolder } from "../files/sync_folder.ts";
import {
  type ActivationNeed,
  type ActivationState,
  decodeActivation,
  encodeActivation,
  newActivation,
} from "./activation_state.ts";
import { guardFiles } from "./start_guard.ts";
import type { UpdateRecordFile } from "./update_record.ts";
import { keepRunningVersion, linkVersion, readVersionLinks, removeFallback } from "./version_links.ts";
import { type VersionStart, versionStart } from "./version_start.ts";

/** What a switch works with. */
export interface ActivationDeps {
  agentDir: string;
  /** The version that runs. */
  running: string;
  record: Pick<UpdateRecordFile, "read" | "change">;
  log: Log;
}

/** The switch between versions of one agent; each process has one. */
export class Activation {
  readonly #deps: ActivationDeps;
  #settled: Promise<VersionStart> | undefined;

  constructor(deps: ActivationDeps) {
    this.#deps = deps;
  }

  /**
   * What the start of this version means. At the first call it is noted, and what an interruption has left is removed;
   * what cannot be noted is found again at the next start. Never throws.
   */
  settle(): Promise<VersionStart> {
    return this.#settled ??= this.#settleOnce();
  }

  /**
   * Makes `to` the version that the guard starts next, on probation. After power loss at any step either version is
   * run. Throws `io_failed`, `no_space`, `busy` while this version is on probation itself.
   */
  async switchTo(to: string, needs: ActivationNeed): Promise<void> {
    const { agentDir, running, log } = this.#deps;
    if ((await this.settle()).kind === "probation") {
      throw new AgentError("busy", `Cannot switch to version ${to}: version ${running} is on probation`);
    }
    await keepRunningVersion(agentDir, running);
    // Before the state: without it the guard and the next start see that nothing was switched.
    await linkVersion(agentDir, { name: "fallback", version: running });
    await this.#writeState(newActivation({ from: running, to, needs }));
    await linkVersion(agentDir, { name: "program", version: to });
    log.info("The next start is that of the new version", { from: running, to, needs });
  }

  /** Tells the guard that this version has what it needs. Never throws. */
  async noteReached(): Promise<void> {
    await this.#changeState((state) => ({ ...state, isConnected: true }));
  }

  /** Does not count this start, because somebody has asked for its end. Never throws. */
  async forgiveStart(): Promise<void> {
    await this.#changeState((state) => ({ ...state, starts: Math.max(0, state.starts - 1) }));
  }

  /** Takes this version for good. False when the guard has gone back from it. Throws `io_failed`, `no_space`. */
  async takeForGood(from: string): Promise<boolean> {
    const { agentDir, running: to, record, log } = this.#deps;
    if (!await removeFallback(agentDir)) return false;
    this.#settled = Promise.resolve({ kind: "settled" });
    log.info("This version of the agent has proved itself", { from, to });
    await record.change({ last: { from, to, outcome: "updated", why: "" } });
    await this.#removeState();
    return true;
  }

  /** Why a version must not be taken again; undefined when it may. */
  async whyBlocked(version: string): Promise<string | undefined> {
    const start = await this.settle();
    const { blocked = [], last } = await this.#deps.record.read();
    const isBack = start.kind === "rolledBack" && start.to === version;
    if (!isBack && !blocked.includes(version)) return undefined;
    const why = isBack ? start.why : last?.outcome === "rolledBack" && last.to === version ? last.why : "";
    return why === "" ? "it was rolled back" : why;
  }

  async #settleOnce(): Promise<VersionStart> {
    const { agentDir, running, record, log } = this.#deps;
    const [links, state, { last, blocked = [] }] = await Promise.all([
      readVersionLinks(agentDir),
      this.#readState(),
      record.read(),
    ]);
    const start = versionStart({ running, links, state, last });
    try {
      await this.#note(start, blocked);
    } catch (error) {
      log.warn("Cannot note how a switch between versions of the agent has ended", { error, ...start });
    }
    return start;
  }

  /** The state goes last, so that what was not noted is found again; before the fallback, without which it misleads. */
  async #note(start: VersionStart, blocked: readonly string[]): Promise<void> {
    const { agentDir, running: to, record, log } = this.#deps;
    switch (start.kind) {
      case "settled":
        return;
      case "probation":
        log.info("This version of the agent is on probation", { from: start.from, needs: start.needs });
        return await record.change({ last: { from: start.from, to, outcome: "probation", why: "" } });
      case "proven":
        await record.change({ last: { from: start.from, to, outcome: "updated", why: "" } });
        return await this.#removeState();
      case "interrupted":
        log.info("A switch to another version was interrupted before it took place");
        break;
      case "rolledBack": {
        const { from, to: bad, why } = start;
        log.warn("A new version of the agent was rolled back", { from, to: bad, why });
        await record.change({
          last: { from, to: bad, outcome: "rolledBack", why },
          blocked: [...blocked.filter((other) => other !== bad), bad].slice(-blockedLimit),
        });
        const { program, fallback } = await readVersionLinks(agentDir);
        if (fallback === from && program !== from) await linkVersion(agentDir, { name: "program", version: from });
        break;
      }
    }
    await this.#removeState();
    await removeFallback(agentDir);
  }

  async #readState(): Promise<ActivationState | undefined> {
    try {
      return decodeActivation(await Deno.readTextFile(this.#statePath));
    } catch {
      // There is none, or none that can be read, which says as little.
      return undefined;
    }
  }

  async #writeState(state: ActivationState): Promise<void> {
    await writeFileDurably(this.#statePath, encodeActivation(state), { mode: 0o644, log: this.#deps.log });
  }

  async #changeState(change: (state: ActivationState) => ActivationState): Promise<void> {
    const state = await this.#readState();
    const { fallback } = await readVersionLinks(this.#deps.agentDir);
    // The guard may have gone back meanwhile, and has written why.
    if (fallback === undefined || state?.phase !== "trial") return;
    try {
      await this.#writeState(change(state));
    } catch (error) {
      this.#deps.log.warn("Cannot tell the start guard how far this version is", { error });
    }
  }

  async #removeState(): Promise<void> {
    await withFileError(`Cannot remove "${this.#statePath}"`, async () => {
      await Deno.remove(this.#statePath).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
      await syncFolder(this.#deps.agentDir);
    });
  }

  get #statePath(): string {
    return `${this.#deps.agentDir}/${guardFiles.state}`;
  }
}

/** More versions are not remembered as bad. */
const blockedLimit = 8;
