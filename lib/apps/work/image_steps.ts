/** The steps of a transition that work on images: pull, verification, removal. */

import { AgentError } from "../../base/errors.ts";
import { engineTextOf } from "../../docker/errors.ts";
import type { Pull } from "../../docker/pull.ts";
import { type RegistryAuth, registryHostOf } from "../../docker/registry.ts";
import { defaultPauseMs, isBusy, isRateLimit, RegistryBusyError } from "../../docker/retry_after.ts";
import { registryHost } from "../../model/registry_host.ts";
import { platformWarning } from "../plan/image_platform.ts";
import type { Step } from "../plan/steps.ts";
import { explainPull, type PulledImage } from "./explain_pull.ts";
import { PullCheck } from "./pull_check.ts";
import { anonymousPullText } from "./pull_login.ts";
import { referenceOf, type StepContext } from "./step_context.ts";
import { done, type Effect } from "./transition.ts";

/** The steps of this file. */
export type ImageStep = Extract<
  Step,
  { kind: "openPull" | "readPull" | "verifyImage" | "untagImages" | ImageNameStep["kind"] }
>;

type ImageNameStep = Extract<Step, { kind: "adoptFormerImage" | "dropFormerImages" }>;

/** How long a pull waits for what the registry says of the image. */
const headStartMs = 2_000;

/** How long the error of a pull waits for the same. */
const lateAnswerMs = 3_000;

/** The image steps of one transition. Disposing ends a pull that was not read. */
export class ImageSteps implements Disposable {
  readonly #context: StepContext;
  readonly #life = new AbortController();
  #check: PullCheck | undefined;
  #pull: PulledImage & { stream: Pull } | undefined;
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
        return await this.#untag(step.references, step, signal);
      case "adoptFormerImage": {
        const { engine, names: { repository } } = this.#context;
        await engine.addTag(step.reference, { repository, tag: step.tag }, signal);
        return done;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#life.abort();
  }

  /**
   * The registry is asked for the size first, as long as that takes no time to speak of; on a slow one the pull begins
   * meanwhile.
   */
  async #openPull(tag: string, signal: AbortSignal): Promise<Effect> {
    const { engine, names, appLogs, pauses, login } = this.#context;
    const reference = referenceOf(this.#context, tag);
    pauses.assertOpen(registryHost(registryHostOf(reference)));
    const { host, auth, isOwn } = await login(reference);
    // Another app may have heard of a pause meanwhile.
    pauses.assertOpen(host);
    if (auth === undefined && !isOwn) appLogs.say(names.container, anonymousPullText(host));
    const life = AbortSignal.any([signal, this.#life.signal]);
    const check = this.#check = this.#beginCheck({ reference, auth }, life);
    try {
      await check.wait(headStartMs, signal);
      if (check.refusal !== undefined) throw check.refusal;
      this.#pull = { stream: await engine.openPull(reference, auth, life), reference, host, auth };
    } catch (error) {
      throw await this.#pullError(error, { reference, host, auth }, signal);
    }
    return done;
  }

  async #readPull(signal: AbortSignal): Promise<Effect> {
    const pull = this.#pull;
    if (pull === undefined) throw new AgentError("internal", "A pull was read before it was opened");
    this.#pull = undefined;
    const feed = this.#context.appLogs.openFeed(this.#context.names.container);
    try {
      this.#digest = await pull.stream.readToEnd((line) => feed.push(line));
    } catch (error) {
      throw await this.#pullError(error, pull, signal);
    } finally {
      await feed.end();
    }
    await this.#check?.end();
    return done;
  }

  #beginCheck(image: { reference: string; auth: RegistryAuth | undefined }, signal: AbortSignal): PullCheck {
    const { checkPull, clock, log } = this.#context;
    const ask = (own: AbortSignal) => checkPull({ ...image, signal: AbortSignal.any([signal, own]) });
    return new PullCheck({ ask, clock, log }, () => this.#life.abort());
  }

  /** The error of a pull, with what can be found out about its reason without making matters worse. */
  async #pullError(error: unknown, pull: PulledImage, signal: AbortSignal): Promise<unknown> {
    const { pauses, engine, log } = this.#context;
    if (signal.aborted) return error;
    const engineText = engineTextOf(error) ?? "";
    // The registry may be about to say for how long it does not want to be asked.
    if (isBusy(engineText)) await this.#check?.wait(lateAnswerMs, signal);
    await this.#check?.end();
    const refusal = this.#check?.refusal;
    if (refusal instanceof RegistryBusyError) pauses.note(pull.host, refusal.waitMs);
    if (refusal !== undefined) return engineText === "" ? refusal : error;
    if (isRateLimit(engineText)) pauses.note(pull.host, defaultPauseMs);
    return await explainPull(error, { ...pull, engine, log }, signal);
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
