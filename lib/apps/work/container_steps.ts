/** The steps of a transition that work on the container: creation, start, stop, removal. */

import { AgentError, hasCode, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { CreateRequest } from "../../docker/engine.ts";
import type { ExitWatch } from "../../docker/exit_watch.ts";
import { parseContainerName } from "../../model/app_names.ts";
import { labelsOfAppVolumes } from "../../model/labels.ts";
import { sortVolumes, withVolumes } from "../container/app_volumes.ts";
import { withHostUsers } from "../container/create_request.ts";
import { buildAgainText } from "../plan/texts.ts";
import { settingsToRestore } from "../plan/rollback.ts";
import type { Step } from "../plan/steps.ts";
import { wasKilledOutside } from "../watch/observed_state.ts";
import { removeContainer } from "./remove_container.ts";
import { stopContainer } from "./stop_container.ts";
import { awaitStartup } from "./startup_probe.ts";
import { referenceOf, type StepContext } from "./step_context.ts";
import { done, type Effect } from "./transition.ts";

/** The steps of this file. */
export type ContainerStep = Extract<
  Step,
  | { kind: "createContainer" | "startContainer" | "awaitStartup" }
  | { kind: "stopContainer" | "removeContainer" | "awaitGone" | "removeVolumes" }
>;

/** Tries to find a free host port, counting the first. */
const startTries = 3;

const goneLimitMs = 30_000;
const goneEveryMs = 200;

/** The container steps of one transition. Disposing ends the wait for an exit. */
export class ContainerSteps implements Disposable {
  readonly #context: StepContext;
  readonly #life = new AbortController();
  #exit: Promise<number | undefined> | undefined;
  #containerId = "";
  #startTries = 0;
  #withGpu = true;

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** See `StepExecutor.perform()`. */
  async perform(step: ContainerStep, signal: AbortSignal): Promise<Effect> {
    const { app, appLogs, names } = this.#context;
    switch (step.kind) {
      case "createContainer":
        return await this.#create(step.tag, signal);
      case "startContainer":
        return await this.#start(signal);
      case "awaitStartup":
        return await this.#awaitStartup(signal);
      case "stopContainer":
        await stopContainer(this.#context, step.id, signal);
        return done;
      case "removeContainer":
        await this.#deleteFormerEnv(step.formerChannel, signal);
        await this.#removeContainer(step.id, signal);
        if (step.formerChannel === undefined) appLogs.leave(names.container);
        else appLogs.forget(app.id, step.formerChannel);
        return done;
      case "awaitGone":
        return await this.#awaitGone(step.id, signal);
      case "removeVolumes":
        return await this.#removeVolumes(signal);
    }
  }

  [Symbol.dispose](): void {
    this.#life.abort();
  }

  /** Before the container goes, so that an interrupted removal does it again. */
  async #deleteFormerEnv(formerChannel: string | undefined, signal: AbortSignal): Promise<void> {
    const former = formerChannel === undefined ? undefined : parseContainerName(formerChannel);
    if (former !== undefined) await this.#context.deleteFormerEnv(former.appName, signal);
  }

  async #create(tag: string, signal: AbortSignal): Promise<Effect> {
    const { app, appLogs, engine, records, names: { container: name }, configure } = this.#context;
    const image = referenceOf(this.#context, tag);
    const restored = settingsToRestore(tag, records.updates.find(app.id));
    const settings = restored ?? await configure({ image, withGpu: this.#withGpu }, signal);
    const declared = (await engine.inspectImage(image, signal))?.volumes ?? [];
    const volumes = { id: app.id, declared, adopted: declared.length === 0 ? [] : records.volumes.of(app.id) };
    const body = await withVolumes(settings, volumes);
    try {
      const id = this.#containerId = await engine.create(name, this.#withUsers(body), signal);
      return { kind: "created", container: { id, name, status: "created" } };
    } catch (error) {
      if (this.#dropGpu(error) || await this.#takeHostUsers(error, signal)) return { kind: "again" };
      if (app.id.stage === "DEV" && hasCode(error, "image_missing")) appLogs.say(name, buildAgainText);
      throw error;
    }
  }

  #withUsers(body: CreateRequest): CreateRequest {
    return this.#context.hostUsers.areNeeded ? withHostUsers(body) : body;
  }

  /** An engine that maps the users of containers to others refuses privileged containers that do not opt out. */
  async #takeHostUsers(error: unknown, signal: AbortSignal): Promise<boolean> {
    const { engine, hostUsers, log } = this.#context;
    if (
      hostUsers.areNeeded || !hasCode(error, "engine_failed", "engine_refused") || !await engine.remapsUsers(signal)
    ) return false;
    log.info("The engine remaps users, so apps are started with those of the device");
    hostUsers.areNeeded = true;
    return true;
  }

  /** The data of volumes without a name goes on: those of earlier agents could not be found again by a name. */
  async #removeContainer(containerId: string, signal: AbortSignal): Promise<void> {
    const { app, engine, records, log } = this.#context;
    const { volumes = [], mountTargets = [] } = await engine.inspect(containerId, signal) ?? {};
    const { kept, hidden } = sortVolumes(volumes, mountTargets);
    try {
      records.volumes.keep(app.id, kept);
    } catch (error) {
      log.warn("Cannot store the volumes of an app, they are kept in memory", { app: app.appName, error });
    }
    await removeContainer(engine, containerId, signal);
    for (const name of hidden) await this.#removeVolume(name, signal);
  }

  async #removeVolumes(signal: AbortSignal): Promise<Effect> {
    const { app, engine, records, log } = this.#context;
    const named = await engine.volumesWith(labelsOfAppVolumes(app.id), signal);
    for (const name of new Set([...named, ...records.volumes.of(app.id).map((volume) => volume.name)])) {
      await this.#removeVolume(name, signal);
    }
    try {
      records.volumes.forget(app.id);
    } catch (error) {
      // What is gone is removed without an error the next time, and the rows go with the app.
      log.debug("Cannot forget the volumes of an app", { app: app.appName, error });
    }
    return done;
  }

  async #removeVolume(name: string, signal: AbortSignal): Promise<void> {
    const { app, engine, log } = this.#context;
    try {
      await engine.removeVolume(name, signal);
    } catch (error) {
      if (!hasCode(error, "volume_in_use")) throw error;
      log.warn("A volume of an app stays, as another container uses it", { app: app.appName, volume: name, error });
    }
  }

  /** The exit is listened for before the start, so that the shortest life is seen. */
  async #start(signal: AbortSignal): Promise<Effect> {
    const { engine, log } = this.#context;
    const life = AbortSignal.any([signal, this.#life.signal]);
    const watch = await engine.watchExit(this.#containerId, { condition: "next-exit", signal: life });
    this.#exit = exitCodeFrom(watch, log);
    this.#startTries += 1;
    try {
      await engine.start(this.#containerId, signal);
      return done;
    } catch (error) {
      if (this.#dropGpu(error) || this.#changePort(error)) return { kind: "again" };
      throw error;
    }
  }

  async #awaitStartup(signal: AbortSignal): Promise<Effect> {
    const { clock, engine, readIdleMark } = this.#context;
    const containerId = this.#containerId;
    const { pid = 0 } = await engine.inspect(containerId, signal) ?? {};
    const exit = this.#exit ?? Promise.resolve(undefined);
    const outcome = await awaitStartup({ clock, exit, readIdleMark: () => readIdleMark({ containerId, pid }), signal });
    if (outcome.kind === "idle") return done;
    const exitCode = outcome.kind === "exited" ? outcome.exitCode : undefined;
    const details = await engine.inspect(containerId, signal);
    const isUp = exitCode === undefined && (details?.status === "running" || details?.status === "paused");
    if (isUp) return done;
    const error = new AgentError("start_failed", details?.error || "the container has exited");
    const wasKilled = details !== undefined && wasKilledOutside(details);
    return { kind: "exited", exitCode: exitCode ?? details?.exitCode ?? 0, wasKilled, error };
  }

  async #awaitGone(id: string, signal: AbortSignal): Promise<Effect> {
    const { clock, engine } = this.#context;
    // Only the pauses count: with many apps each look may wait for its turn.
    for (let waitedMs = 0; await engine.inspect(id, signal) !== undefined; waitedMs += goneEveryMs) {
      if (waitedMs >= goneLimitMs) {
        throw new AgentError("timeout", `Container "${id}" is still there after ${goneLimitMs / 1000} s`);
      }
      await clock.sleep(goneEveryMs, signal);
    }
    return done;
  }

  /** An engine that has no runtime for the GPU says so only in the text of its error. */
  #dropGpu(error: unknown): boolean {
    if (!this.#withGpu || !hasCode(error, "engine_failed", "engine_refused") || !/nvidia/i.test(error.message)) {
      return false;
    }
    this.#context.log.warn("The engine cannot use the GPU, the app starts without it", { error });
    this.#withGpu = false;
    return true;
  }

  /** A chosen port is in use: the next try takes another one. */
  #changePort(error: unknown): boolean {
    if (!hasCode(error, "port_in_use") || this.#startTries >= startTries) return false;
    return this.#context.replacePorts(messageOf(error));
  }
}

/** The exit code; undefined when the wait was lost with the engine, or ended with the transition. */
async function exitCodeFrom(watch: ExitWatch, log: Log): Promise<number | undefined> {
  try {
    return await watch.exitCode();
  } catch (error) {
    log.debug("Lost the wait for an exit", { error });
    return undefined;
  }
}
