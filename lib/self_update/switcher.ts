/** Brings new versions into use under the start guard, and lets this one prove itself. */

import type { Clock } from "../async/clock.ts";
import { isCanceled } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Activation } from "./activation.ts";
import type { ActivationNeed } from "./activation_state.ts";
import type { OwnActivation } from "./dependencies.ts";
import { refreshGuard } from "./guard_file.ts";
import { untilProven } from "./prove_version.ts";
import { removeOldVersions } from "./remove_old_versions.ts";

/** What the switcher works with. */
export interface SwitcherDeps {
  own: OwnActivation;
  activation: Activation;
  /** The version that runs. */
  version: string;
  paths: { agentDir: string; downloadsDir: string };
  /** Names of apps that a restart of the agent would disturb. */
  unsettledApps(): string[];
  /** Whether an update of the operating system is being installed. */
  isSystemUpdating(): boolean;
  clock: Clock;
  log: Log;
}

/** Between two looks at apps that must not be disturbed. */
const settlePauseMs = 5_000;

/** Switches once in the life of a process. */
export class Switcher {
  readonly #deps: SwitcherDeps;
  #isSwitching = false;
  #isProving = false;

  constructor(deps: SwitcherDeps) {
    this.#deps = deps;
  }

  /** True from when a switch was decided on. */
  get isSwitching(): boolean {
    return this.#isSwitching;
  }

  /**
   * Lets the version that runs prove itself, if it is on probation. Returns when it was taken for good, and when the
   * agent ends.
   */
  async prove(signal: AbortSignal): Promise<void> {
    const { activation, own, version, paths, clock, log } = this.#deps;
    const start = await activation.settle();
    if (start.kind !== "probation") return;
    this.#isProving = true;
    const proving = {
      hasWhatItNeeds: (end: AbortSignal) => hasReached(start.needs, own, end),
      noteReached: () => activation.noteReached(),
      clock,
    };
    try {
      await untilProven(proving, signal);
      this.#isProving = false;
      if (!await activation.takeForGood(start.from)) return;
      await removeOldVersions(paths, { running: version, newest: version, log });
      await this.refreshGuard(signal);
    } catch (error) {
      if (!isCanceled(error)) log.warn("Cannot take this version of the agent for good", { error });
    }
  }

  /** See `refreshGuard()`; does nothing while the version that runs is on probation. */
  async refreshGuard(signal: AbortSignal): Promise<void> {
    const { activation, paths, log } = this.#deps;
    if ((await activation.settle()).kind !== "probation") await refreshGuard(paths.agentDir, { log }, signal);
  }

  /** Waits, also for apps that must not be disturbed, then switches and ends the agent. Never throws. */
  async switchTo(version: string, { pauseMs }: { pauseMs: number }, signal: AbortSignal): Promise<void> {
    const { activation, own, unsettledApps, isSystemUpdating, clock, log } = this.#deps;
    if (this.#isSwitching) return;
    this.#isSwitching = true;
    try {
      await clock.sleep(pauseMs, signal);
      const needs = await this.#needs(signal);
      while (unsettledApps().length > 0 || isSystemUpdating()) await clock.sleep(settlePauseMs, signal);
      await activation.switchTo(version, needs);
      own.restart();
    } catch (error) {
      this.#isSwitching = false;
      if (!isCanceled(error)) log.warn("Cannot switch to the new version of the agent", { error, version });
    }
  }

  /** At the end of the agent: an end that somebody has asked for says nothing about this version. */
  async leave(): Promise<void> {
    if (this.#isProving && this.#deps.own.isEndAsked()) await this.#deps.activation.forgiveStart();
  }

  /** A new version must have what this one has, and no more: the network may be away. */
  async #needs(signal: AbortSignal): Promise<ActivationNeed> {
    const { own } = this.#deps;
    if (own.isConnected()) return "connection";
    return await own.hasEngine(signal) ? "engine" : "database";
  }
}

async function hasReached(need: ActivationNeed, own: OwnActivation, signal: AbortSignal): Promise<boolean> {
  switch (need) {
    case "connection":
      return own.isConnected();
    case "engine":
      return own.isConnected() || await own.hasEngine(signal);
    case "database":
      // It is open before anything else begins.
      return true;
  }
}
