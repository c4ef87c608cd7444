/** The steps of a transition that give images of compose services names, and take names from them. */

import { textOf } from "../../base/errors.ts";
import { splitReference } from "../../docker/registry.ts";
import { keptRepository } from "../../model/app_names.ts";
import { fallbackOf } from "../plan/rollback.ts";
import type { ProjectStep } from "../plan/steps.ts";
import { keptTag } from "./projects.ts";
import type { StepContext } from "./step_context.ts";
import { done, type Effect } from "./transition.ts";

/** The steps of this file. */
export type ProjectImageStep = Extract<
  ProjectStep,
  { kind: "keepImages" | "restoreImages" | "dropImages" | "dropKeptImages" }
>;

/** The image steps of one transition. */
export class ProjectImages {
  readonly #context: StepContext;

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** See `StepExecutor.perform()`. */
  async perform(step: ProjectImageStep, signal: AbortSignal): Promise<Effect> {
    switch (step.kind) {
      case "keepImages":
        return await this.#keepImages(signal);
      case "restoreImages":
        return await this.#restoreImages(signal);
      case "dropImages":
        return await this.#dropImages(step, signal);
      case "dropKeptImages":
        return await this.#dropKeptImages(signal);
    }
  }

  /**
   * Only a tag that the new release has as well can move. What was kept first is what counts: a pull before this one
   * may have moved the tag already.
   */
  async #keepImages(signal: AbortSignal): Promise<Effect> {
    const { app, engine, records, definition, staleDefinition } = this.#context;
    const update = records.updates.find(app.id);
    const before = fallbackOf(update);
    const installed = before === undefined ? staleDefinition : update?.dockerCompose ?? null;
    const repository = keptRepository(app.id);
    const kept = await engine.imagesOf(repository, signal);
    const moving = new Set(this.#imagesOf(definition));
    for (const image of this.#imagesOf(installed)) {
      const tag = await keptTag(image, before ?? app.version);
      if (!moving.has(image) || kept.includes(tag) || !await engine.hasImage(image, signal)) continue;
      await engine.addTag(image, { repository, tag }, signal);
    }
    return done;
  }

  async #restoreImages(signal: AbortSignal): Promise<Effect> {
    const { app, engine, definition } = this.#context;
    const repository = keptRepository(app.id);
    const kept = await engine.imagesOf(repository, signal);
    if (kept.length === 0) return done;
    for (const image of this.#imagesOf(definition)) {
      const tag = await keptTag(image, app.version);
      if (kept.includes(tag)) await engine.addTag(`${repository}:${tag}`, splitReference(image), signal);
    }
    return done;
  }

  /** An image that is not there is fine, and one that others use stays. */
  async #dropImages({ images, isNeeded }: ProjectStep & { kind: "dropImages" }, signal: AbortSignal): Promise<Effect> {
    const { app, engine, appLogs, names, projects, log } = this.#context;
    const others = projects.imagesOfOthers(app);
    for (const image of images) {
      if (others.has(image)) continue;
      try {
        await engine.untag(image, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        log.info("Cannot remove an image of a service", { image, error });
        const text = `Could not remove image ${image} (continuing removal): ${textOf(error)}`;
        if (isNeeded) appLogs.say(names.container, text);
      }
    }
    return done;
  }

  async #dropKeptImages(signal: AbortSignal): Promise<Effect> {
    const { app, engine, log } = this.#context;
    const repository = keptRepository(app.id);
    const tags = await engine.imagesOf(repository, signal);
    const images = tags.length === 0 ? [] : await engine.listImages(signal);
    for (const reference of tags.map((tag) => `${repository}:${tag}`)) {
      const image = images.find(({ repoTags }) => repoTags.includes(reference));
      try {
        await engine.untag(reference, signal);
        // Of an image that was pulled, its digest is left, which nobody else would remove.
        if (image?.repoTags.length === 1) await engine.untag(image.id, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        log.info("Cannot remove an image that was kept", { image: reference, error });
      }
    }
    return done;
  }

  #imagesOf(definition: StepContext["definition"]): string[] {
    return this.#context.projects.imagesIn(this.#context.app, definition);
  }
}
