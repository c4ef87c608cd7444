/**
 * The members of `dbus-native/lib/message.js` and `dbus-native/lib/handshake.js` that we use; these files have no
 * types. Only a description: this file is never run.
 */

import type { Socket } from "node:net";

/** One message, as it is read and written. */
export interface WireMessage {
  /** 1 call, 2 reply, 3 error, 4 signal. */
  type: number;
  serial: number;
  flags?: number;
  destination?: string;
  path?: string;
  interface?: string;
  member?: string;
  signature?: string;
  sender?: string;
  errorName?: string;
  replySerial?: number;
  body?: unknown[];
}

/** How values are read. */
export interface ReadOptions {
  /** False: dictionaries are lists of pairs, marked with `Symbol.for("dbus.dict")`. */
  plainValues: boolean;
  /** `wrap`: variants are objects with `signature` and `value`. */
  variants: "wrap";
  returnBigInt: boolean;
  maxMessageSize: number;
}

/** Reads messages until the socket ends; the first that cannot be read ends the reading. */
export declare const unmarshalMessages: (
  socket: Socket,
  onMessage: (message: WireMessage) => void,
  options: ReadOptions,
  onError: (error: unknown) => void,
  onHandlerError: (error: unknown) => void,
) => void;

/** The bytes of a message. Throws when a value does not fit the signature. */
export declare function marshall(message: WireMessage): Uint8Array;

/** Logs in on a fresh socket. */
declare function handshakeWithBus(
  socket: Socket,
  options: { authMethods: readonly string[] },
  onEnd: (error: unknown) => void,
): void;

export default handshakeWithBus;
