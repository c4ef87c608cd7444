/** Runs the handlers of our procedures: concurrently, stoppable by INTERRUPT and by the invocation's own time limit. */

// @ts-types="./autobahn_shape.ts"
import { Error as WampError, Result } from "autobahn/lib/session.js";
import { AgentError, messageOf } from "../base/errors.ts";
import type { Dict } from "../base/json.ts";
import type { Payload } from "./message_filter.ts";
import { errorUris } from "./uris.ts";

/** A call of one of our procedures. `signal` ends when the caller gave up; the answer is dropped then. */
export interface Invocation {
  procedure: string;
  args: unknown[];
  kwargs: Dict;
  /** Who calls, as the router disclosed it. */
  callerAuthid: string | undefined;
  signal: AbortSignal;
}

/** An answer; absent parts are empty. */
export interface Reply {
  args?: unknown[];
  kwargs?: Dict;
}

/** Answers an invocation. Whatever it throws is answered as `wamp.error.canceled` with `{error: <message>}`. */
export type InvocationHandler = (invocation: Invocation) => Promise<Reply>;

/** The running invocations of one session. */
export class Invocations {
  readonly #running = new Map<number, AbortController>();

  /** Runs `handler` and gives autobahn the answer. Rejects with autobahn's own error for every failure. */
  async answer(procedure: string, payload: Payload, handler: InvocationHandler): Promise<Result> {
    const controller = new AbortController();
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    controller.signal.addEventListener("abort", () => reject(new WampError(errorUris.canceled)), { once: true });
    const timer = startTimer(payload.details.timeout, controller);
    this.#running.set(payload.request, controller);
    const invocation = {
      procedure,
      args: payload.args,
      kwargs: payload.kwargs,
      callerAuthid: readAuthid(payload.details.caller_authid),
      signal: controller.signal,
    };
    try {
      const reply = await Promise.race([interrupted, this.#run(handler, invocation)]);
      return new Result(reply.args ?? [], reply.kwargs ?? {});
    } finally {
      clearTimeout(timer);
      this.#running.delete(payload.request);
    }
  }

  /** The caller gave up on this request; its answer is dropped. Unknown requests are ignored: they were answered. */
  interrupt(request: number): void {
    this.#running.get(request)?.abort(new AgentError("canceled", "The caller canceled the call"));
  }

  async #run(handler: InvocationHandler, invocation: Invocation): Promise<Reply> {
    try {
      return await handler(invocation);
    } catch (error) {
      // autobahn would lose the text of a plain Error.
      throw new WampError(errorUris.canceled, [{ error: messageOf(error) }]);
    }
  }
}

function startTimer(timeoutMs: unknown, controller: AbortController): ReturnType<typeof setTimeout> | undefined {
  // Timers hold 31 bits; a longer limit is no limit for a call.
  if (typeof timeoutMs !== "number" || !(timeoutMs > 0) || timeoutMs > 0x7fff_ffff) return undefined;
  return setTimeout(() => controller.abort(new AgentError("canceled", "The call's time limit passed")), timeoutMs);
}

/** Routers disclose text; a number is taken as its decimal text so that a check never sees a missing caller. */
function readAuthid(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : undefined;
}
