/** Lets the system's installer install a bundle, and follows it to its end. */

import type { Clock } from "../async/clock.ts";
import { AgentError, hasCode, isCanceled, textOf } from "../base/errors.ts";
import { isServiceMissing } from "../dbus/bus_errors.ts";
import type { Rauc, RaucState } from "../dbus/rauc.ts";
import type { InstallProgress } from "./dependencies.ts";
import { isLastStep } from "./installation.ts";

/** How an installation is followed. */
export interface InstallFollowOptions {
  onProgress(progress: InstallProgress): void;
  clock: Clock;
  signal: AbortSignal;
}

/** How a bundle is installed. */
export interface InstallOptions extends InstallFollowOptions {
  path: string;
  /** Called when the installer has begun. */
  onBegun(): Promise<void>;
}

/** How often the installer is asked. */
export const installPollMs = 200;

/** Progress that does not change is told all the same after this time, for viewers who came later. */
export const installRepeatMs = 1_000;

/** So many questions in a row may stay without an answer, each for 30 s. */
export const installSilentPolls = 5;

/** Longer texts of the installer are cut. */
export const installTextChars = 1_000;

type InstallEnd = { kind: "completed"; code: number } | { kind: "gone" };

/**
 * Reads what the installer does. Throws `not_available` when there is none, and what `Rauc` throws.
 */
export async function readInstaller(rauc: Rauc, signal: AbortSignal): Promise<RaucState> {
  try {
    return await rauc.readState(signal);
  } catch (error) {
    if (!isServiceMissing(error) && !hasCode(error, "bus_unreachable")) throw error;
    throw new AgentError("not_available", "This system has no installer of updates that can be reached", {
      cause: error,
    });
  }
}

/**
 * Installs the bundle at `path`. Throws `busy` when something is being installed already, `install_failed` with the
 * reason of the installer, or when the installer has gone; `timeout` when it does not answer any more, `canceled`. The
 * installer goes on after the last two.
 */
export async function installBundle(rauc: Rauc, options: InstallOptions): Promise<void> {
  const { path, signal } = options;
  await using installation = await Installation.start(rauc, options);
  try {
    await rauc.install(path, signal);
  } catch (error) {
    if (!hasCode(error, "bus_refused")) throw error;
    const text = textOf(error);
    if (/already processing/i.test(text)) throw installerBusy();
    throw new AgentError("install_failed", `Cannot install "${path}": ${text}`, { cause: error });
  }
  installation.begin();
  await options.onBegun();
  await installation.untilEnd();
}

/** Follows an installation that runs already. Throws like `installBundle()`. */
export async function followInstallation(rauc: Rauc, options: InstallFollowOptions): Promise<void> {
  await using installation = await Installation.start(rauc, options);
  installation.begin();
  await installation.untilEnd();
}

/** The refusal of a second installation. */
export function installerBusy(): AgentError {
  return new AgentError("busy", "installation already in progress");
}

/**
 * One installation, followed from before its beginning, so that its end cannot be missed.
 */
class Installation implements AsyncDisposable {
  readonly #rauc: Rauc;
  readonly #options: InstallFollowOptions;
  readonly #watching: AsyncDisposable;
  readonly #end: Promise<InstallEnd>;
  /** Interrupts the pause between two questions. */
  readonly #isOver: AbortSignal;
  readonly #begin: () => void;
  #told: InstallProgress = { step: "", percent: -1 };
  #toldAtMs = Number.NEGATIVE_INFINITY;

  private constructor(
    rauc: Rauc,
    options: InstallFollowOptions,
    given: { watching: AsyncDisposable; end: Promise<InstallEnd>; isOver: AbortSignal; begin: () => void },
  ) {
    this.#rauc = rauc;
    this.#options = options;
    this.#watching = given.watching;
    this.#end = given.end;
    this.#isOver = given.isOver;
    this.#begin = given.begin;
  }

  static async start(rauc: Rauc, options: InstallFollowOptions): Promise<Installation> {
    const { promise: end, resolve } = Promise.withResolvers<InstallEnd>();
    const over = new AbortController();
    // What ends before may be an installation of somebody else.
    let isBegun = false;
    const settle = (how: InstallEnd) => {
      resolve(how);
      over.abort();
    };
    const watching = await rauc.watch({
      onCompleted: (code) => {
        if (isBegun) settle({ kind: "completed", code });
      },
      onGone: () => settle({ kind: "gone" }),
    });
    return new Installation(rauc, options, { watching, end, isOver: over.signal, begin: () => isBegun = true });
  }

  /** From now on the next end is its own. */
  begin(): void {
    this.#begin();
  }

  async untilEnd(): Promise<void> {
    const last = await this.#poll();
    const end = last === undefined ? await this.#end : undefined;
    if (end?.kind === "gone") throw this.#gone();
    // An installer that has gone after it was done takes nothing from that.
    const state = last ?? await this.#read().catch(() => undefined);
    if (state !== undefined) this.#tell(state, { isLast: true });
    if (end === undefined ? state?.lastError === "" : end.code === 0) return;
    const why = state?.lastError.slice(0, installTextChars) || "the installer does not say why";
    throw new AgentError("install_failed", `Cannot install the update: ${why}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watching[Symbol.asyncDispose]();
  }

  /** Asks until the installation is over; undefined when that was reported, else the last state. */
  async #poll(): Promise<RaucState | undefined> {
    const { clock, signal } = this.#options;
    const wake = AbortSignal.any([signal, this.#isOver]);
    let failures = 0;
    // A report can be lost with the connection; the last step twice in a row is an end as well.
    for (let lastSteps = 0;;) {
      await clock.sleep(installPollMs, wake).catch(() => {
        // What has ended it is looked at next.
      });
      if (signal.aborted) throw new AgentError("canceled", "Following an installation was canceled");
      if (this.#isOver.aborted) return undefined;
      try {
        const state = await this.#read();
        failures = 0;
        const isLast = isLastStep(state.progress);
        lastSteps = isLast && state.operation === "idle" ? lastSteps + 1 : 0;
        if (lastSteps > 1) return state;
        // Before its first step it has the last one of the installation before.
        if (!isLast) this.#tell(state, { isLast });
      } catch (error) {
        failures += 1;
        if (isCanceled(error) || hasCode(error, "install_failed") || failures >= installSilentPolls) throw error;
      }
    }
  }

  /** Throws `install_failed` when the installer has gone. */
  async #read(): Promise<RaucState> {
    try {
      return await this.#rauc.readState(this.#options.signal);
    } catch (error) {
      throw isServiceMissing(error) || hasCode(error, "bus_unreachable") ? this.#gone(error) : error;
    }
  }

  #tell({ progress }: RaucState, { isLast }: { isLast: boolean }): void {
    const { onProgress, clock } = this.#options;
    const percent = Math.min(Math.max(Math.trunc(progress.percent), 0), 100);
    const seen = { step: progress.message.slice(0, installTextChars), percent };
    const isSame = seen.step === this.#told.step && percent === this.#told.percent;
    if (isSame && (isLast || clock.now() - this.#toldAtMs < installRepeatMs)) return;
    this.#told = seen;
    this.#toldAtMs = clock.now();
    onProgress(seen);
  }

  #gone(cause?: unknown): AgentError {
    const { percent } = this.#told;
    const when = percent < 0 ? "" : `, at ${percent} %`;
    const text = `Cannot install the update: the installer or the message bus has ended meanwhile${when}`;
    return new AgentError("install_failed", text, { cause });
  }
}
