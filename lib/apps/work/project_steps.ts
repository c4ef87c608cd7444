/** The steps of a transition that work on a compose project. Loaded when the first one is performed. */

import { AgentError, hasCode, messageOf } from "../../base/errors.ts";
import type { Dict } from "../../base/json.ts";
import { composeUnsupportedText } from "../../docker/compose_cli.ts";
import { containerNameOf, type NamedApp, publishChannelOf, shownContainerName } from "../../model/app_names.ts";
import { composeProjectLabel } from "../../model/labels.ts";
import { servicesOf, windowsPathProblem } from "../compose/definition.ts";
import type { ProjectFiles } from "../compose/project_setup.ts";
import { appLogins, checkLogins } from "../compose/registry_logins.ts";
import type { AppProject } from "../compose/teardown.ts";
import { publishedBy } from "../container/port_slots.ts";
import { platformWarning } from "../plan/image_platform.ts";
import { fallbackOf } from "../plan/rollback.ts";
import type { ProjectStep } from "../plan/steps.ts";
import { failedServiceText, formerVolumesText, unhealthyText } from "../plan/texts.ts";
import { isGone } from "../state/live_app.ts";
import type { ObservedService } from "../state/observed_app.ts";
import { endedInError, projectNeeds, projectState } from "../watch/project_state.ts";
import { readHealth } from "../watch/read_health.ts";
import { ImagePull } from "./image_pull.ts";
import { dropReplaced } from "./replaced_images.ts";
import { ProjectImages } from "./project_images.ts";
import { finishNames } from "./project_names.ts";
import type { StepContext } from "./step_context.ts";
import { done, type Effect } from "./transition.ts";

/** Tries to find free host ports, counting the first. */
const upTries = 3;

/** The engine downloads few layers at once in any case. */
const pullsAtOnce = 3;

const upLimitMs = 30_000;
const servicesEveryMs = 250;

/** A service counts as running when it is still there after this time. */
const settleMs = 300;

/** The project steps of one transition. */
export class ProjectSteps {
  readonly #context: StepContext;
  readonly #images: ProjectImages;

  constructor(context: StepContext) {
    this.#context = context;
    this.#images = new ProjectImages(context);
  }

  /** See `StepExecutor.perform()`. */
  async perform(step: ProjectStep, signal: AbortSignal): Promise<Effect> {
    const { app, definition } = this.#context;
    switch (step.kind) {
      case "checkProject":
        return await this.#check(signal);
      case "pullImages":
        return await this.#pullAll(step.images, signal);
      case "keepImages":
      case "restoreImages":
      case "dropImages":
      case "dropKeptImages":
        return await this.#images.perform(step, signal);
      case "startProject":
        return await this.#start(signal);
      case "awaitProject":
        return await this.#awaitRunning(signal);
      case "stopProject":
        await this.#tearDown(signal);
        return done;
      case "downProject":
        await this.#down(step, signal);
        return done;
      case "downFormerProject":
        return await this.#downFormer(step, signal);
      case "buildServices":
        return await this.#build(step, signal);
      case "pullServices":
        return await this.#pullAll(this.#context.projects.imagesIn(app, definition, { isPulled: true }), signal);
      case "followProject":
        return await this.#follow(signal);
      case "deleteProjectEnv":
      case "deleteProjectFolder":
        return await this.#delete(step.kind, signal);
    }
  }

