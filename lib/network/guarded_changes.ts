/**
 * Changes of what carries the link: they are tried out, and stay only when the router was reached over the new network.
 */

import type { Clock } from "../async/clock.ts";
import { TaskSet } from "../async/task_set.ts";
import { AgentError, hasCode, isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isServiceMissing } from "../dbus/bus_errors.ts";
import type { NetworkManagerProxy } from "../dbus/network_manager.ts";
import type { ChangeOutcome, ChangeRecord, ChangeRecordFile } from "./change_record.ts";
import { switchOver, undoChange } from "./switch_over.ts";

/** What guarded changes need. */
export interface GuardedChangesDeps {
  manager: NetworkManagerProxy;
  file: ChangeRecordFile;
  /** Leaves the connection to the router and opens a new one; undefined for a device that stays offline. */
  reconnect: ((reason: string) => void) | undefined;
  /** Whether the router is reached at this moment. */
  isConnected(): boolean;
  /** Tells Studio how a change ended. Throws when the router has not taken it. */
  publish(outcome: ChangeOutcome): Promise<void>;
  limits?: ChangeLimits;
  clock: Clock;
  log: Log;
}

/** How long things may take; all in the usual case. */
export interface ChangeLimits {
  /** After this NetworkManager returns by itself, whatever has become of the agent. */
  checkpointSeconds: number;
  /** After this the agent makes it return. */
  tryMs: number;
}

/** A change before it is made. */
export interface Change extends Pick<ChangeRecord, "method" | "interfaceName" | "profile" | "switchOver" | "undo"> {
  /** The paths of the devices that it may cut off. */
  devices: readonly string[];
  /** Saves what is asked for. The link is not touched. What it throws is the answer to the caller. */
  prepare(signal: AbortSignal): Promise<void>;
}

/** The limits outside of tests. */
export const changeLimits: ChangeLimits = { checkpointSeconds: 90, tryMs: 60_000 };

/** Time for the answer to reach the caller before the link is touched. */
const answerMs = 500;

const askAgainMs = 1_000;

const unreachedText = "the router could not be reached over the new network";

/**
 * The changes.
 *
 * - One at a time. It is noted in the file before anything is changed, and until Studio has been told how it ended.
 * - NetworkManager has a checkpoint, or the note says how to return, before anything is changed.
 * - Only a connection to the router that was opened after the change lets it stay.
 */
export class GuardedChanges implements AsyncDisposable {
  readonly #deps: GuardedChangesDeps;
  readonly #limits: ChangeLimits;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  readonly #waiting = new Set<() => void>();
  #isBusy = false;
  /** How a change ended that the disk did not take, until Studio has been told. */
  #untold: ChangeRecord | undefined;
  #telling: Promise<void> = Promise.resolve();

