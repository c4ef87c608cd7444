/** Runs the handlers of our procedures, concurrently; INTERRUPT and the invocation's own time limit abort them. */

// @ts-types="./autobahn_shape.ts"
import { Error as AutobahnError, Result as AutobahnResult } from "autobahn/lib/session.js";
import { untilAborted } from "../async/deadline.ts";
import { AgentError, messageOf } from "../base/errors.ts";
import type { Dict } from "../base/json.ts";
import type { Payload } from "./payload.ts";
import { errorUris } from "./uris.ts";

/** A call of one of our procedures. `signal` is aborted when the caller gives up; the reply is dropped then. */
export interface Invocation {
  procedure: string;
  args: unknown[];
  kwargs: Dict;
  /** The caller, if the router discloses it. */
  callerAuthid: string | undefined;
  /** The role of the caller, as the router disclosed it. */
  callerAuthrole: string | undefined;
  signal: AbortSignal;
  /** Is aborted when the session has ended, so that nobody can be answered any more. */
  session?: AbortSignal;
}

/** What a handler answers; what is absent is empty. */
export interface Reply {
  args?: unknown[];
  kwargs?: Dict;
}

/** Answers an invocation. Whatever it throws becomes `wamp.error.canceled` with `{error: <message>}`. */
export type InvocationHandler = (invocation: Invocation) => Promise<Reply>;

/** The running invocations of one session. */
export class Invocations {
  readonly #running = new Map<number, AbortController>();
  readonly #session = new AbortController();

  /** Runs `handler` and returns the result for autobahn. Every failure is thrown as autobahn's own error. */
  async answer(
    payload: Payload,
    { procedure, handler }: { procedure: string; handler: InvocationHandler },
  ): Promise<AutobahnResult> {
    const controller = new AbortController();
    const { request, details } = payload;
    const aborted = untilAborted(controller.signal).then((): never => {
      throw new AutobahnError(errorUris.canceled);
    });
    const timer = startTimer(details.timeout, controller);
    this.#running.set(request, controller);
    const invocation = {
      procedure,
      args: payload.args,
      kwargs: payload.kwargs,
      callerAuthid: readAuthid(payload.details.caller_authid),
      callerAuthrole: readAuthid(payload.details.caller_authrole),
      signal: controller.signal,
      session: this.#session.signal,
    };
    try {
      const reply = await Promise.race([aborted, this.#run(handler, invocation)]);
      return new AutobahnResult(reply.args ?? [], reply.kwargs ?? {});
    } finally {
      clearTimeout(timer);
      this.#running.delete(request);
    }
  }

  /** The caller has given up on this request. Unknown requests are ignored: they have been answered already. */
  interrupt(request: number): void {
    this.#running.get(request)?.abort(new AgentError("canceled", "The caller canceled the call"));
  }

  /** The session has ended. Handlers go on unless they look at `session`. */
  end(): void {
    this.#session.abort(new AgentError("canceled", "The session has ended"));
  }

  async #run(handler: InvocationHandler, invocation: Invocation): Promise<Reply> {
    try {
      return await handler(invocation);
    } catch (error) {
      // autobahn would lose the text of a plain Error.
      throw new AutobahnError(errorUris.canceled, [{ error: messageOf(error) }]);
    }
  }
}

function startTimer(timeoutMs: unknown, controller: AbortController): ReturnType<typeof setTimeout> | undefined {
  // Timers hold 31 bits; a longer limit is no limit for a call.
  if (typeof timeoutMs !== "number" || !(timeoutMs > 0) || timeoutMs > 0x7fff_ffff) return undefined;
  return setTimeout(() => controller.abort(new AgentError("canceled", "The call's time limit passed")), timeoutMs);
}

/** Routers disclose text; a number becomes its decimal text, so that no check takes the caller for undisclosed. */
function readAuthid(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : undefined;
}
