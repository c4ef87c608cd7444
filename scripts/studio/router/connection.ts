/** One WebSocket connection to the router: frames, the join and leave handshakes, limits and faults. */

import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { hasCode, messageOf } from "../../../lib/base/errors.ts";
import type { Log } from "../../../lib/base/log.ts";
import { type Dict, isDict } from "../../../lib/base/json.ts";
import { answerHello, isRightSignature, isSameUser, type PendingChallenge, type Strangers, type User } from "./auth.ts";
import { announcedRoles } from "./features.ts";
import { type FrameLimits, FrameMeter, type UnfinishedMessages } from "./frame_guard.ts";
import { type ClientMessage, codes, decodeMessage, type Frame, type MessageOf } from "./messages.ts";
import type { PendingSockets } from "./pending_sockets.ts";
import type { Realm, RealmMessage } from "./realm.ts";
import { Session } from "./session.ts";
import { randomId } from "./uri_match.ts";

/** The router as its connections need it. */
export interface ConnectionHost {
  readonly users: ReadonlyMap<string, User>;
  readonly realms: ReadonlyMap<string, Realm>;
  readonly log: Log;
  /** A session with more unsent bytes is dropped. */
  readonly sendLimitBytes: number;
  readonly strangers: Strangers;
  /** Ends sockets that have no session for too long. */
  readonly pending: PendingSockets;
  readonly unfinished: UnfinishedMessages;
  /** Called once when the connection has ended. */
  closed(connection: Connection): void;
}

/** The state of an open connection. */
type State =
  | { kind: "idle" }
  | { kind: "challenged"; realm: Realm; id: number; roles: Dict; pending: PendingChallenge }
  | { kind: "joined"; realm: Realm; session: Session };

/** The largest message of a joined client. */
export const messageLimitBytes = 16 * 1024 * 1024;

/** Clients do not split messages; proxies on the way may. */
const joinedLimits: FrameLimits = { messageBytes: messageLimitBytes, fragments: 256 };

/** Before it has joined, a client has nothing to send but HELLO and the answer to the challenge. */
const pendingLimits: FrameLimits = { messageBytes: 8 * 1024, fragments: 8 };

/** How long a client has to answer the closing handshake. */
const closeLimitMs = 2_000;

/** The connection of one client. Invariant: a session is in its realm exactly while the state is "joined". */
export class Connection {
  readonly #socket: WebSocket;
  /** What the WebSocket runs on. */
  readonly #transport: Socket;
  readonly #host: ConnectionHost;
  readonly #meter = new FrameMeter();
  #state: State = { kind: "idle" };
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  /** Messages held back while the connection is paused. */
  #held: string[] | undefined;
  #heldBytes = 0;
  #isStranded = false;

