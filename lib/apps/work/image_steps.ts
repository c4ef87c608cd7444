/** The steps of a transition that work on images: pull, verification, removal. */

import { AgentError } from "../../base/errors.ts";
import { splitReference } from "../../docker/registry.ts";
import { platformWarning } from "../plan/image_platform.ts";
import type { Step } from "../plan/steps.ts";
import { ImagePull } from "./image_pull.ts";
import { referenceOf, type StepContext } from "./step_context.ts";
import { done, type Effect } from "./transition.ts";

/** The steps of this file. */
export type ImageStep = Extract<
  Step,
  { kind: "openPull" | "readPull" | "verifyImage" | "untagImages" | ImageNameStep["kind"] }
>;

type ImageNameStep = Extract<Step, { kind: "adoptFormerImage" | "dropFormerImages" }>;

/** The image steps of one transition. Disposing ends a pull that was not read. */
export class ImageSteps implements Disposable {
  readonly #context: StepContext;
  #pull: ImagePull | undefined;
  /** Of the manifest that was pulled; empty when the engine did not report it. */
  #digest = "";

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** See `StepExecutor.perform()`. */
  async perform(step: ImageStep, signal: AbortSignal): Promise<Effect> {
    switch (step.kind) {
      case "openPull":
        return await this.#openPull(step.tag, signal);
      case "readPull":
        return await this.#readPull(signal);
      case "verifyImage":
        return await this.#verify(step.tag, signal);
      case "untagImages": {
        const references = step.tags.map((tag) => referenceOf(this.#context, tag));
        return await this.#untag(references, { isNeeded: step.isNeeded }, signal);
      }
      case "dropFormerImages":
        await this.#deleteFormerEnv(step.references, signal);
        return await this.#untag(step.references, step, signal);
      case "adoptFormerImage": {
        const { engine, names: { repository } } = this.#context;
        await engine.addTag(step.reference, { repository, tag: step.tag }, signal);
        return done;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#pull?.[Symbol.dispose]();
  }

  async #openPull(tag: string, signal: AbortSignal): Promise<Effect> {
    this.#pull = new ImagePull(this.#context, referenceOf(this.#context, tag));
    await this.#pull.open(signal);
    return done;
  }

  async #readPull(signal: AbortSignal): Promise<Effect> {
    const pull = this.#pull;
    if (pull === undefined) throw new AgentError("internal", "A pull was read before it was opened");
    const feed = this.#context.appLogs.openFeed(this.#context.names.container);
    try {
      this.#digest = await pull.read((line) => feed.push(line), signal);
    } finally {
      await feed.end();
    }
    return done;
  }

  /** A wrong image would otherwise be noticed only after the old container was removed. */
  async #verify(tag: string, signal: AbortSignal): Promise<Effect> {
    const { engine, appLogs, names, log } = this.#context;
    const reference = referenceOf(this.#context, tag);
    const [image, device] = await Promise.all([engine.inspectImage(reference, signal), engine.platform(signal)]);
    if (image === undefined) throw new AgentError("image_missing", `Image "${reference}" is not there after its pull`);
    if (this.#digest !== "" && image.digests.length > 0 && !image.digests.includes(this.#digest)) {
      throw new AgentError("pull_failed", `Image "${reference}" is not the one that was pulled, ${this.#digest}`);
    }
    const warning = platformWarning(image, device);
    if (warning === undefined) return done;
    appLogs.say(names.container, warning);
    log.warn("An image is marked for another platform", { image: reference, warning });
    return done;
  }

  /** First, so that an interrupted step does it again; an app that was stopped has no container that tells its name. */
  async #deleteFormerEnv(references: readonly string[], signal: AbortSignal): Promise<void> {
    const { names: { repositoryPrefix }, deleteFormerEnv } = this.#context;
    const repositories = new Set(references.map((reference) => splitReference(reference).repository));
    for (const name of repositories) await deleteFormerEnv(name.slice(repositoryPrefix.length), signal);
  }

  async #untag(
    references: readonly string[],
    { isNeeded }: { isNeeded: boolean },
    signal: AbortSignal,
  ): Promise<Effect> {
    const { engine, log } = this.#context;
    for (const reference of references) {
      try {
        await engine.untag(reference, signal);
      } catch (error) {
        if (isNeeded || signal.aborted) throw error;
        log.warn("Cannot remove an image that is no longer needed", { reference, error });
      }
    }
    return done;
  }
}
