/** Connects everything that works on the apps of the device. */

import { type AppId, type AppIdText, type AppRequest, idText } from "../model/app.ts";
import { appLimit } from "../model/request_limits.ts";
import type { DiskUser } from "../disk_space/disk_space.ts";
import { orAborted, throwIfAborted } from "../async/deadline.ts";
import { TaskSet } from "../async/task_set.ts";
import { summarize } from "../base/bounds.ts";
import { textOf } from "../base/errors.ts";
import type { Dict } from "../base/json.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { existsSync } from "../files/exists.ts";
import { completeRebuild } from "../store/recovery.ts";
import { appsConnectSteps } from "./connect_steps.ts";
import type { HostPortAnswer, HostPortQuestion } from "./container/host_port_check.ts";
import type { TransferPart } from "./build/transfers.ts";
import { Uploads } from "./build/uploads.ts";
import type { AppsDeps } from "./dependencies.ts";
import { rebuiltText } from "./plan/texts.ts";
import { Outbox } from "./report/outbox.ts";
import { StateReporter } from "./report/state_reporter.ts";
import { acceptRequest } from "./requests/accept_request.ts";
import { assertNeededVersion } from "./requests/needed_version.ts";
import type { ReconcileDeps } from "./requests/reconcile_deps.ts";
import { endsUpload } from "./plan/decide.ts";
import { reconcileLocal } from "./requests/reconcile_local.ts";
import { reconcileRemote } from "./requests/reconcile_remote.ts";
import { requestSecrets } from "./requests/request_secrets.ts";
import { resumeWanted } from "./requests/start_wanted.ts";
import { decodeStateRequest } from "./requests/state_request.ts";
import { AppRecords } from "./state/app_records.ts";
import { isUnsettled } from "./plan/rollback.ts";
import { type AppSnapshot, snapshotOf } from "./state/app_snapshot.ts";
import { endLeftOverCommands } from "./work/left_over_commands.ts";
import { diskUses } from "./state/disk_use.ts";
import { type AppTools, createAppTools } from "./work/app_tools.ts";
import { AppWorkers } from "./work/app_workers.ts";
import { ContainerObserver } from "./work/container_observer.ts";
import { stopAndRemoveContainer } from "./work/remove_container.ts";

/** Apps of which it is known when Studio last sent a request: more than a device has. */
const notedRequests = 2 * appLimit;

/** All apps of the device; see `Apps` for what its methods do. */
export class AppController {
  readonly connectSteps: readonly ConnectStep[];
  readonly #deps: AppsDeps;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  readonly #records: AppRecords;
  readonly #outbox: Outbox;
  readonly #reporter: StateReporter;
  readonly #tools: AppTools;
  readonly #workers: AppWorkers;
  readonly #observer: ContainerObserver;
  readonly #uploads: Uploads;
  /** When Studio last sent a request for an app of its own accord, on the agent's clock; the oldest first. */
  readonly #requestedAtMs = new Map<AppIdText, number>();
  /** What was stored is lost, and Studio has not said since what it wants. */
  #isRebuilt: boolean;
  #hasSaidRebuilt = false;
  readonly #localDone = Promise.withResolvers<void>();
  /** Secret. */
  #appCredKey: string | undefined;

