/** The apps of the device: takes what Studio asks, keeps the device that way, and tells Studio. The way in to this folder. */

import { type AppId, type AppIdText, type AppRequest, type AppState, idText } from "../model/app.ts";
import { throwIfAborted } from "../async/deadline.ts";
import { AgentError } from "../base/errors.ts";
import type { Dict } from "../base/json.ts";
import type { EngineEvent } from "../docker/events.ts";
import { completeRebuild } from "../store/recovery.ts";
import { StateReporter } from "./report/state_reporter.ts";
import { StepFactory } from "./work/step_factory.ts";
import { observedState } from "./watch/observed_state.ts";
import { crashLoopDelayMs } from "./watch/crash_loop.ts";
import { type DiskUse, diskUses } from "./state/disk_use.ts";
import { unsteadyMs, watchEngine } from "./watch/engine_watch.ts";
import { acceptRequest } from "./requests/accept.ts";
import { parseContainerName } from "../model/app_names.ts";
import { Outbox } from "./report/outbox.ts";
import type { AppsDeps } from "./dependencies.ts";
import { AppRecords } from "./state/app_records.ts";
import { decodeRequest } from "./requests/decode.ts";
import { AppWorker } from "./work/app_worker.ts";
import { removeContainer } from "./work/container_steps.ts";
import { EngineSnapshot } from "./watch/engine_snapshot.ts";
import { type ReconcileDeps, reconcileLocal, reconcileRemote, resumeWanted } from "./requests/reconcile.ts";
import { rebuiltText } from "./plan/texts.ts";

/** An app as the rest of the agent sees it. */
export interface AppSnapshot {
  id: AppId;
  appName: string;
  state: AppState;
  /** Name of its container, and of its log channel. */
  channel: string;
}

/**
 * All apps. Disposing ends waits and downloads and leaves containers running.
 *
 * - Each app has one runner for as long as the agent lives, so that its work never overlaps.
 */
export class Apps implements AsyncDisposable {
  readonly #outside: AppsDeps;
  readonly #records: AppRecords;
  readonly #bench: StepFactory;
  readonly #outbox: Outbox;
  readonly #reporter: StateReporter;
  readonly #life = new AbortController();
  readonly #runners = new Map<AppIdText, AppWorker>();
  /** When Studio has last asked something by itself, on the agent's clock. */
  readonly #askedAtMs = new Map<AppIdText, number>();
  readonly #tasks = new Set<Promise<void>>();
  #hasToldRebuilt = false;
  /** What was stored was lost, and Studio has not said since what it wants. */
  #isRebuilt: boolean;
  /** From then on, on the agent's clock, what becomes of containers is not the doing of an engine that was away. */
  #steadyAtMs = -Infinity;
  readonly #localDone = Promise.withResolvers<void>();

  constructor(outside: AppsDeps) {
    const { database, clock, backend, log } = outside;
    this.#outside = outside;
    this.#isRebuilt = outside.isRebuilt;
    this.#records = new AppRecords({ database, clock });
    this.#outbox = new Outbox({ backend, database, clock, log, life: this.#life.signal });
    const keep = (task: Promise<void>) => this.#keep(task);
    const life = this.#life.signal;
    this.#reporter = new StateReporter({ records: this.#records, outbox: this.#outbox, keep, clock, log, life });
    this.#bench = new StepFactory({ outside, records: this.#records, reporter: this.#reporter, keep });
  }

  /**
   * Takes what Studio asks for one app: decodes it, stores it, and begins to act on it. Resolves when it is stored; a request that makes
   * room is acted on as well when the disk is too full to store it. Throws `bad_request` with the texts of the wire contract,
   * `store_failed`; nothing is kept then.
   */
  // deno-lint-ignore require-await -- callers wait for an answer, whether storing takes time or not
  async request(kwargs: Dict): Promise<void> {
    const { request, problems } = decodeRequest(kwargs);
    for (const problem of problems) {
      this.#outside.log.warn("Part of a request is skipped", { app: request.appName, problem });
    }
    this.#take(request, { isQuestion: true });
    this.#askedAtMs.set(idText(request), this.#outside.clock.now());
    this.#keep(this.#runnerOf(request).act(request, "request"));
  }

