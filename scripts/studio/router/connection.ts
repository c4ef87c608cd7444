/** One WebSocket connection to the router: frames, the join and leave handshakes, limits and faults. */

import type { RawData, WebSocket } from "ws";
import { hasCode, messageOf } from "../../../lib/base/errors.ts";
import type { Log } from "../../../lib/base/log.ts";
import { type Dict, isDict } from "../../../lib/base/json.ts";
import { answerHello, isRightSignature, type PendingChallenge, type User } from "./auth.ts";
import { announcedRoles } from "./features.ts";
import { type ClientMessage, codes, decodeMessage, type Frame, type MessageOf } from "./messages.ts";
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
  /** How long a socket may stay open without a session. */
  readonly joinLimitMs: number;
  /** Called once when the connection has ended. */
  closed(connection: Connection): void;
}

/** The state of an open connection. */
type State =
  | { kind: "idle" }
  | { kind: "challenged"; realm: Realm; id: number; roles: Dict; pending: PendingChallenge }
  | { kind: "joined"; realm: Realm; session: Session };

/** The connection of one client. Invariant: a session is in its realm exactly while the state is "joined". */
export class Connection {
  readonly #socket: WebSocket;
  readonly #host: ConnectionHost;
  #state: State = { kind: "idle" };
  #joinTimer: ReturnType<typeof setTimeout> | undefined;
  /** Messages held back while the connection is paused. */
  #held: string[] | undefined;
  #heldBytes = 0;
  #isStranded = false;

  constructor(socket: WebSocket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#limitIdleTime();
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
    this.#socket.close(1001, "router is going down");
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
    if (!this.#held && this.#socket.readyState === this.#socket.OPEN) this.#socket.pong(data);
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
    const answer = answerHello(details, { users: this.#host.users, sessionId: id });
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
    if (!isRightSignature(pending, signature)) {
      return this.#abort("wamp.error.not_authorized", "WAMP-CRA client signature is invalid");
    }
    const { authid, authrole } = pending;
    const send = (message: Frame) => this.#send(message);
    const session = new Session({ id, realm: realm.name, authid, authrole, roles: clientRoles, send });
    clearTimeout(this.#joinTimer);
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
    this.#socket.close(code, reason);
    this.#leave(false);
  }

  #leave(isClean: boolean): void {
    if (this.#state.kind !== "joined") return;
    const { realm, session } = this.#state;
    this.#state = { kind: "idle" };
    realm.leave(session, { isClean });
  }

  #limitIdleTime(): void {
    this.#joinTimer = setTimeout(() => this.#socket.close(1008, "no session in time"), this.#host.joinLimitMs);
  }

  #onClose(): void {
    clearTimeout(this.#joinTimer);
    if (this.#isStranded) return;
    this.#leave(false);
    this.#host.closed(this);
  }
}
