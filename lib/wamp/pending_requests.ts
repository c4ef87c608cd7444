/** Requests that wait for an answer from the router: each has a deadline, and all end with the session. */

// @ts-types="./autobahn_shape.ts"
import { Error as AutobahnError } from "autobahn/lib/session.js";
import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isDict } from "../base/json.ts";
import { RemoteError } from "./remote_error.ts";

/** How long to wait, and what to do afterwards. */
export interface WaitOptions {
  /** What is attempted, as the beginning of every error text. */
  attempt: string;
  timeoutMs: number;
  signal?: AbortSignal;
  /** Runs when the deadline passes or the signal is aborted, not when the session ends. */
  onGiveUp?: () => void;
  /** Handles an answer that arrives after that. */
  onLate?: (value: unknown) => Promise<void>;
}

/** The waiting requests of one session. autobahn itself never settles a request whose answer does not come. */
export class PendingRequests {
  readonly #waiting = new Set<() => void>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** How many requests are waiting. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Waits for `request`. Throws `RemoteError`, `timeout`, `canceled` or, after `rejectAll`, `not_connected`. */
  settle(request: Promise<unknown>, options: WaitOptions): Promise<unknown> {
    const { attempt, timeoutMs, signal } = options;
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const finish = () => {
        if (isSettled) return false;
        isSettled = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#waiting.delete(onLost);
        return true;
      };
      const giveUp = (error: AgentError, after?: () => void) => {
        if (!finish()) return;
        reject(error);
        after?.();
      };
      const onLost = () => giveUp(new AgentError("not_connected", "not connected"));
      const onAbort = () => giveUp(new AgentError("canceled", `${attempt}: canceled`), options.onGiveUp);
      const onTimeout = () =>
        giveUp(new AgentError("timeout", `${attempt}: no answer in ${timeoutMs} ms`), options.onGiveUp);
      const timer = setTimeout(onTimeout, timeoutMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(onLost);
      request.then(
        (value) => finish() ? resolve(value) : options.onLate?.(value),
        (error) => finish() ? reject(readRemoteError(attempt, error)) : undefined,
      ).catch((error) => this.#log.debug("Cannot undo a late request", { error }));
    });
  }

  /** Ends every wait with `not_connected`. */
  rejectAll(): void {
    for (const onLost of [...this.#waiting]) onLost();
  }
}

function readRemoteError(attempt: string, error: unknown): unknown {
  if (!(error instanceof AutobahnError)) return error;
  return new RemoteError(attempt, {
    uri: typeof error.error === "string" ? error.error : "",
    args: Array.isArray(error.args) ? error.args : [],
    kwargs: isDict(error.kwargs) ? error.kwargs : {},
  });
}