  constructor(deps: AppsDeps) {
    const { backend, database, isEmergency, clock, log } = deps;
    const life = this.#life.signal;
    this.#deps = deps;
    this.#isRebuilt = deps.isRebuilt;
    this.#tasks = new TaskSet((error) => {
      if (!life.aborted) log.error("Work on apps failed", { error });
    });
    const keep = (task: Promise<void>) => void this.#tasks.add(task);
    const records = this.#records = new AppRecords({ database, clock });
    this.#outbox = new Outbox({ backend, database, clock, log, life });
    const reporter = this.#reporter = new StateReporter({ records, outbox: this.#outbox, keep, clock, log, life });
    const surroundings = () => ({ ...deps.surroundings(), appCredKey: this.#appCredKey });
    const makeWay = (id: AppId) => keep(this.#workers.of(id).restart());
    const tools = this.#tools = createAppTools({ ...deps, surroundings, records, reporter, keep, makeWay });
    const isDeviceUnstable = () => isEmergency() || this.#observer.isEngineUnstable();
    const onGone = (id: AppId) => {
      tools.forget(id);
      tools.preparation.forget(id);
      deps.tunnels.close(id);
      deps.hideSecretsOf(idText(id), []);
    };
    this.#workers = new AppWorkers({ ...deps, ...tools, records, reporter, isDeviceUnstable, onGone, keep, life });
    this.#observer = new ContainerObserver({ ...deps, ...tools, records, workers: this.#workers, keep });
    this.#uploads = new Uploads({
      ...deps,
      checkSpace: (upload) => deps.checkFile(upload),
      isKnown: (id) => records.find(id) !== undefined,
      onFailed: (id) => this.#endTransfer(id),
    });
    this.connectSteps = appsConnectSteps({
      backend,
      keepAppCredKey: (key) => this.#keepAppCredKey(key),
      reconcileRemote: (signal, options) => this.reconcileRemote(signal, options),
    });
  }

  async request(kwargs: Dict): Promise<void> {
    const { request, problems, leftOut } = decodeStateRequest(kwargs);
    assertNeededVersion(request, { kwargs, known: this.#records.find(request) });
    if (problems.length > 0) {
      this.#deps.log.warn("Parts of a request are skipped", { app: request.appName, ...summarize(problems) });
    }
    const known = this.#records.find(request);
    if (known !== undefined && endsUpload(known, request)) {
      await this.#uploads.cancel(this.#tools.namesOf(known).container);
    }
    this.#accept(request, { isUnprompted: true });
    this.#tools.noteLeftOut(request, leftOut);
    this.#deps.workJournal.forget(request);
    this.#noteRequest(request);
    // The file of the installed release counts, which Studio may not have heard of.
    const { dockerCompose } = this.#records.request(request) ?? request;
    const asked = { ...request, dockerCompose };
    void this.#tasks.add(this.#workers.of(request).act(asked, { origin: "request" }));
  }

  async reconcileLocal(signal: AbortSignal): Promise<void> {
    this.#hideSecretsOf(this.#records.requests());
    if (existsSync(this.#deps.dockerConfigDir)) await endLeftOverCommands(this.#deps, signal);
    await reconcileLocal(this.#reconcileDeps(), { isRebuilt: this.#isRebuilt, signal });
    // Those of adopted apps.
    if (this.#isRebuilt) this.#hideSecretsOf(this.#records.requests());
    this.#localDone.resolve();
    void this.#tasks.add(this.#deleteRemoved());
  }

  async reconcileRemote(signal: AbortSignal, { isRepeated = false } = {}): Promise<void> {
    const what = "The wait for the apps";
    throwIfAborted(signal, what);
    await orAborted(this.#localDone.promise, { what, signal });
    this.#sayRebuilt();
    await reconcileRemote(this.#reconcileDeps(), { isRepeated, signal });
  }

  sendMissed(): void {
    if (this.#outbox.count() === 0) return;
    const sending = this.#outbox.sendMissed().catch((error) => {
      this.#deps.log.debug("Studio does not take missed reports yet", { error });
    });
    void this.#tasks.add(sending);
  }

  startObserving(signal: AbortSignal): void {
    void this.#tasks.add(this.#observer.observe(AbortSignal.any([signal, this.#life.signal])));
  }

  /** How many apps are worked on, or may be at any moment. */
  get workerCount(): number {
    return this.#workers.size;
  }

  list(): AppSnapshot[] {
    return this.#records.all().map((app) => snapshotOf(app, this.#tools.namesOf(app)));
  }

  unsettled(): string[] {
    const { updates } = this.#records;
    return this.#records.all().filter(({ id, state }) => isUnsettled(state, updates.find(id)))
      .map(({ appName }) => appName);
  }

  checkHostPort(question: HostPortQuestion): HostPortAnswer {
    return this.#tools.checkHostPort(question);
  }

  syncPorts(id: AppId): void {
    if (this.#records.find(id) !== undefined) void this.#tasks.add(this.#workers.of(id).syncPorts());
  }

  async writeData(part: TransferPart): Promise<void> {
    await this.#uploads.write(part);
  }

  resume(): void {
    resumeWanted(this.#reconcileDeps());
  }

  diskUses(): DiskUser[] | undefined {
    if (this.#isRebuilt) return undefined;
    return diskUses(this.#records, this.#tools);
  }

  keptVolumes(): ReadonlySet<string> {
    return this.#records.volumes.names();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    this.#workers.stop();
    await this.#uploads[Symbol.asyncDispose]();
    await this.#tasks.settled();
    await this.#outbox.settled();
  }

  /** Nothing has become of an app that only waited for its upload. */
  #endTransfer(id: AppId): void {
    const app = this.#records.find(id);
    if (app?.state !== "TRANSFERING") return;
    void this.#tasks.add(this.#reporter.announce(app, "REMOVED", this.#life.signal));
  }

  #hideSecretsOf(requests: readonly AppRequest[]): void {
    for (const request of requests) this.#deps.hideSecretsOf(idText(request), requestSecrets(request));
  }

  async #deleteRemoved(): Promise<void> {
    try {
      await this.#deps.deleteRemoved(this.#life.signal);
    } catch (error) {
      this.#deps.log.warn("Cannot delete what is left of folders of apps", { error: textOf(error) });
    }
  }

  #accept(request: AppRequest, options: { isUnprompted: boolean }): boolean {
    const hideSecretsOf = (fitting: AppRequest) => this.#hideSecretsOf([fitting]);
    const deps = { records: this.#records, reporter: this.#reporter, hideSecretsOf, log: this.#deps.log };
    return acceptRequest(deps, { request, ...options });
  }

  #noteRequest(request: AppRequest): void {
    this.#requestedAtMs.delete(idText(request));
    this.#requestedAtMs.set(idText(request), this.#deps.clock.now());
    for (const oldest of this.#requestedAtMs.keys()) {
      if (this.#requestedAtMs.size <= notedRequests) break;
      this.#requestedAtMs.delete(oldest);
    }
  }

  #keepAppCredKey(key: string): void {
    this.#deps.hideSecretsOf("app_cred_key", [key]);
    this.#appCredKey = key;
  }

  /** People learn of a lost database where they look, once. */
  #sayRebuilt(): void {
    if (!this.#isRebuilt || this.#hasSaidRebuilt) return;
    this.#hasSaidRebuilt = true;
    for (const app of this.#records.all()) this.#tools.channels.say(app, rebuiltText);
  }

  /** From here on the database counts like any other. */
  #completeRebuild(): void {
    if (!this.#isRebuilt) return;
    completeRebuild(this.#deps.database);
    this.#isRebuilt = false;
  }

  #reconcileDeps(): ReconcileDeps {
    const { engine, backend, clock, log } = this.#deps;
    return {
      records: this.#records,
      engine,
      backend,
      accept: (request) => this.#accept(request, { isUnprompted: false }),
      noteLeftOut: (id, texts) => this.#tools.noteLeftOut(id, texts),
      sendMissed: () => this.#outbox.sendMissed(),
      onAnswer: () => this.#completeRebuild(),
      workerOf: (id) => this.#workers.of(id),
      projects: this.#tools.projects,
      namesOf: (app) => this.#tools.namesOf(app),
      folders: this.#deps,
      removeContainer: (idOrName, signal) => stopAndRemoveContainer(this.#deps, idOrName, signal),
      forget: (app) => {
        this.#reporter.forget(app);
        this.#tools.channels.forget(app);
        this.#deps.hideSecretsOf(idText(app.id), []);
      },
      wasRequestedSince: (id: AppId, sinceMs) => (this.#requestedAtMs.get(idText(id)) ?? -Infinity) >= sinceMs,
      keep: (task) => void this.#tasks.add(task),
      clock,
      log,
      life: this.#life.signal,
    };
  }
}