  constructor({ socket, transport }: { socket: WebSocket; transport: Socket }, host: ConnectionHost) {
    this.#socket = socket;
    this.#transport = transport;
    this.#host = host;
    this.#limitIdleTime();
    transport.prependListener("data", (bytes: Uint8Array) => this.#measure(bytes));
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("ping", (data) => this.#pong(data));
    socket.on("error", (error) => host.log.debug("A client's socket failed", { error }));
    socket.on("close", () => this.#onClose());
  }

  /** The session; undefined unless the client has joined. */
  get session(): Session | undefined {
    return this.#state.kind === "joined" ? this.#state.session : undefined;
  }

  /** Closes the socket without a closing handshake. */
  drop(): void {
    if (!this.endStranded()) this.#socket.terminate();
  }

  /** Closes the socket and keeps the session, like a router that has not noticed the loss. See `endStranded()`. */
  strand(): void {
    this.#isStranded = true;
    this.#socket.terminate();
  }

  /** Ends the session of a stranded connection. Returns false when it is not stranded. */
  endStranded(): boolean {
    if (!this.#isStranded) return false;
    this.#isStranded = false;
    this.#leave(false);
    this.#host.closed(this);
    return true;
  }

  /** Sends GOODBYE to a joined client and closes the socket with code 1001. */
  close(): void {
    if (this.endStranded()) return;
    this.session?.goodbye("wamp.close.system_shutdown");
    this.#close(1001, "router is going down");
  }

  /** Ends the connection, because the messages of all clients that are not complete hold too much. */
  overflow(): void {
    this.#refuse("Too many unfinished messages");
  }

  /** Stops reading and sending, including answers to pings, until `resume()`. */
  pause(): void {
    if (this.#held) return;
    this.#held = [];
    this.#socket.pause();
  }

  /** Sends the held messages and continues reading. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    for (const text of held) this.#write(text);
    this.#socket.resume();
  }

  #send(message: Frame): void {
    const text = JSON.stringify(message);
    if (!this.#held) return this.#write(text);
    this.#held.push(text);
    this.#heldBytes += text.length;
    if (this.#heldBytes > this.#host.sendLimitBytes) this.#dropSlow(this.#heldBytes);
  }

  #write(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(text);
    if (this.#socket.bufferedAmount > this.#host.sendLimitBytes) this.#dropSlow(this.#socket.bufferedAmount);
  }

  #dropSlow(unsentBytes: number): void {
    this.#held = undefined;
    this.#host.log.warn("Dropped a client that does not read", { session: this.session?.id, unsentBytes });
    this.#socket.terminate();
  }

  #pong(data: Uint8Array): void {
    if (this.#held || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.pong(data);
    if (this.#socket.bufferedAmount > this.#host.sendLimitBytes) this.#dropSlow(this.#socket.bufferedAmount);
  }

  #measure(bytes: Uint8Array): void {
    const refusal = this.#meter.take(bytes, this.#state.kind === "joined" ? joinedLimits : pendingLimits);
    if (refusal !== undefined) return this.#refuse(refusal);
    this.#host.unfinished.note(this, this.#meter.unfinishedBytes);
  }

  /** Closes with 1009. What a joined client still sends is read and not kept; nothing is read of others. */
  #refuse(text: string): void {
    this.#host.unfinished.note(this, 0);
    this.#transport.removeAllListeners("data");
    if (this.#state.kind === "joined") this.#transport.resume();
    else this.#transport.pause();
    this.#host.log.debug("A client sends too much", { session: this.session?.id, text });
    this.#end(1009, text);
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    try {
      if (isBinary) return this.#violate("binary frame on a JSON connection");
      this.#step(decodeMessage(data.toString()));
    } catch (error) {
      if (hasCode(error, "protocol_error")) return this.#violate(messageOf(error));
      this.#host.log.error("Cannot handle a client's message", { error, session: this.session?.id });
      this.#end(1011, "WAMP Internal Error");
    }
  }

  #step(message: ClientMessage): void {
    switch (message.kind) {
      case "hello":
        return this.#state.kind === "joined" ? undefined : this.#onHello(message);
      case "authenticate":
        return this.#onAuthenticate(message.signature);
      case "abort":
        return this.#state.kind === "joined" ? this.#violate("unexpected message ABORT") : this.#toIdle();
      case "goodbye":
        return this.#onGoodbye();
      default:
        return this.#onRequest(message);
    }
  }

  #onRequest(message: RealmMessage): void {
    // Crossbar.io ignores the requests of clients that have not joined.
    if (this.#state.kind === "joined") this.#state.realm.handle(this.#state.session, message);
  }

  #onHello({ realm: name, details }: MessageOf<"hello">): void {
    if (!isDict(details.roles) || Object.keys(details.roles).length === 0) {
      return this.#violate("missing mandatory roles attribute in options in HELLO");
    }
    const id = randomId();
    const { users, strangers } = this.#host;
    const answer = answerHello(details, { users, strangers, sessionId: id });
    if (answer.kind === "denied") return this.#abort(answer.reason, answer.message);
    const realm = this.#host.realms.get(name);
    if (!realm) return this.#abort("wamp.error.no_such_realm", `no realm "${name}" exists on this router`);
    this.#state = { kind: "challenged", realm, id, roles: details.roles, pending: answer.pending };
    this.#send([codes.challenge, "wampcra", answer.pending.extra]);
  }

  #onAuthenticate(signature: string): void {
    if (this.#state.kind === "joined") return this.#violate("unexpected message AUTHENTICATE");
    if (this.#state.kind === "idle") return this.#abort("wamp.error.not_authorized", "no pending authentication");
    const { realm, id, roles: clientRoles, pending } = this.#state;
    // The user may have gone since, and a stranger never was one.
    const isCurrent = isSameUser(pending.user, this.#host.users.get(pending.authid));
    if (!isRightSignature(pending, signature) || !isCurrent) {
      return this.#abort("wamp.error.not_authorized", "WAMP-CRA client signature is invalid");
    }
    const { authid, authrole } = pending;
    const send = (message: Frame) => this.#send(message);
    const session = new Session({ id, realm: realm.name, authid, authrole, roles: clientRoles, send });
    this.#host.pending.remove(this.#transport);
    this.#state = { kind: "joined", realm, session };
    this.#send([codes.welcome, id, {
      realm: realm.name,
      authid,
      authrole,
      authmethod: "wampcra",
      authprovider: "static",
      authextra: {},
      roles: announcedRoles,
    }]);
    realm.join(session);
  }

  #onGoodbye(): void {
    if (this.#state.kind !== "joined") return;
    if (!this.#state.session.hasGoodbye) this.#send([codes.goodbye, {}, "wamp.close.normal"]);
    this.#leave(true);
    // The socket stays open, because WAMP allows another HELLO on it.
    this.#limitIdleTime();
  }

  #abort(reason: string, message: string): void {
    this.#state = { kind: "idle" };
    this.#send([codes.abort, { message }, reason]);
  }

  #toIdle(): void {
    this.#state = { kind: "idle" };
  }

  #violate(text: string): void {
    this.#host.log.debug("A client broke the protocol", { session: this.session?.id, text });
    // A close reason is limited to 123 bytes.
    this.#end(1002, `WAMP Protocol Error (${text})`.replace(/[^\x20-\x7e]/g, "?").slice(0, 120));
  }

  #end(code: number, reason: string): void {
    this.#close(code, reason);
    this.#leave(false);
  }

  /** Starts the closing handshake. A client that does not answer in time is cut. */
  #close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    this.#closeTimer ??= setTimeout(() => this.#socket.terminate(), closeLimitMs);
  }

  #leave(isClean: boolean): void {
    if (this.#state.kind !== "joined") return;
    const { realm, session } = this.#state;
    this.#state = { kind: "idle" };
    realm.leave(session, { isClean });
  }

  #limitIdleTime(): void {
    this.#host.pending.add(this.#transport, {
      evict: () => this.#socket.terminate(),
      expire: () => this.#close(1008, "no session in time"),
    });
  }

  #onClose(): void {
    clearTimeout(this.#closeTimer);
    this.#host.pending.remove(this.#transport);
    this.#host.unfinished.note(this, 0);
    if (this.#isStranded) return;
    this.#leave(false);
    this.#host.closed(this);
  }
}
