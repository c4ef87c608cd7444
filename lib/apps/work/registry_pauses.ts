/** Which registries do not want to be asked at the moment; what one app is told holds for all. */

import type { Clock } from "../../async/clock.ts";
import { AgentError } from "../../base/errors.ts";

/** Registries that are remembered at once; real devices use one or two. */
const pausesLimit = 100;

/** The pauses of all registries, by host. */
export class RegistryPauses {
  readonly #clock: Pick<Clock, "now">;
  /** When a pause is over, on the clock; the oldest first. */
  readonly #endsAtMs = new Map<string, number>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** The registry is not to be asked for this long. A pause that is longer already stays. */
  note(host: string, waitMs: number): void {
    if (waitMs <= this.leftMs(host)) return;
    this.#endsAtMs.delete(host);
    this.#endsAtMs.set(host, this.#clock.now() + waitMs);
    const [oldest] = this.#endsAtMs.keys();
    if (this.#endsAtMs.size > pausesLimit && oldest !== undefined) this.#endsAtMs.delete(oldest);
  }

  /** How long the registry is not to be asked yet; 0 when it may be. */
  leftMs(host: string): number {
    const leftMs = (this.#endsAtMs.get(host) ?? -Infinity) - this.#clock.now();
    if (leftMs > 0) return leftMs;
    this.#endsAtMs.delete(host);
    return 0;
  }

  /** Throws `registry_busy` while the registry is not to be asked. */
  assertOpen(host: string): void {
    const leftMs = this.leftMs(host);
    if (leftMs === 0) return;
    const text = `Registry "${host}" has asked for a pause, it is asked again in ${Math.ceil(leftMs / 1_000)} s`;
    throw new AgentError("registry_busy", text);
  }
}