  /** See `reconcileLocal()` in sync.ts. */
  async reconcileLocal(signal: AbortSignal): Promise<void> {
    await reconcileLocal(this.#syncParts(), { isRebuilt: this.#isRebuilt, signal });
    this.#localDone.resolve();
  }

  /** Waits until `reconcileLocal()` is through; then see `reconcileRemote()` in sync.ts. */
  async reconcileRemote(signal: AbortSignal, { isRepeated = false } = {}): Promise<void> {
    await untilAborted(this.#localDone.promise, signal);
    this.#tellRebuilt();
    await reconcileRemote(this.#syncParts(), { isRepeated, signal });
  }

  /** Sends the reports that Studio has missed, in the background. To be called when Studio is known to answer. */
  sendMissed(): void {
    if (this.#outbox.count() === 0) return;
    this.#keep(
      this.#outbox.sendMissed().catch((error) => {
        this.#outside.log.debug("Studio does not take missed reports yet", { error });
      }),
    );
  }

  /** Watches the containers until `signal` ends. */
  startObserving(signal: AbortSignal): void {
    const { engine, clock, random, log } = this.#outside;
    this.#keep(watchEngine({
      engine,
      clock,
      random,
      log,
      onEvent: (event) => this.#takeEvent(event),
      onAway: () => this.#steadyAtMs = Infinity,
      onBack: () => this.#steadyAtMs = clock.now() + unsteadyMs,
      scan: (options) => this.#scan(options),
    }, AbortSignal.any([signal, this.#life.signal])));
  }

  /** All apps of the device at this moment. */
  list(): AppSnapshot[] {
    return this.#records.all().map((app) => {
      return { id: app.id, appName: app.appName, state: app.state, channel: this.#bench.namesOf(app).container };
    });
  }

  /** Begins anew what is stored as wanted, in the background. To be called when an emergency of the disk is over. */
  resume(): void {
    resumeWanted(this.#syncParts());
  }

  /**
   * What the apps may need of the engine's disk; undefined while that is not known, because the database was lost. Throws
   * `store_failed`.
   */
  diskUses(): DiskUse[] | undefined {
    if (this.#isRebuilt) return undefined;
    return diskUses(this.#records, (app) => this.#bench.namesOf(app));
  }

  /** Ends everything that goes on. Containers keep running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    for (const runner of this.#runners.values()) runner.stop();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    await this.#outbox.settled();
  }

  #take(request: AppRequest, options: { isQuestion: boolean }): boolean {
    const parts = { records: this.#records, reporter: this.#reporter, log: this.#outside.log };
    return acceptRequest(parts, request, options);
  }

  /** People learn of a lost database where they look, once. */
  #tellRebuilt(): void {
    if (!this.#isRebuilt || this.#hasToldRebuilt) return;
    this.#hasToldRebuilt = true;
    for (const app of this.#records.all()) this.#bench.say(app, rebuiltText);
  }

  #completeRebuild(): void {
    if (!this.#isRebuilt) return;
    completeRebuild(this.#outside.database);
    this.#isRebuilt = false;
  }

  #runnerOf(id: AppId): AppWorker {
    const known = this.#runners.get(idText(id));
    if (known !== undefined) return known;
    const { clock, log, random, isEmergency } = this.#outside;
    const runner = new AppWorker({ appKey: id.appKey, stage: id.stage }, {
      records: this.#records,
      reporter: this.#reporter,
      bench: this.#bench,
      retryDelayMs: (attempt) => crashLoopDelayMs(attempt, random()),
      isEmergency,
      isTroubled: () => isEmergency() || clock.now() < this.#steadyAtMs,
      keep: (task) => this.#keep(task),
      clock,
      log,
      life: this.#life.signal,
    });
    this.#runners.set(idText(id), runner);
    return runner;
  }

  #syncParts(): ReconcileDeps {
    const { engine, backend, clock, log } = this.#outside;
    return {
      records: this.#records,
      engine,
      backend,
      take: (request) => this.#take(request, { isQuestion: false }),
      sendMissed: () => this.#outbox.sendMissed(),
      onAnswer: () => this.#completeRebuild(),
      runnerOf: (id) => this.#runnerOf(id),
      namesOf: (app) => this.#bench.namesOf(app),
      removeContainer: (idOrName, signal) => removeContainer(engine, idOrName, signal),
      forget: (app) => {
        this.#reporter.forget(app);
        this.#bench.forget(app);
      },
      wasAskedSince: (id, sinceMs) => (this.#askedAtMs.get(idText(id)) ?? -Infinity) >= sinceMs,
      keep: (task) => this.#keep(task),
      clock,
      log,
      life: this.#life.signal,
    };
  }

  #takeEvent(event: EngineEvent): void {
    if (!["start", "die", "destroy", "pause", "unpause"].includes(event.action)) return;
    const id = parseContainerName(event.name)?.id;
    const app = id && this.#records.find(id);
    if (app === undefined || this.#bench.namesOf(app).container !== event.name) return;
    this.#keep(this.#runnerOf(app.id).look({ isReturn: false }));
  }

  /** Only apps that are not as they were are looked at closely. */
  async #scan(options: { isReturn: boolean; signal: AbortSignal }): Promise<void> {
    const { engine, clock } = this.#outside;
    const takenAtMs = clock.now();
    const survey = new EngineSnapshot({
      takenAtMs,
      containers: await engine.listContainers(options.signal),
      images: [],
    });
    for (const app of this.#records.all()) {
      const found = { ...survey.find(this.#bench.namesOf(app)), hasImage: true };
      const isNews = observedState(app.state, found) !== undefined;
      if (isNews || (options.isReturn && app.state === "FAILED")) {
        this.#keep(this.#runnerOf(app.id).look({ isReturn: options.isReturn }));
      }
    }
  }

  #keep(task: Promise<void>): void {
    const kept: Promise<void> = task
      .catch((error) => {
        if (!this.#life.signal.aborted) this.#outside.log.error("Work on apps failed", { error });
      })
      .finally(() => this.#tasks.delete(kept));
    this.#tasks.add(kept);
  }
}

/** Waits for `promise`; throws `canceled` when `signal` ends first. */
async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  throwIfAborted(signal, "The wait for the apps");
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new AgentError("canceled", "The wait for the apps was canceled"));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
