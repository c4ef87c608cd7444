/** Pulls images: asks the registry first, explains what goes wrong, and shows the progress in the log of the app. */

import { engineTextOf } from "../../docker/errors.ts";
import type { Pull } from "../../docker/pull.ts";
import { type RegistryAuth, registryHostOf } from "../../docker/registry.ts";
import { defaultPauseMs, isBusy, isRateLimit, RegistryBusyError } from "../../docker/retry_after.ts";
import { registryHost } from "../../model/registry_host.ts";
import { explainPull, type PulledImage } from "./explain_pull.ts";
import { PullCheck } from "./pull_check.ts";
import { anonymousPullText } from "./pull_login.ts";
import type { StepContext } from "./step_context.ts";

/** How long a pull waits for what the registry says of the image. */
const headStartMs = 2_000;

/** How long the error of a pull waits for the same. */
const lateAnswerMs = 3_000;

/** What pulls work with. */
export type ImagePullContext = Pick<
  StepContext,
  "engine" | "names" | "appLogs" | "pauses" | "login" | "checkPull" | "clock" | "log"
>;

/** One pull. Disposing ends it, if it was not read to its end. */
export class ImagePull implements Disposable {
  readonly #context: ImagePullContext;
  readonly #reference: string;
  readonly #life = new AbortController();
  #check: PullCheck | undefined;
  #pull: PulledImage & { stream: Pull } | undefined;

  constructor(context: ImagePullContext, reference: string) {
    this.#context = context;
    this.#reference = reference;
  }

  /**
   * Opens the stream of the pull. The registry is asked for the size first, as long as that takes no time to speak of;
   * on a slow one the pull begins meanwhile. Throws `no_space`, `registry_busy`, `untrusted_server`, and what
   * `Engine.openPull()` throws.
   */
  async open(signal: AbortSignal): Promise<void> {
    const { engine, names, appLogs, pauses, login } = this.#context;
    const reference = this.#reference;
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
  }

  /**
   * Reads the opened pull to its end; `onLine` gets the engine's progress. Returns the digest of the manifest that was
   * pulled, empty when the engine did not report it. Throws what `Pull.readToEnd()` throws.
   */
  async read(onLine: (line: string) => void, signal: AbortSignal): Promise<string> {
    const pull = this.#pull;
    if (pull === undefined) return "";
    this.#pull = undefined;
    let digest: string;
    try {
      digest = await pull.stream.readToEnd(onLine);
    } catch (error) {
      throw await this.#pullError(error, pull, signal);
    }
    await this.#check?.end();
    return digest;
  }

  [Symbol.dispose](): void {
    this.#life.abort();
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
}
