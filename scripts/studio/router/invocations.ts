/** The open calls of one realm: from CALL through INVOCATION to RESULT or ERROR, with cancellation. */

import { AgentError } from "../../../lib/base/errors.ts";
import type { Dict } from "../../../lib/base/json.ts";
import { codes, type MessageOf } from "./messages.ts";
import type { Session } from "./session.ts";

/** A call and the callee that it goes to. */
export interface RoutedCall {
  caller: Session;
  callee: Session;
  registrationId: number;
  /** The called procedure, if the registration is a pattern. */
  procedure: string | undefined;
  message: MessageOf<"call">;
}

/** An open call. */
interface Invocation {
  readonly id: number;
  readonly caller: Session;
  readonly callee: Session;
  readonly callRequest: number;
  /**
   * open: the caller waits for the answer; killed: it gets "canceled" after the callee's answer; settled: it has its
   * answer, and a late answer of the callee is dropped.
   */
  state: "open" | "killed" | "settled";
  timer: ReturnType<typeof setTimeout> | undefined;
}

const canceled = "wamp.error.canceled";

/** The open calls. Invariant: an invocation is in all three maps or in none. */
export class Invocations {
  #lastId = 0;
  readonly #byId = new Map<number, Invocation>();
  readonly #byCaller = new Map<Session, Map<number, Invocation>>();
  readonly #byCallee = new Map<Session, Set<Invocation>>();

  /** Sends INVOCATION with the caller's identity, and starts the timeout of the call. */
  start({ caller, callee, registrationId, procedure, message }: RoutedCall): void {
    this.#lastId += 1;
    const { request, options, timeoutMs, payload } = message;
    const invocation: Invocation = {
      id: this.#lastId,
      caller,
      callee,
      callRequest: request,
      state: "open",
      timer: undefined,
    };
    this.#add(invocation);
    if (timeoutMs > 0) invocation.timer = setTimeout(() => this.#expire(invocation), timeoutMs);
    const details: Dict = {
      ...(timeoutMs > 0 ? { timeout: timeoutMs } : {}),
      ...(options.receive_progress === true ? { receive_progress: true } : {}),
      caller: caller.id,
      caller_authid: caller.authid,
      caller_authrole: caller.authrole,
      ...(procedure === undefined ? {} : { procedure }),
    };
    callee.send([codes.invocation, invocation.id, registrationId, details, ...payload]);
  }

  /** YIELD: forwards the result; a progressive one leaves the call open. Throws `protocol_error` for a foreign id. */
  finish(callee: Session, { request, options, payload }: MessageOf<"yield">): void {
    const invocation = this.#ownedBy(callee, request);
    if (!invocation) return;
    const isProgress = options.progress === true;
    if (invocation.state === "open") {
      const details = {
        ...(isProgress ? { progress: true } : {}),
        callee: callee.id,
        callee_authid: callee.authid,
        callee_authrole: callee.authrole,
      };
      invocation.caller.send([codes.result, invocation.callRequest, details, ...payload]);
      if (isProgress) return;
    }
    this.#answerKilled(invocation);
  }

  /** ERROR from a callee: forwards it. Throws `protocol_error` for a foreign id. */
  fail(callee: Session, { request, error, payload }: MessageOf<"invocationError">): void {
    const invocation = this.#ownedBy(callee, request);
    if (!invocation) return;
    if (invocation.state === "open") {
      invocation.caller.send([codes.error, codes.call, invocation.callRequest, {}, error, ...payload]);
    }
    this.#answerKilled(invocation);
  }

  /**
   * CANCEL: `kill` waits for the callee, `killnowait` does not, `skip` does not even notify it. Callees that cannot be
   * interrupted are skipped.
   */
  cancel(caller: Session, { request, mode: requested }: MessageOf<"cancel">): void {
    const invocation = this.#byCaller.get(caller)?.get(request);
    if (invocation?.state !== "open") return;
    const mode = invocation.callee.can("callee", "call_canceling") ? requested : "skip";
    if (mode === "kill") {
      invocation.state = "killed";
    } else {
      invocation.state = "settled";
      caller.send([codes.error, codes.call, request, {}, canceled]);
    }
    if (mode !== "skip") {
      invocation.callee.send([codes.interrupt, invocation.id, mode === undefined ? {} : { mode }]);
    }
  }

  /** Ends the open calls of a session that has left: its callees are interrupted, its callers get "canceled". */
  detach(session: Session): void {
    for (const invocation of this.#byCaller.get(session)?.values() ?? []) {
      this.#remove(invocation);
      if (invocation.state === "open") this.#interrupt(invocation);
    }
    for (const invocation of this.#byCallee.get(session) ?? []) {
      this.#remove(invocation);
      if (invocation.state === "settled") continue;
      const reason = ["callee disconnected from in-flight request"];
      invocation.caller.send([codes.error, codes.call, invocation.callRequest, {}, canceled, reason]);
    }
  }

  /** Stops all timers and removes all calls. */
  close(): void {
    for (const invocation of this.#byId.values()) this.#remove(invocation);
  }

  #expire(invocation: Invocation): void {
    this.#remove(invocation);
    if (invocation.state !== "open") return;
    const { caller, callRequest } = invocation;
    caller.send([codes.error, codes.call, callRequest, {}, canceled, ["timeout reached"]]);
    this.#interrupt(invocation);
  }

  #interrupt({ id, callee }: Invocation): void {
    if (callee.can("callee", "call_canceling")) callee.send([codes.interrupt, id, { mode: "killnowait" }]);
  }

  #answerKilled(invocation: Invocation): void {
    if (invocation.state === "killed") {
      invocation.caller.send([codes.error, codes.call, invocation.callRequest, {}, canceled]);
    }
    this.#remove(invocation);
  }

  #ownedBy(callee: Session, id: number): Invocation | undefined {
    const invocation = this.#byId.get(id);
    if (invocation && invocation.callee !== callee) {
      throw new AgentError("protocol_error", `answer for non-owned request ID ${id}`);
    }
    return invocation;
  }

  #add(invocation: Invocation): void {
    const { id, caller, callee, callRequest } = invocation;
    this.#byId.set(id, invocation);
    const calls = this.#byCaller.get(caller) ?? new Map<number, Invocation>();
    this.#byCaller.set(caller, calls.set(callRequest, invocation));
    this.#byCallee.set(callee, (this.#byCallee.get(callee) ?? new Set()).add(invocation));
  }

  #remove(invocation: Invocation): void {
    const { id, caller, callee, callRequest } = invocation;
    clearTimeout(invocation.timer);
    this.#byId.delete(id);
    const calls = this.#byCaller.get(caller);
    if (calls?.get(callRequest) === invocation) calls.delete(callRequest);
    if (calls?.size === 0) this.#byCaller.delete(caller);
    const open = this.#byCallee.get(callee);
    open?.delete(invocation);
    if (open?.size === 0) this.#byCallee.delete(callee);
  }
}