  /** Before anything is pulled or stopped. */
  async #check(signal: AbortSignal): Promise<Effect> {
    const { definition, projectTools } = this.#context;
    const { cli } = await projectTools();
    if (definition !== null) checkDefinition(definition);
    // The plugin may have come since.
    cli.forgetSupport();
    if (!await cli.isSupported(signal)) throw new AgentError("command_failed", composeUnsupportedText);
    return done;
  }

  async #pullAll(images: readonly string[], signal: AbortSignal): Promise<Effect> {
    const { appLogs, names, engine } = this.#context;
    const feed = appLogs.openFeed(names.container);
    const life = new AbortController();
    const own = AbortSignal.any([signal, life.signal]);
    const waiting = [...images];
    const failures: unknown[] = [];
    const pullNext = async () => {
      try {
        for (let image = waiting.shift(); image !== undefined; image = waiting.shift()) {
          using pull = new ImagePull(this.#context, image);
          await pull.open(own);
          await pull.read((line) => feed.push(line), own);
        }
      } catch (error) {
        // The first failure is the reason; the other pulls end with it.
        failures.push(error);
        life.abort();
      }
    };
    try {
      await Promise.all(Array.from({ length: pullsAtOnce }, pullNext));
      if (failures.length > 0) throw failures[0];
      const device = await engine.platform(signal);
      for (const image of images) await this.#sayPlatform(image, device, signal);
    } finally {
      life.abort();
      await feed.end();
    }
    return done;
  }

  async #sayPlatform(
    reference: string,
    device: Parameters<typeof platformWarning>[1],
    signal: AbortSignal,
  ): Promise<void> {
    const { appLogs, names, engine } = this.#context;
    const image = await engine.inspectImage(reference, signal);
    if (image === undefined) throw new AgentError("image_missing", `Image "${reference}" is not there after its pull`);
    const warning = platformWarning(image, device);
    if (warning !== undefined) appLogs.say(names.container, `${reference}: ${warning}`);
  }

  /** A failed start leaves nothing that runs, unless the containers of the version before may still be among it. */
  async #start(signal: AbortSignal): Promise<Effect> {
    const { app, request, appLogs, names, projectTools } = this.#context;
    const { setup, cli } = await projectTools();
    app.isUnsettled = true;
    for (let tries = 1;; tries += 1) {
      const before = await this.#services(signal);
      const files = await this.#write(signal, before);
      const feed = appLogs.openFeed(names.container);
      try {
        const onLines = (lines: readonly string[]) => lines.forEach((line) => feed.push(line));
        await cli.up({ name: files.project, file: files.file }, { build: app.id.stage === "DEV", onLines, signal });
        return done;
      } catch (error) {
        if (signal.aborted) throw error;
        const isOther = hasCode(error, "port_in_use", "compose_failed") && tries < upTries &&
          setup.replacePorts(app, { request, engineText: messageOf(error) });
        if (!isOther) await this.#showFailedServices(before, signal);
        if (isOther || !this.#isSwitching()) await this.#tearDownQuietly(signal);
        if (!isOther) throw error;
      } finally {
        await feed.end();
      }
    }
  }

  async #build({ isRelease }: { isRelease: boolean }, signal: AbortSignal): Promise<Effect> {
    const { app, definition, projects, engine, appLogs, names, projectTools, loginSources, log } = this.#context;
    const { cli } = await projectTools();
    const { project: name, file } = await this.#write(signal);
    const images = projects.imagesIn(app, definition);
    const logins = appLogins(images, await loginSources());
    await checkLogins(engine, logins, signal);
    const feed = appLogs.openFeed(isRelease ? publishChannelOf(app) : names.container);
    try {
      const onLines = (lines: readonly string[]) => lines.forEach((line) => feed.push(line));
      const work = () => cli.build({ name, file }, { logins, onLines, signal });
      await dropReplaced({ engine, log }, { references: images, work }, signal);
    } finally {
      await feed.end();
    }
    return done;
  }

  async #awaitRunning(signal: AbortSignal): Promise<Effect> {
    const { clock, definition } = this.#context;
    const needs = projectNeeds(definition);
    let upSinceMs: number | undefined;
    for (const startedAtMs = clock.now();;) {
      const services = await this.#services(signal);
      const end = projectState(services, { needs, isStrict: this.#isSwitching() });
      if (end.kind === "failed") return await this.#failed(end.failed, signal);
      const isSettling = end.kind === "running" || end.kind === "finished";
      upSinceMs = isSettling ? upSinceMs ?? clock.now() : undefined;
      if (upSinceMs !== undefined && clock.now() - upSinceMs >= settleMs) {
        if (end.kind === "running") {
          await finishNames(this.#context, { project: this.#context.names.project, services }, signal);
          return done;
        }
        await this.#giveUp("all services have exited with status code 0", signal);
      }
      if (clock.now() - startedAtMs >= upLimitMs) {
        await this.#giveUp(`not all services run after ${upLimitMs / 1000} s`, signal);
      }
      await clock.sleep(servicesEveryMs, signal);
    }
  }

  async #giveUp(reason: string, signal: AbortSignal): Promise<never> {
    if (!this.#isSwitching()) await this.#tearDownQuietly(signal);
    throw new AgentError("start_failed", reason);
  }

  async #failed(service: ObservedService, signal: AbortSignal): Promise<Effect> {
    const { appLogs, names } = this.#context;
    await appLogs.showExitedService(names.container, shownService(service, names.project), signal);
    if (!this.#isSwitching()) await this.#tearDownQuietly(signal);
    const exitCode = service.exitCode ?? 0;
    const error = new AgentError("start_failed", `service ${service.service} exited with status code ${exitCode}`);
    return { kind: "exited", exitCode, wasKilled: service.wasKilled === true, error };
  }

  /** What compose says of a service that others wait for is its name; the reason is in its log. */
  async #showFailedServices(before: readonly ObservedService[], signal: AbortSignal): Promise<void> {
    const { app, appLogs, names, engine, log } = this.#context;
    const subject = `${app.appName} (${app.id.stage})`;
    const show = async (service: ObservedService) => {
      const isSick = service.status === "running" && service.health === "unhealthy";
      // What had failed before may not have been started at all.
      const isOld = before.some((one) => one.id === service.id && endedInError(one, true));
      if (!isSick && (isOld || !endedInError(service, true))) return;
      const { id, name } = shownService(service, names.project);
      await appLogs.showExitedService(names.container, { id, name }, signal);
      const exited = { name, exitCode: service.exitCode ?? 0 };
      this.#say(
        isSick ? unhealthyText(name, await readHealth(engine, id, signal)) : failedServiceText(subject, exited),
      );
    };
    try {
      await Promise.all((await this.#services(signal)).map(show));
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn("Cannot show why services have failed", { app: app.appName, error });
    }
  }

  /** True while the containers of the version before may run. */
  #isSwitching(): boolean {
    const { records, app, goal } = this.#context;
    return goal === "rollBack" || fallbackOf(records.updates.find(app.id)) !== undefined;
  }

  async #tearDown(signal: AbortSignal): Promise<void> {
    const { stop } = await this.#context.projectTools();
    await stop(await this.#projectToEnd(signal), { say: (text) => this.#say(text), signal });
  }

  async #down({ withVolumes }: { withVolumes: boolean }, signal: AbortSignal): Promise<void> {
    const { remove } = await this.#context.projectTools();
    await remove(await this.#projectToEnd(signal), { withVolumes, say: (text) => this.#say(text), signal });
  }

  async #downFormer(
    { project: name, from }: ProjectStep & { kind: "downFormerProject" },
    signal: AbortSignal,
  ): Promise<Effect> {
    const { app, appLogs, engine, projectTools } = this.#context;
    const { setup, remove } = await projectTools();
    const former = { id: app.id, appName: from };
    const project = { name, file: setup.folderOf(former).file, appName: from };
    await remove(project, { withVolumes: false, say: (text) => this.#say(text), signal });
    await this.#deleteFormerEnv(former, signal);
    appLogs.forget(app.id, containerNameOf(former));
    const volumes = await engine.volumesWith({ [composeProjectLabel]: name }, signal);
    if (volumes.length > 0) this.#say(formerVolumesText(from, volumes));
    return done;
  }

  /** Compose needs the file to the end of the project; what cannot be deleted holds up nothing. */
  async #deleteFormerEnv(former: NamedApp, signal: AbortSignal): Promise<void> {
    const { projectTools, deleteFormerEnv, log } = this.#context;
    await deleteFormerEnv(former.appName, signal);
    if (this.#isFolderUsed(former)) return;
    try {
      await (await projectTools()).setup.deleteEnv(former);
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn("Cannot delete the variables of a compose app under another name", { from: former.appName, error });
    }
  }

  /** Its error must not hide the reason. */
  async #tearDownQuietly(signal: AbortSignal): Promise<void> {
    try {
      await this.#tearDown(signal);
    } catch (error) {
      if (signal.aborted) throw error;
      this.#context.log.warn("Cannot stop what a failed start has left", { app: this.#context.app.appName, error });
    }
  }

  /** The files are written again before each command, but a full disk must not keep an app from being removed. */
  async #projectToEnd(signal: AbortSignal): Promise<AppProject> {
    const { project: name, file } = await this.#filesToEnd(signal);
    return { name, file, appName: this.#context.app.appName };
  }

  async #filesToEnd(signal: AbortSignal): Promise<ProjectFiles> {
    const { app, projectTools, log } = this.#context;
    try {
      return await this.#write(signal);
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn("Cannot write the files of a compose app", { app: app.appName, error });
      return (await projectTools()).setup.folderOf(app);
    }
  }

  /** A project that goes is described by its own definition. */
  async #write(signal: AbortSignal, services?: readonly ObservedService[]): Promise<ProjectFiles> {
    const { app, request, definition, staleDefinition, projectTools } = this.#context;
    const { setup } = await projectTools();
    const used = definition ?? staleDefinition ?? request.dockerCompose;
    if (used === null) return setup.folderOf(app);
    const published = publishedBy(services ?? await this.#services(signal));
    return await setup.write(app, { request, definition: used, published }, signal);
  }

  async #services(signal: AbortSignal): Promise<readonly ObservedService[]> {
    const { project } = await this.#context.observe(signal);
    return project?.services ?? [];
  }

  async #follow(signal: AbortSignal): Promise<Effect> {
    const { appLogs, names } = this.#context;
    const services = await this.#services(signal);
    appLogs.followProject(names.container, services.map((service) => shownService(service, names.project)));
    return done;
  }

  async #delete(kind: "deleteProjectEnv" | "deleteProjectFolder", signal: AbortSignal): Promise<Effect> {
    const { app, projectTools, log } = this.#context;
    const { setup } = await projectTools();
    if (this.#isFolderUsed(app, { except: app.id.appKey })) {
      log.warn("The compose files of an app stay: another app has the same name", { ...app.id });
    } else if (kind === "deleteProjectEnv") await setup.deleteEnv(app);
    else await setup.deleteFolder(app, signal);
    return done;
  }

  /** Folders are named after the app alone, and every app writes its files again before it uses them. */
  #isFolderUsed({ id, appName }: NamedApp, { except }: { except?: number } = {}): boolean {
    return this.#context.records.all().some((other) => {
      const isOther = other.id.appKey !== except && other.id.stage === id.stage;
      return isOther && other.appName === appName && !isGone(other.state);
    });
  }

  #say(text: string): void {
    this.#context.appLogs.say(this.#context.names.container, text);
  }
}

/** As it stands before the lines of its log. */
function shownService({ id, name }: ObservedService, project: string): { id: string; name: string } {
  return { id, name: shownContainerName(name, project) };
}

/** Throws `bad_definition` for what no try will ever start on this device. */
function checkDefinition(definition: Dict): void {
  servicesOf(definition);
  const problem = Deno.build.os === "windows" ? undefined : windowsPathProblem(definition);
  if (problem !== undefined) throw new AgentError("bad_definition", problem);
}
