/** WAMP-CRA on the router's side: users, challenges, and the check of the answers. */

import { createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { type Dict, readText } from "../../../lib/base/json.ts";

/** A user who may join. With `salt` the client must derive the key from the secret (PBKDF2, SHA-256). */
export interface User {
  secret: string;
  /** The `authrole`; "device" by default. */
  role?: string;
  salt?: { salt: string; iterations: number; keylen: number };
}

/** A challenge that was sent, with the expected answer. */
export interface PendingChallenge {
  authid: string;
  authrole: string;
  /** Who is to answer. For an authid that nobody has it is somebody made up, who is not among the users. */
  user: User;
  /** `CHALLENGE.Extra`. */
  extra: Dict;
  signature: string;
}

/** The decision on a HELLO. */
export type HelloAnswer =
  | { kind: "challenge"; pending: PendingChallenge }
  | { kind: "denied"; reason: string; message: string };

/** What decides on a HELLO. */
export interface HelloOptions {
  users: ReadonlyMap<string, User>;
  sessionId: number;
  strangers: Strangers;
}

/**
 * Invents users for unknown authids, so that clients cannot find out which ones exist. An unknown authid gets the same
 * kind of challenge every time, and no answer to it is right.
 */
export class Strangers {
  readonly #key = randomBytes(32);

  /** The stand-in for an unknown user; salted as often as real users are. */
  find(authid: string, users: ReadonlyMap<string, User>): User {
    const salts = [...users.values()].map((user) => user.salt);
    const choice = createHmac("sha256", this.#key).update(`choice ${authid}`).digest().readUInt32BE();
    const salt = salts[choice % salts.length];
    if (salt === undefined) return { secret: this.#text(`secret ${authid}`) };
    const own = this.#text(`salt ${authid}`).slice(0, salt.salt.length);
    return { secret: this.#text(`secret ${authid}`), salt: { ...salt, salt: own } };
  }

  #text(what: string): string {
    return createHmac("sha256", this.#key).update(what).digest("hex");
  }
}

/** The methods that Crossbar.io knows. It skips those that are not configured, and refuses all others. */
const knownMethods = ["anonymous", "ticket", "wampcra", "tls", "cookie", "cryptosign", "scram"];

/**
 * Decides on a HELLO like Crossbar.io with a static list of WAMP-CRA users, with the same texts, except that unknown
 * users are challenged as well.
 */
export function answerHello(details: Dict, options: HelloOptions): HelloAnswer {
  const methods = Array.isArray(details.authmethods) ? details.authmethods : ["anonymous"];
  for (const method of methods) {
    if (method === "wampcra") return challenge(readText(details.authid), options);
    if (!knownMethods.includes(method)) return denied("wamp.error.not_authorized", `invalid authmethod "${method}"`);
  }
  const offered = methods.map((method) => `'${method}'`).join(", ");
  return denied(
    "wamp.error.no_auth_method",
    `cannot authenticate [2] using any of the offered authmethods [${offered}]`,
  );
}

/** Whether the client's answer is correct; takes the same time for every wrong answer. */
export function isRightSignature(pending: PendingChallenge, signature: string): boolean {
  const expected = new TextEncoder().encode(pending.signature);
  const given = new TextEncoder().encode(signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/** True when a user can still answer a challenge that was made for `user`, with the same role. */
export function isSameUser(user: User, current: User | undefined): boolean {
  return current !== undefined && JSON.stringify(fields(user)) === JSON.stringify(fields(current));
}

function fields({ secret, role, salt }: User): unknown[] {
  return [secret, role, salt?.salt, salt?.iterations, salt?.keylen];
}

/** The answer to a challenge: the HMAC-SHA256 of its text in base64, with the secret or the key derived from it. */
export function sign(text: string, user: User): string {
  return createHmac("sha256", keyOf(user)).update(text).digest("base64");
}

function keyOf({ secret, salt }: User): string {
  if (!salt) return secret;
  return pbkdf2Sync(secret, salt.salt, salt.iterations, salt.keylen, "sha256").toString("base64");
}

function challenge(authid: string | undefined, { users, sessionId, strangers }: HelloOptions): HelloAnswer {
  if (authid === undefined) return denied("wamp.error.not_authorized", 'no principal with authid "None" exists');
  const user = users.get(authid) ?? strangers.find(authid, users);
  // Without the role, which would tell who exists.
  const text = JSON.stringify({
    authid,
    authmethod: "wampcra",
    authprovider: "static",
    session: sessionId,
    nonce: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
  });
  const extra = { challenge: text, ...user.salt };
  const authrole = user.role ?? "device";
  return { kind: "challenge", pending: { authid, authrole, user, extra, signature: sign(text, user) } };
}

function denied(reason: string, message: string): HelloAnswer {
  return { kind: "denied", reason, message };
}