  constructor(deps: GuardedChangesDeps) {
    this.#deps = deps;
    this.#limits = deps.limits ?? changeLimits;
    this.#tasks = new TaskSet((error) => {
      if (!isCanceled(error)) deps.log.error("A change of the network was left undecided", { error });
    });
  }

  /**
   * Prepares a change, and makes it once the caller has its answer. Throws `busy` while another one is not decided, and
   * what NetworkManager refuses.
   */
  async begin(change: Change, signal: AbortSignal): Promise<void> {
    if (this.#isBusy) throw new AgentError("busy", "another change of the network is still being tried out");
    this.#isBusy = true;
    try {
      const record = await this.#prepare(change, signal);
      void this.#tasks.add(this.#tryOut(record).finally(() => this.#isBusy = false));
    } catch (error) {
      this.#isBusy = false;
      throw error;
    }
  }

  /** Goes on with what an earlier run of the agent has left. Returns at once. */
  resume(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#tasks.add(this.#resume().finally(() => this.#isBusy = false));
  }

  /** The router was reached on a new connection: what waits for that goes on, and Studio is told what it missed. */
  async onConnect(): Promise<void> {
    for (const resolve of [...this.#waiting]) resolve();
    this.#waiting.clear();
    await this.#tell();
  }

  /** Leaves an undecided change as it is: the next run of the agent, or NetworkManager, decides. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.#tasks.settled();
  }

  async #prepare(change: Change, signal: AbortSignal): Promise<ChangeRecord> {
    const { manager, file, log } = this.#deps;
    const { devices, prepare, ...about } = change;
    const instance = await manager.instance(signal);
    const limitSeconds = this.#limits.checkpointSeconds;
    const checkpoint = await manager.createCheckpoint({ devices, limitSeconds }, signal);
    if (checkpoint === undefined) log.warn("NetworkManager has no checkpoints: only the agent can undo a change");
    const { undo, ...rest } = about;
    const record: ChangeRecord = {
      phase: "trying",
      ...rest,
      instance,
      ...(undo === undefined ? {} : { undo }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
    };
    try {
      await file.write(record);
      await prepare(signal);
      return record;
    } catch (error) {
      await this.#abandon(record);
      throw error;
    }
  }

  /** Nothing was changed, or only a part of it. */
  async #abandon({ checkpoint }: ChangeRecord): Promise<void> {
    const { manager, file, log } = this.#deps;
    try {
      if (checkpoint !== undefined) await manager.destroyCheckpoint(checkpoint, this.#life.signal);
    } catch (error) {
      log.debug("Cannot remove the checkpoint of a change that was not made", { error: textOf(error) });
    }
    await file.remove();
  }

  async #tryOut(record: ChangeRecord): Promise<void> {
    const { log, clock } = this.#deps;
    const { method, interfaceName } = record;
    log.info("A change of the network is tried out", { method, interfaceName });
    const patience = new AbortController();
    const limit = clock.sleep(this.#limits.tryMs, AbortSignal.any([patience.signal, this.#life.signal])).then(
      () => patience.abort(),
      () => {},
    );
    const signal = AbortSignal.any([patience.signal, this.#life.signal]);
    try {
      await clock.sleep(answerMs, signal);
      await switchOver(this.#deps, record, signal);
      await this.#reachRouter(signal);
    } catch (error) {
      if (this.#life.signal.aborted) throw error;
      const why = patience.signal.aborted ? unreachedText : failureOf(error);
      return await this.#revert(record, why);
    } finally {
      patience.abort();
      await limit;
    }
    await this.#keep(record);
  }

  /** Resolves when a connection to the router has been opened from now on. */
  async #reachRouter(signal: AbortSignal): Promise<void> {
    const { reconnect } = this.#deps;
    if (reconnect === undefined) return;
    const connected = this.#untilConnected(signal);
    reconnect("the network was changed");
    await connected;
  }

  #untilConnected(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(resolve);
      const onAbort = () => {
        this.#waiting.delete(resolve);
        reject(new AgentError("canceled", "The wait for the router was canceled"));
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  async #keep(record: ChangeRecord): Promise<void> {
    const { manager, file } = this.#deps;
    // When the agent ended here before, it has most likely removed the checkpoint itself.
    const wasKeeping = record.phase === "keeping";
    try {
      if (!wasKeeping) await file.write({ ...record, phase: "keeping" });
    } catch (error) {
      // After a power loss nobody would know that it is to stay.
      return await this.#revert(record, `that it works cannot be noted: ${textOf(error)}`);
    }
    const { checkpoint } = record;
    if (checkpoint === undefined) return await this.#end(record, { outcome: "kept" });
    const isKept = await this.#untilAnswered(async (signal) => {
      if (await manager.instance(signal) !== record.instance) return true;
      if (!(await manager.listCheckpoints(signal)).includes(checkpoint)) return wasKeeping;
      await manager.destroyCheckpoint(checkpoint, signal);
      return true;
    });
    const late = { outcome: "reverted", error: "the router was reached too late" } as const;
    await this.#end(record, isKept ? { outcome: "kept" } : late);
  }

  async #revert(record: ChangeRecord, error: string): Promise<void> {
    const { manager, log } = this.#deps;
    const { checkpoint, undo, interfaceName } = record;
    log.warn("A change of the network is undone", { method: record.method, interfaceName, error });
    await this.#untilAnswered(async (signal) => {
      const isSame = await manager.instance(signal) === record.instance;
      if (isSame && checkpoint !== undefined) {
        // One that is gone has been used by NetworkManager itself.
        if (!(await manager.listCheckpoints(signal)).includes(checkpoint)) return;
        if (await manager.rollBackCheckpoint(checkpoint, signal)) return;
      }
      if (undo !== undefined) await undoChange(this.#deps, { undo, interfaceName }, signal);
    });
    await this.#end(record, { outcome: "reverted", error });
  }

  /** Asks until NetworkManager answers; it or the bus may be restarting. Gives up after the time of a checkpoint. */
  async #untilAnswered<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, log } = this.#deps;
    const endMs = clock.now() + this.#limits.checkpointSeconds * 1_000;
    while (true) {
      try {
        return await ask(this.#life.signal);
      } catch (error) {
        if (this.#life.signal.aborted || clock.now() > endMs) throw error;
        log.debug("NetworkManager does not answer yet", { error: textOf(error) });
        await clock.sleep(askAgainMs, this.#life.signal);
      }
    }
  }

  async #end(record: ChangeRecord, end: Pick<ChangeOutcome, "outcome" | "error">): Promise<void> {
    const { file, log } = this.#deps;
    const { method, interfaceName } = record;
    const fields = { method, interfaceName, ...end };
    if (end.outcome === "kept") log.info("A change of the network is kept", fields);
    else log.warn("A change of the network was reverted", fields);
    const ended: ChangeRecord = { ...record, phase: "ended", ...end };
    try {
      await file.write(ended);
    } catch (error) {
      log.error("Cannot note how a change of the network ended", { error });
      this.#untold = ended;
    }
    await this.#tell();
  }

  /** Tells Studio once how a change ended, if one has; what it does not hear is told on the next connect. */
  #tell(): Promise<void> {
    // A connect and the end of a change often come together.
    return this.#telling = this.#telling.then(() => this.#tellNext());
  }

  async #tellNext(): Promise<void> {
    const { file, publish, log } = this.#deps;
    const record = this.#untold ?? await file.read();
    if (record?.phase !== "ended") return;
    const { method, interfaceName, outcome = "reverted", error } = record;
    try {
      await publish({ method, interfaceName, outcome, ...(error === undefined ? {} : { error }) });
      this.#untold = undefined;
      await file.remove();
    } catch (failure) {
      log.debug("Studio cannot be told yet how a change of the network ended", { error: textOf(failure) });
    }
  }

  async #resume(): Promise<void> {
    const { file, manager, log } = this.#deps;
    const record = await file.read();
    if (record === undefined) return;
    if (record.phase === "ended") return await this.#tell();
    log.info("A change of the network was not decided before the agent ended", { method: record.method });
    if (record.phase === "keeping") return await this.#keep(record);
    const isReached = await this.#reachedInTime();
    const isSame = await this.#untilAnswered(async (signal) => await manager.instance(signal) === record.instance);
    const { checkpoint } = record;
    const stands = isSame && checkpoint !== undefined &&
      await this.#untilAnswered(async (signal) => (await manager.listCheckpoints(signal)).includes(checkpoint));
    if (isSame && checkpoint !== undefined && !stands) {
      return await this.#end(record, { outcome: "reverted", error: "the agent was not there to keep it" });
    }
    if (!isReached) return await this.#revert(record, unreachedText);
    await this.#tryOut(record);
  }

  /** Whether the router is reached before NetworkManager returns by itself. */
  async #reachedInTime(): Promise<boolean> {
    const { clock, reconnect, isConnected } = this.#deps;
    // A connection of this run of the agent is newer than the change.
    if (reconnect === undefined || isConnected()) return true;
    const patience = new AbortController();
    const signal = AbortSignal.any([patience.signal, this.#life.signal]);
    const connected = this.#untilConnected(signal).then(() => true, () => false);
    const late = clock.sleep(this.#limits.checkpointSeconds * 1_000, signal).then(() => false, () => false);
    const isReached = await Promise.race([connected, late]);
    patience.abort();
    await Promise.all([connected, late]);
    return isReached;
  }
}

/** What is told of an attempt that has failed. Losing NetworkManager meanwhile looks like many different things. */
function failureOf(error: unknown): string {
  const isLost = hasCode(error, "bus_unreachable") || isServiceMissing(error);
  return isLost ? "NetworkManager ended meanwhile" : textOf(error);
}
