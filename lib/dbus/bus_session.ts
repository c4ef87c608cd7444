/** One login at the bus: calls and their answers, from Hello to the loss of the socket. */

import { within } from "../async/deadline.ts";
import { AgentError } from "../base/errors.ts";
import { decodeBusValue, encodeBusValue } from "./bus_codec.ts";
import { BusRefusal } from "./bus_errors.ts";
import { BusSocket } from "./bus_socket.ts";
import type { BusValue } from "./bus_values.ts";
import type { WireMessage } from "./message_shape.ts";

/** A call of a method. */
export interface BusMethod {
  destination: string;
  path: string;
  interface: string;
  member: string;
  /** The types of `args`; absent when there are none. */
  signature?: string;
  args?: readonly BusValue[];
  /** How long the answer may take; 10 s when absent. */
  limitMs?: number;
}

/** A signal of a program. */
export interface BusSignal {
  /** The unique name of the connection that has sent it; the bus vouches for it. */
  sender: string;
  path: string;
  interface: string;
  member: string;
  args: readonly BusValue[];
}

/** What happens on it besides answers. */
export interface BusSessionEvents {
  onSignal(signal: BusSignal): void;
  /** Called once, when it is lost; not when it is disposed. */
  onEnd(error: unknown): void;
}

/** The bus itself, as a program on it. */
export const busItself = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
} as const;

const busMessageTypes = { call: 1, reply: 2, error: 3, signal: 4 } as const;
const usualLimitMs = 10_000;
const pendingLimit = 1_024;
const serialLimit = 0xffff_ffff;

/** A call that is not answered yet. Both are called while the message is read, before the next one is. */
interface PendingCall {
  name: string;
  resolve(values: BusValue[]): void;
  reject(error: unknown): void;
}

/** A session. Invariants: every call settles; an answer that nobody waits for any more is dropped. */
export class BusSession implements Disposable {
  readonly #pending = new Map<number, PendingCall>();
  readonly #events: BusSessionEvents;
  #socket: BusSocket | undefined;
  #serial = 0;

  private constructor(events: BusSessionEvents) {
    this.#events = events;
  }

  /** Opens the first of these sockets that lets the agent in. Throws `bus_unreachable`, `timeout`, `canceled`. */
  static async open(paths: readonly string[], events: BusSessionEvents, signal: AbortSignal): Promise<BusSession> {
    const session = new BusSession(events);
    for (const [index, path] of paths.entries()) {
      try {
        session.#socket = await BusSocket.open(path, {
          onMessage: (message) => session.#receive(message),
          onEnd: (error) => session.#end(error),
        }, signal);
        break;
      } catch (error) {
        if (index + 1 === paths.length || signal.aborted) throw error;
      }
    }
    try {
      await session.call({ ...busItself, member: "Hello" }, {}, signal);
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
    return session;
  }

  /**
   * Calls a method and returns its results. `onReply` gets them earlier, before the next message is looked at. Throws
   * `bus_refused` (a `BusRefusal`), `bus_unreachable`, `bad_request`, `busy`, `protocol_error`, `timeout`, `canceled`.
   */
  async call(
    method: BusMethod,
    { onReply }: { onReply?: (values: readonly BusValue[]) => void },
    signal: AbortSignal,
  ): Promise<BusValue[]> {
    const name = `${method.interface}.${method.member}`;
    if (this.#pending.size >= pendingLimit) {
      throw new AgentError("busy", `Cannot call "${name}" on the system bus: too many calls are not answered yet`);
    }
    const serial = this.#serial = this.#serial >= serialLimit ? 1 : this.#serial + 1;
    try {
      return await within(method.limitMs ?? usualLimitMs, () =>
        new Promise<BusValue[]>((resolve, reject) => {
          const settle = (values: BusValue[]) => {
            onReply?.(values);
            resolve(values);
          };
          this.#pending.set(serial, { name, resolve: settle, reject });
          this.#send(serial, method);
        }), { what: `The call "${name}" on the system bus`, signal });
    } finally {
      this.#pending.delete(serial);
    }
  }

  /** Ends it. Open calls fail; `onEnd` is not called. */
  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
    this.#socket = undefined;
    this.#failPending(new AgentError("bus_unreachable", "The connection to the system bus has ended"));
  }

  #send(serial: number, { destination, path, interface: name, member, signature, args = [] }: BusMethod): void {
    if (this.#socket === undefined) throw new AgentError("bus_unreachable", "There is no connection to the system bus");
    const body = args.map(encodeBusValue);
    const typed = signature === undefined ? {} : { signature, body };
    this.#socket.send({ type: busMessageTypes.call, serial, destination, path, interface: name, member, ...typed });
  }

  #receive(message: WireMessage): void {
    if (message.type === busMessageTypes.signal) return this.#receiveSignal(message);
    const pending = this.#pending.get(message.replySerial ?? 0);
    if (pending === undefined) return;
    this.#pending.delete(message.replySerial ?? 0);
    try {
      const values = decodeBody(message);
      if (message.type === busMessageTypes.reply) return pending.resolve(values);
      if (message.type === busMessageTypes.error) pending.reject(refusalOf(pending.name, message, values));
    } catch (error) {
      pending.reject(error);
    }
  }

  #receiveSignal(message: WireMessage): void {
    const { sender = "", path = "", interface: name = "", member = "" } = message;
    let args: BusValue[];
    try {
      args = decodeBody(message);
    } catch {
      // Nobody could do anything with it, and the next message can be read all the same.
      return;
    }
    this.#events.onSignal({ sender, path, interface: name, member, args });
  }

  #end(error: unknown): void {
    this.#socket = undefined;
    this.#failPending(new AgentError("bus_unreachable", "The connection to the system bus was lost", { cause: error }));
    this.#events.onEnd(error);
  }

  #failPending(error: AgentError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of pending) call.reject(error);
  }
}

function decodeBody({ body = [] }: WireMessage): BusValue[] {
  return body.map((value) => decodeBusValue(value));
}

function refusalOf(call: string, { errorName = "" }: WireMessage, values: readonly BusValue[]): BusRefusal {
  const text = typeof values[0] === "string" ? values[0] : "";
  return new BusRefusal(call, { errorName, text });
}
