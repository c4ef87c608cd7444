/**
 * Executes the steps for an app of one container. Only the files of steps here change containers, images and folders of
 * apps.
 */

import type { Wanted } from "../plan/container_plan.ts";
import { fallbackOf } from "../plan/rollback.ts";
import type { Step } from "../plan/steps.ts";
import { renamedText } from "../plan/texts.ts";
import type { ObservedApp } from "../state/observed_app.ts";
import { observeApp } from "../watch/observe_app.ts";
import { ContainerSteps } from "./container_steps.ts";
import { ImageSteps } from "./image_steps.ts";
import { performRecordStep } from "./record_steps.ts";
import type { StepContext } from "./step_context.ts";
import { done, type Effect, type StepExecutor } from "./transition.ts";

/** The executor of one transition. Disposing ends what it holds open: a pull, a wait for an exit. */
export class ContainerExecutor implements StepExecutor, Disposable {
  readonly #context: StepContext;
  readonly #images: ImageSteps;
  readonly #containers: ContainerSteps;

  constructor(context: StepContext) {
    this.#context = context;
    this.#images = new ImageSteps(context);
    this.#containers = new ContainerSteps(context);
  }

  /** See `StepExecutor`. */
  wanted(): Wanted {
    const { app, request, records, mayUseFormerImage } = this.#context;
    const newest = { version: request.newestVersion, releaseKey: request.newReleaseKey };
    const fallback = fallbackOf(records.updates.find(app.id));
    return { appName: app.appName, version: app.version, newest, fallback, mayUseFormerImage };
  }

  /** See `StepExecutor`. */
  async observe(signal: AbortSignal): Promise<ObservedApp> {
    return await observeApp(this.#context.engine, this.#context, signal);
  }

  /** See `StepExecutor`. */
  async perform(step: Step, signal: AbortSignal): Promise<Effect> {
    switch (step.kind) {
      case "clearViewer":
      case "clearHistory":
      case "say":
      case "sayRenamed":
      case "followLogs":
        return this.#performLogStep(step);
      case "report":
      case "openSwitch":
      case "adoptVersion":
      case "revertVersion":
      case "closeUpdate":
        return await performRecordStep(this.#context, step, signal);
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

  [Symbol.dispose](): void {
    this.#images[Symbol.dispose]();
    this.#containers[Symbol.dispose]();
  }

  #performLogStep(step: Step & { kind: "clearViewer" | "clearHistory" | "say" | "sayRenamed" | "followLogs" }): Effect {
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
