/**
 * Executes the steps for an app of any kind. Only the files of steps here change containers, images and folders of
 * apps.
 */

import type { Given, Wanted, WantedProject } from "../plan/given.ts";
import { plan } from "../plan/plan.ts";
import { fallbackOf } from "../plan/rollback.ts";
import {
  type BuildNoteStep,
  type BuildStep,
  type Goal,
  isBuildStep,
  isProjectStep,
  type ProjectStep,
  type Step,
} from "../plan/steps.ts";
import { renamedText } from "../plan/texts.ts";
import { publishChannelOf } from "../../model/app_names.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import type { BuildSteps } from "./build_steps.ts";
import { ContainerSteps } from "./container_steps.ts";
import { ImageSteps } from "./image_steps.ts";
import type { ProjectSteps } from "./project_steps.ts";
import { performRecordStep } from "./record_steps.ts";
import type { StepContext } from "./step_context.ts";
import { done, type Effect, type StepExecutor } from "./transition.ts";
import { awaitPermission } from "./update_permission.ts";

/** Steps of all apps. */
type CommonStep = Exclude<Step, ProjectStep | BuildStep>;

type LogStep =
  | BuildNoteStep
  | (Step & { kind: "clearViewer" | "clearHistory" | "say" | "sayRenamed" | "followLogs" });

/** The executor of one transition. Disposing ends what it holds open: a pull, a wait for an exit. */
export class AppExecutor implements StepExecutor, Disposable {
  readonly #context: StepContext;
  /** An app may get another name meanwhile, with which the next transition begins. */
  readonly #appName: string;
  readonly #images: ImageSteps;
  readonly #containers: ContainerSteps;
  #project: ProjectSteps | undefined;
  #build: BuildSteps | undefined;

  constructor(context: StepContext) {
    this.#context = context;
    this.#appName = context.app.appName;
    this.#images = new ImageSteps(context);
    this.#containers = new ContainerSteps(context);
  }

  /** See `StepExecutor`. */
  plan(goal: Goal, given: Omit<Given, "wanted">): Step[] {
    return plan(goal, { ...given, wanted: this.#wanted() });
  }

  /** See `StepExecutor`. */
  async observe(signal: AbortSignal): Promise<ObservedApp> {
    return await this.#context.observe(signal);
  }

  /** See `StepExecutor`. */
  async perform(step: Step, signal: AbortSignal): Promise<Effect> {
    if (isProjectStep(step)) return await (await this.#projectSteps()).perform(step, signal);
    if (isBuildStep(step)) {
      await (await this.#buildSteps()).perform(step, signal);
      return done;
    }
    return await this.#performCommon(step, signal);
  }

  [Symbol.dispose](): void {
    this.#images[Symbol.dispose]();
    this.#containers[Symbol.dispose]();
  }

  async #performCommon(step: CommonStep, signal: AbortSignal): Promise<Effect> {
    switch (step.kind) {
      case "clearViewer":
      case "clearHistory":
      case "say":
      case "sayRenamed":
      case "followLogs":
      case "markBuild":
      case "sayRelease":
      case "clearReleaseHistory":
        return this.#performLogStep(step);
      case "report":
      case "openSwitch":
      case "adoptVersion":
      case "revertVersion":
      case "closeUpdate":
        return await performRecordStep(this.#context, step, signal);
      case "awaitPermission":
        return await awaitPermission(this.#context, signal);
      case "openPull":
      case "readPull":
      case "verifyImage":
      case "untagImages":
      case "adoptFormerImage":
      case "dropFormerImages":
        return await this.#images.perform(step, signal);
      case "createContainer":
      case "startContainer":
      case "awaitStartup":
      case "stopContainer":
      case "removeContainer":
      case "awaitGone":
      case "removeVolumes":
        return await this.#containers.perform(step, signal);
      case "deleteEnvFiles":
      case "releasePorts":
      case "deleteData":
        return await this.#performCleanupStep(step, signal);
    }
  }

  #wanted(): Wanted {
    const { app, request, records, mayUseFormerImage, projects, definition, staleDefinition } = this.#context;
    const isDev = app.id.stage === "DEV";
    const kept = new Set(projects.imagesIn(app, definition));
    return {
      appName: this.#appName,
      // Images that are built here have one tag.
      version: isDev && definition === null ? "latest" : app.version,
      newest: { version: request.newestVersion, releaseKey: request.newReleaseKey },
      fallback: fallbackOf(records.updates.find(app.id)),
      mayUseFormerImage,
      staleImages: projects.imagesIn(app, staleDefinition).filter((image) => !kept.has(image)),
      ...(definition === null ? {} : { project: this.#wantedProject() }),
      isDev,
      release: request.version,
    };
  }

  #wantedProject(): WantedProject {
    const { app, projects, definition, isFresh, isToRun } = this.#context;
    return { images: projects.imagesIn(app, definition, { isPulled: true }), isFresh, isToRun };
  }

  async #projectSteps(): Promise<ProjectSteps> {
    const { ProjectSteps } = await import("./project_steps.ts");
    return this.#project ??= new ProjectSteps(this.#context);
  }

  async #buildSteps(): Promise<BuildSteps> {
    const [{ BuildSteps }, { buildContextOf }] = await Promise.all([
      import("./build_steps.ts"),
      import("./build_context.ts"),
    ]);
    return this.#build ??= new BuildSteps(buildContextOf(this.#context));
  }

  #performLogStep(step: LogStep): Effect {
    const { app, appLogs, names: { container }, folderPathOf } = this.#context;
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
      case "sayRenamed": {
        const { from } = step;
        appLogs.say(container, renamedText({ from, to: app.appName, folder: folderPathOf(from) }));
        return done;
      }
      case "followLogs":
        appLogs.follow(container, { containerName: container });
        return done;
      case "markBuild":
        app.releaseBuild = step.isRelease;
        return done;
      case "sayRelease":
        appLogs.say(publishChannelOf(app), step.text);
        return done;
      case "clearReleaseHistory":
        appLogs.clearHistory(app.id, publishChannelOf(app));
        return done;
    }
  }

  async #performCleanupStep(
    step: Step & { kind: "deleteEnvFiles" | "releasePorts" | "deleteData" },
    signal: AbortSignal,
  ): Promise<Effect> {
    switch (step.kind) {
      case "deleteEnvFiles":
        await this.#context.deleteEnvFiles(signal);
        return done;
      case "releasePorts":
        this.#context.releasePorts();
        return done;
      case "deleteData":
        await this.#context.deleteData(signal);
        return done;
    }
  }
}
