/**
 * What follows every connect: Studio learns of the device, the procedures are registered, and the apps become what
 * Studio wants. Nothing in it is fatal, and what fails is tried again for as long as the connection lasts.
 */

import type { Clock } from "../async/clock.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ConnectPhase, ConnectStep } from "../backend/connect_step.ts";
import type { Status } from "../status/status.ts";
import type { Session } from "../wamp/session.ts";
import { MovedError } from "./device_steps.ts";

/** What a run needs. All functions throw on failure. */
export interface OnConnectDeps {
  /** What the areas do, in the order of the areas. */
  steps: readonly ConnectStep[];
  status: Pick<Status, "beginBoot" | "finishBoot" | "report">;
  /** Everything was tried once; what failed goes on being tried. */
  onBooted(): void;
  /** Leaves the connection, so that the device joins again under another identity. */
  reconnect(reason: string): void;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}

const firstPauseMs = 1_000;
const bootPauseLimitMs = 10_000;

/** Steps that Studio's backend answers with an error are no reason to ask often. */
const lateStepPauseLimitMs = 60_000;

/**
 * Runs the sequence on a fresh session. `signal` ends with the session. Resolves when every step has passed, or when
 * the device turned out to belong to another project; throws `canceled` when the session ends before.
 */
export async function runOnConnect(deps: OnConnectDeps, session: Session, signal: AbortSignal): Promise<void> {
  deps.status.beginBoot();
  try {
    const run = new ConnectRun(deps, session, signal);
    const left = await run.boot();
    deps.status.finishBoot();
    deps.onBooted();
    await run.finish([report("report the device as connected", deps), ...left]);
  } catch (error) {
    if (!(error instanceof MovedError)) throw error;
    deps.reconnect("the device belongs to another project");
  }
}

/** The steps on one connection. */
class ConnectRun {
  readonly #deps: OnConnectDeps;
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #tried = new Set<ConnectStep>();

  constructor(deps: OnConnectDeps, session: Session, signal: AbortSignal) {
    this.#deps = deps;
    this.#session = session;
    this.#signal = signal;
  }

  /**
   * Runs all steps in order; again from the first that failed on, while Studio's backend is away. Returns the steps
   * that failed although it is there.
   */
  async boot(): Promise<ConnectStep[]> {
    const configuring = report("report the device as configuring", this.#deps);
    const first = [...this.#phase("prepare"), configuring, ...this.#phase("serve")];
    let left = first;
    for (let attempt = 1;; attempt += 1) {
      left = await this.#tryAll(left);
      // Whichever of these passes shows that the backend is there.
      if (first.some((step) => step.callsBackend && !left.includes(step))) break;
      await this.#pause({ attempt, limitMs: bootPauseLimitMs });
    }
    const late = await Promise.all(this.#phase("restore").map((step) => this.#tryAll([step])));
    // The device is reported again by what follows.
    return [...left.filter((step) => step !== configuring), ...late.flat()];
  }

  /** Tries the first step at once, the others later, and each until it has passed. */
  async finish([first, ...others]: ConnectStep[]): Promise<void> {
    let left = [...await this.#tryAll(first === undefined ? [] : [first]), ...others];
    for (let attempt = 1; left.length > 0; attempt += 1) {
      await this.#pause({ attempt, limitMs: lateStepPauseLimitMs });
      left = await this.#tryAll(left);
    }
  }

  #phase(phase: ConnectPhase): ConnectStep[] {
    return this.#deps.steps.filter((step) => step.phase === phase);
  }

  /** Tries each step once, in order, and returns those that failed. */
  async #tryAll(steps: readonly ConnectStep[]): Promise<ConnectStep[]> {
    const failed: ConnectStep[] = [];
    for (const step of steps) {
      const isRepeated = this.#tried.has(step);
      this.#tried.add(step);
      try {
        await step.run({ session: this.#session, isRepeated, signal: this.#signal });
      } catch (error) {
        if (this.#signal.aborted || error instanceof MovedError) throw error;
        this.#deps.log.warn(`Cannot ${step.name}`, { error: textOf(error) });
        failed.push(step);
      }
    }
    return failed;
  }

  async #pause(wait: { attempt: number; limitMs: number }): Promise<void> {
    const { clock, random } = this.#deps;
    const bound = Math.min(firstPauseMs * 2 ** Math.min(wait.attempt - 1, 10), wait.limitMs);
    await clock.sleep(Math.round(bound * (0.5 + 0.5 * random())), this.#signal);
  }
}

/** `CONFIGURING` or `CONNECTED`, as the reporter knows. */
function report(name: string, { status }: OnConnectDeps): ConnectStep {
  return { name, phase: "serve", callsBackend: true, run: ({ signal }) => status.report(signal) };
}
