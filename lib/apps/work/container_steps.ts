/** Does the steps of a transition. The only file that changes containers, images and folders of apps. */

import type { AppRequest } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { AgentError, allow, hasCode, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { noSpaceText, type PullSpace } from "../../disk_space/pull_space.ts";
import type { CreateRequest, Engine } from "../../docker/engine.ts";
import type { ExitWatch } from "../../docker/exit_watch.ts";
import type { Pull } from "../../docker/pull.ts";
import type { RegistryAuth } from "../../docker/registry.ts";
import type { StateReporter } from "../report/state_reporter.ts";
import { observeApp } from "../watch/observe_app.ts";
import { wasKilledOutside } from "../watch/observed_state.ts";
import type { LiveApp } from "../state/live_app.ts";
import type { AppNames } from "../../model/app_names.ts";
import type { AppsDeps, StepEngine } from "../dependencies.ts";
import type { Wanted } from "../plan/container_plan.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import type { Step } from "../plan/steps.ts";
import type { AppRecords } from "../state/app_records.ts";
import { fallbackOf, settingsToRestore } from "../plan/rollback.ts";
import { awaitStartup } from "./startup_probe.ts";
import type { Effect, StepExecutor } from "./transition.ts";

/** What the steps of all apps are done with. */
export interface StepDeps {
  engine: StepEngine;
  checkRoom: AppsDeps["checkRoom"];
  readIdleMark: AppsDeps["readIdleMark"];
  log: Log;
  appLogs: AppsDeps["appLogs"];
  records: AppRecords;
  reporter: StateReporter;
  clock: Clock;
}

/** The app that the steps are done for. */
export interface StepWork {
  app: LiveApp;
  request: AppRequest;
  names: AppNames;
  /** Undefined when there is no login: the pull goes without one. */
  login(): Promise<RegistryAuth | undefined>;
  /** Why the release on probation has failed; empty unless the work is to go back. */
  reason: string;
  /** Chooses host ports and gives the create request. Throws `port_in_use` when no port is free. */
  configure(options: { image: string; withGpu: boolean }, signal: AbortSignal): Promise<CreateRequest>;
  /** Gives the host ports that an error text of the engine names to others; false when it names none of this app. */
  replacePorts(engineText: string): boolean;
  releasePorts(): void;
  deleteEnvFiles(): Promise<void>;
  deleteData(): Promise<void>;
}

/** Between SIGTERM and SIGKILL. */
const graceSeconds = 1;

/** Tries to find a free host port, counting the first. */
const startTries = 3;

const goneLimitMs = 30_000;
const goneEveryMs = 200;

/**
 * The workbench of one transition.
 *
 * - What it holds open (a pull, a wait for an exit) ends when it is disposed.
 */
export class ContainerSteps implements StepExecutor, Disposable {
  readonly #parts: StepDeps;
  readonly #work: StepWork;
  readonly #life = new AbortController();
  /** Whether what is to be pulled fits, as the registry described it. */
  #room: PullSpace | undefined;
  #pull: Pull | undefined;
  /** Of the manifest that was pulled; empty when the engine did not tell it. */
  #digest = "";
  #exit: Promise<number | undefined> | undefined;
  #containerId = "";
  #startTries = 0;
  #withGpu = true;

  constructor(parts: StepDeps, work: StepWork) {
    this.#parts = parts;
    this.#work = work;
  }

  /** See `Workbench`. */
  wanted(): Wanted {
    const { app, request } = this.#work;
    const newest = { version: request.newestVersion, releaseKey: request.newReleaseKey };
    const fallback = fallbackOf(this.#parts.records.updates.find(app.id));
    return { appName: app.appName, version: app.version, newest, fallback };
  }

  /** See `Workbench`. */
  async observe(signal: AbortSignal): Promise<ObservedApp> {
    return await observeApp(this.#parts.engine, this.#work.names, signal);
  }

  /** See `Workbench`. */
  async perform(step: Step, signal: AbortSignal): Promise<Effect> {
    switch (step.kind) {
      case "clearViewer":
      case "clearHistory":
      case "say":
      case "followLogs":
        return this.#tell(step);
      case "report":
        await this.#parts.reporter.announce(this.#work.app, step.state, signal);
        return done;
      case "checkLogin":
        return await this.#checkLogin(step.tag, signal);
      case "openPull":
        return await this.#openPull(step.tag, signal);
      case "readPull":
        return await this.#readPull();
      case "createContainer":
        return await this.#create(step.tag, signal);
      case "startContainer":
        return await this.#start(signal);
      case "awaitSettled":
        return await this.#settle(signal);
      case "stopContainer":
        await allow(this.#parts.engine.stop(step.id, { graceSeconds, signal }), "container_missing");
        return done;
      case "removeContainer":
        await removeContainer(this.#parts.engine, step.id, signal);
        this.#parts.appLogs.leave(this.#work.names.container);
        return done;
      case "awaitGone":
        return await this.#awaitGone(step.id, signal);
      case "untagImages":
        return await this.#untag(step, signal);
      case "verifyImage":
        return await this.#verify(step.tag, signal);
      case "openSwitch":
        return await this.#openSwitch(signal);
      case "adoptVersion":
      case "revertVersion":
      case "closeUpdate":
        return this.#remember(step);
      case "deleteEnvFiles":
        await this.#work.deleteEnvFiles();
        return done;
      case "releasePorts":
        this.#work.releasePorts();
        return done;
      case "deleteData":
        await this.#work.deleteData();
        return done;
    }
  }

  /** Ends a pull that was not read, and the wait for an exit. */
  [Symbol.dispose](): void {
    this.#life.abort();
  }

  #tell(step: Step & { kind: "clearViewer" | "clearHistory" | "say" | "followLogs" }): Effect {
    const { appLogs } = this.#parts;
    const { app, names: { container } } = this.#work;
    switch (step.kind) {
      case "clearViewer":
        appLogs.clearViewer(container);
        return done;
      case "clearHistory":
        appLogs.clearHistory(app.id, container);
        return done;
      case "say":
        appLogs.say(container, step.text);
        return done;
      case "followLogs":
        appLogs.follow(container, { containerName: container });
        return done;
    }
  }

  #remember(step: Step & { kind: "adoptVersion" | "revertVersion" | "closeUpdate" }): Effect {
    const { records } = this.#parts;
    const { app, reason } = this.#work;
    switch (step.kind) {
      case "adoptVersion":
        records.updates.adopt(app, { version: step.version, releaseKey: step.releaseKey });
        return done;
      case "revertVersion":
        records.updates.revert(app, reason);
        return done;
      case "closeUpdate":
        records.updates.close(app.id);
        return done;
    }
  }

  /** An image of another architecture, or another than the one that was pulled, would only fail after the old container was taken away. */
  async #verify(tag: string, signal: AbortSignal): Promise<Effect> {
    const { engine } = this.#parts;
    const reference = this.#referenceOf(tag);
    const [image, machine] = await Promise.all([engine.inspectImage(reference, signal), engine.platform(signal)]);
    if (image === undefined) throw new AgentError("image_missing", `Image "${reference}" is not there after its pull`);
    if (this.#digest !== "" && image.digests.length > 0 && !image.digests.includes(this.#digest)) {
      throw new AgentError("pull_failed", `Image "${reference}" is not the one that was pulled, ${this.#digest}`);
    }
    if (image.os === machine.os && image.architecture === machine.architecture) return done;
    const text = `Image "${reference}" is for ${image.os}/${image.architecture}`;
    throw new AgentError("start_failed", `${text}, this device is ${machine.os}/${machine.architecture}`);
  }

  async #openSwitch(signal: AbortSignal): Promise<Effect> {
    const { engine, records } = this.#parts;
    const { app, request, names } = this.#work;
    const container = await engine.settingsOf(names.container, signal);
    const to = { version: request.newestVersion, releaseKey: request.newReleaseKey };
    records.updates.openSwitch(app, { to, container: container ?? null });
    return done;
  }

  /** The registry is asked for the size at the same time: on a bad link every question counts. */
  async #checkLogin(tag: string, signal: AbortSignal): Promise<Effect> {
    const login = await this.#work.login();
    const sizing = new AbortController();
    const room = this.#askRoom(tag, { login, signal: AbortSignal.any([signal, sizing.signal]) });
    try {
      if (login !== undefined) await this.#parts.engine.checkLogin(login, signal);
      this.#room = await room;
      return done;
    } finally {
      sizing.abort();
      await Promise.allSettled([room]);
    }
  }

  async #openPull(tag: string, signal: AbortSignal): Promise<Effect> {
    const login = await this.#work.login();
    const room = this.#room ?? await this.#askRoom(tag, { login, signal });
    if (room.kind === "noSpace") throw new AgentError("no_space", noSpaceText(room));
    const life = AbortSignal.any([signal, this.#life.signal]);
    this.#pull = await this.#parts.engine.openPull(this.#referenceOf(tag), login, life);
    return done;
  }

  #askRoom(
    tag: string,
    { login, signal }: { login: RegistryAuth | undefined; signal: AbortSignal },
  ): Promise<PullSpace> {
    return this.#parts.checkRoom({ reference: this.#referenceOf(tag), auth: login, signal });
  }

  #referenceOf(tag: string): string {
    return `${this.#work.names.repository}:${tag}`;
  }

  async #readPull(): Promise<Effect> {
    const pull = this.#pull;
    if (pull === undefined) throw new AgentError("internal", "A pull was read before it was opened");
    this.#pull = undefined;
    const feed = this.#parts.appLogs.openFeed(this.#work.names.container);
    try {
      this.#digest = await pull.readToEnd((line) => feed.push(line));
    } finally {
      await feed.end();
    }
    return done;
  }

  async #create(tag: string, signal: AbortSignal): Promise<Effect> {
    const image = this.#referenceOf(tag);
    const update = this.#parts.records.updates.find(this.#work.app.id);
    const body = settingsToRestore(tag, update) ??
      await this.#work.configure({ image, withGpu: this.#withGpu }, signal);
    try {
      const name = this.#work.names.container;
      const id = this.#containerId = await this.#parts.engine.create(name, body, signal);
      return { kind: "created", container: { id, name, status: "created" } };
    } catch (error) {
      if (this.#dropGpu(error)) return { kind: "again" };
      throw error;
    }
  }

  /** The exit is listened for before the start, so that the shortest life is seen. */
  async #start(signal: AbortSignal): Promise<Effect> {
    const { engine } = this.#parts;
    const life = AbortSignal.any([signal, this.#life.signal]);
    const watch = await engine.watchExit(this.#containerId, { condition: "next-exit", signal: life });
    this.#exit = exitCodeOf(watch, this.#parts.log);
    this.#startTries += 1;
    try {
      await engine.start(this.#containerId, signal);
      return done;
    } catch (error) {
      if (this.#dropGpu(error) || this.#dodgePort(error)) return { kind: "again" };
      throw error;
    }
  }

  async #settle(signal: AbortSignal): Promise<Effect> {
    const { clock, engine, readIdleMark } = this.#parts;
    const containerId = this.#containerId;
    const { pid = 0 } = await engine.inspect(containerId, signal) ?? {};
    const exit = this.#exit ?? Promise.resolve(undefined);
    const settled = await awaitStartup({ clock, exit, readIdleMark: () => readIdleMark({ containerId, pid }), signal });
    if (settled.kind === "atRest") return done;
    const exitCode = settled.kind === "exited" ? settled.exitCode : undefined;
    const seen = await engine.inspect(containerId, signal);
    const isUp = exitCode === undefined && (seen?.status === "running" || seen?.status === "paused");
    if (isUp) return done;
    const error = new AgentError("start_failed", seen?.error || "the container has exited");
    const wasKilled = seen !== undefined && wasKilledOutside(seen);
    return { kind: "exited", exitCode: exitCode ?? seen?.exitCode ?? 0, wasKilled, error };
  }

  async #awaitGone(id: string, signal: AbortSignal): Promise<Effect> {
    const { clock, engine } = this.#parts;
    const endsAtMs = clock.now() + goneLimitMs;
    while (await engine.inspect(id, signal) !== undefined) {
      if (clock.now() > endsAtMs) {
        throw new AgentError("timeout", `Container "${id}" is still there after ${goneLimitMs / 1000} s`);
      }
      await clock.sleep(goneEveryMs, signal);
    }
    return done;
  }

  async #untag(step: Step & { kind: "untagImages" }, signal: AbortSignal): Promise<Effect> {
    const { repository } = this.#work.names;
    for (const tag of step.tags) {
      try {
        await this.#parts.engine.untag(`${repository}:${tag}`, signal);
      } catch (error) {
        if (step.isNeeded || signal.aborted) throw error;
        this.#parts.log.warn("Cannot remove an image that is not needed any more", { repository, tag, error });
      }
    }
    return done;
  }

  /** An engine that has no runtime for the GPU says so in words only. */
  #dropGpu(error: unknown): boolean {
    if (!this.#withGpu || !hasCode(error, "engine_failed") || !/nvidia/i.test(error.message)) return false;
    this.#parts.log.warn("The engine cannot use the GPU, the app starts without it", { error });
    this.#withGpu = false;
    return true;
  }

  /** Somebody else holds a port that was chosen: another one is taken for the next try. */
  #dodgePort(error: unknown): boolean {
    if (!hasCode(error, "port_in_use") || this.#startTries >= startTries) return false;
    return this.#work.replacePorts(messageOf(error));
  }
}

const done: Effect = { kind: "done" };

/** Removes a container by id or exact name, running or not. One that is gone or going is fine. */
export async function removeContainer(
  engine: Pick<Engine, "remove">,
  idOrName: string,
  signal: AbortSignal,
): Promise<void> {
  await allow(engine.remove(idOrName, { force: true, signal }), "container_missing", "removal_running");
}

/** The exit code; undefined when the wait was lost with the engine, or ended with the transition. */
async function exitCodeOf(watch: ExitWatch, log: Log): Promise<number | undefined> {
  try {
    return await watch.exitCode();
  } catch (error) {
    log.debug("Lost the wait for an exit", { error });
    return undefined;
  }
}
