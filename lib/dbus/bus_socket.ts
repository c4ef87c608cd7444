/** One socket to the bus: it is opened, logged in, and carries messages until it ends. Decides nothing. */

import { connect, type Socket } from "node:net";
// @ts-types="./message_shape.ts"
import handshakeWithBus from "dbus-native/lib/handshake.js";
// @ts-types="./message_shape.ts"
import { marshall, unmarshalMessages, type WireMessage } from "dbus-native/lib/message.js";
import { within } from "../async/deadline.ts";
import { AgentError, messageOf } from "../base/errors.ts";

/** How long the bus may take to let the agent in. */
const openLimitMs = 5_000;

/** Of one message; the bus itself allows 128 MiB. */
const busMessageLimitBytes = 8 * 1024 * 1024;

/** What is told about a socket that is open. */
export interface BusSocketEvents {
  onMessage(message: WireMessage): void;
  /** Called once. */
  onEnd(error: unknown): void;
}

/** An open socket. Invariant: `onEnd` is called once, whoever ends it. */
export class BusSocket implements Disposable {
  readonly #socket: Socket;
  readonly #events: BusSocketEvents;
  #isEnded = false;

  private constructor(socket: Socket, events: BusSocketEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  /** Opens the socket at this path and logs in. Throws `bus_unreachable`, `timeout`, `canceled`. */
  static async open(path: string, events: BusSocketEvents, signal: AbortSignal): Promise<BusSocket> {
    const socket = connect({ path });
    const opened = new BusSocket(socket, events);
    // An emitter without a listener for errors would end the process.
    socket.on("error", (error) => opened.#end(error));
    try {
      await within(openLimitMs, () => logIn(socket), { what: "The login at the system bus", signal });
    } catch (error) {
      opened.#isEnded = true;
      socket.destroy();
      throw error;
    }
    opened.#read();
    return opened;
  }

  /** Sends a message. Throws `bad_request` when a value does not fit its signature; a lost socket reports its end. */
  send(message: WireMessage): void {
    let bytes: Uint8Array;
    try {
      bytes = marshall(message);
    } catch (error) {
      const call = `${message.interface}.${message.member}`;
      throw new AgentError("bad_request", `Cannot write the call "${call}": ${messageOf(error)}`);
    }
    if (!this.#isEnded) this.#socket.write(bytes);
  }

  /** Ends it; nothing more is read or reported. */
  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#socket.destroy();
  }

  #read(): void {
    const onEnd = (error: unknown) => this.#end(error);
    this.#socket.on("end", () => onEnd(new Error("the bus has closed the connection")));
    this.#socket.on("close", () => onEnd(new Error("the connection was lost")));
    const options = {
      plainValues: false,
      variants: "wrap",
      returnBigInt: true,
      maxMessageSize: busMessageLimitBytes,
    } as const;
    unmarshalMessages(this.#socket, (message) => this.#events.onMessage(message), options, onEnd, onEnd);
  }

  #end(error: unknown): void {
    if (this.#isEnded) return;
    this[Symbol.dispose]();
    this.#events.onEnd(error);
  }
}

/** Logs in as the user of this process, which the kernel vouches for. */
async function logIn(socket: Socket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(new AgentError("bus_unreachable", `Cannot reach the system bus: ${messageOf(error)}`, { cause: error }));
    };
    socket.once("error", fail);
    socket.once("close", () => fail(new Error("it has closed the connection")));
    socket.once("connect", () => {
      handshakeWithBus(socket, { authMethods: ["EXTERNAL"] }, (error) => error ? fail(error) : resolve());
    });
  });
}
