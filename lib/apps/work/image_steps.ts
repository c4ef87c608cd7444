/** The steps of a transition that work on images: login, pull, verification, removal. */

import { AgentError } from "../../base/errors.ts";
import { noSpaceText, type PullSpace } from "../../disk_space/pull_space.ts";
import type { Pull } from "../../docker/pull.ts";
import type { RegistryAuth } from "../../docker/registry.ts";
import type { Step } from "../plan/steps.ts";
import { referenceOf, type StepContext } from "./step_context.ts";
import { done, type Effect } from "./transition.ts";

/** The steps of this file. */
export type ImageStep = Extract<
  Step,
  { kind: "checkLogin" | "openPull" | "readPull" | "verifyImage" | "untagImages" }
>;

/** The image steps of one transition. Disposing ends a pull that was not read. */
export class ImageSteps implements Disposable {
  readonly #context: StepContext;
  readonly #life = new AbortController();
  /** Whether the image to be pulled fits, by what the registry says of it. */
  #space: PullSpace | undefined;
  #pull: Pull | undefined;
  /** Of the manifest that was pulled; empty when the engine did not report it. */
  #digest = "";

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** See `StepExecutor.perform()`. */
  async perform(step: ImageStep, signal: AbortSignal): Promise<Effect> {
    switch (step.kind) {
      case "checkLogin":
        return await this.#checkLogin(step.tag, signal);
      case "openPull":
        return await this.#openPull(step.tag, signal);
      case "readPull":
        return await this.#readPull();
      case "verifyImage":
        return await this.#verify(step.tag, signal);
      case "untagImages":
        return await this.#untag(step, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#life.abort();
  }

  /** The registry is asked for the size at the same time: on a bad link every round trip counts. */
  async #checkLogin(tag: string, signal: AbortSignal): Promise<Effect> {
    const auth = await this.#context.login();
    const sizing = new AbortController();
    const space = this.#checkSpace(tag, auth, AbortSignal.any([signal, sizing.signal]));
    try {
      if (auth !== undefined) await this.#context.engine.checkLogin(auth, signal);
      this.#space = await space;
      return done;
    } finally {
      sizing.abort();
      await Promise.allSettled([space]);
    }
  }

  async #openPull(tag: string, signal: AbortSignal): Promise<Effect> {
    const auth = await this.#context.login();
    const space = this.#space ?? await this.#checkSpace(tag, auth, signal);
    if (space.kind === "noSpace") throw new AgentError("no_space", noSpaceText(space));
    const life = AbortSignal.any([signal, this.#life.signal]);
    this.#pull = await this.#context.engine.openPull(referenceOf(this.#context, tag), auth, life);
    return done;
  }

  #checkSpace(tag: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<PullSpace> {
    return this.#context.checkPull({ reference: referenceOf(this.#context, tag), auth, signal });
  }

  async #readPull(): Promise<Effect> {
    const pull = this.#pull;
    if (pull === undefined) throw new AgentError("internal", "A pull was read before it was opened");
    this.#pull = undefined;
    const feed = this.#context.appLogs.openFeed(this.#context.names.container);
    try {
      this.#digest = await pull.readToEnd((line) => feed.push(line));
    } finally {
      await feed.end();
    }
    return done;
  }

  /** A wrong image, or one for another architecture, would otherwise fail only after the old container was removed. */
  async #verify(tag: string, signal: AbortSignal): Promise<Effect> {
    const { engine } = this.#context;
    const reference = referenceOf(this.#context, tag);
    const [image, device] = await Promise.all([engine.inspectImage(reference, signal), engine.platform(signal)]);
    if (image === undefined) throw new AgentError("image_missing", `Image "${reference}" is not there after its pull`);
    if (this.#digest !== "" && image.digests.length > 0 && !image.digests.includes(this.#digest)) {
      throw new AgentError("pull_failed", `Image "${reference}" is not the one that was pulled, ${this.#digest}`);
    }
    if (image.os === device.os && image.architecture === device.architecture) return done;
    const text = `Image "${reference}" is for ${image.os}/${image.architecture}`;
    throw new AgentError("start_failed", `${text}, this device is ${device.os}/${device.architecture}`);
  }

  async #untag({ tags, isNeeded }: ImageStep & { kind: "untagImages" }, signal: AbortSignal): Promise<Effect> {
    const { engine, names: { repository }, log } = this.#context;
    for (const tag of tags) {
      try {
        await engine.untag(referenceOf(this.#context, tag), signal);
      } catch (error) {
        if (isNeeded || signal.aborted) throw error;
        log.warn("Cannot remove an image that is no longer needed", { repository, tag, error });
      }
    }
    return done;
  }
}
