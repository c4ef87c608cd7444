/** WAMP-CRA on the router's side: users, challenges, and the check of the answers. */

import { createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";
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
  /** `CHALLENGE.Extra`. */
  extra: Dict;
  signature: string;
}

/** The decision on a HELLO. */
export type HelloAnswer =
  | { kind: "challenge"; pending: PendingChallenge }
  | { kind: "denied"; reason: string; message: string };

/** The methods that Crossbar.io knows. It skips those that are not configured, and refuses all others. */
const knownMethods = ["anonymous", "ticket", "wampcra", "tls", "cookie", "cryptosign", "scram"];

/** Decides on a HELLO like Crossbar.io with a static list of WAMP-CRA users, with the same texts. */
export function answerHello(
  details: Dict,
  { users, sessionId }: { users: ReadonlyMap<string, User>; sessionId: number },
): HelloAnswer {
  const methods = Array.isArray(details.authmethods) ? details.authmethods : ["anonymous"];
  for (const method of methods) {
    if (method === "wampcra") return challenge(readText(details.authid), { users, sessionId });
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

/** The answer to a challenge: the HMAC-SHA256 of its text in base64, with the secret or the key derived from it. */
export function sign(text: string, user: User): string {
  return createHmac("sha256", keyOf(user)).update(text).digest("base64");
}

function keyOf({ secret, salt }: User): string {
  if (!salt) return secret;
  return pbkdf2Sync(secret, salt.salt, salt.iterations, salt.keylen, "sha256").toString("base64");
}

function challenge(
  authid: string | undefined,
  { users, sessionId }: { users: ReadonlyMap<string, User>; sessionId: number },
): HelloAnswer {
  const user = authid === undefined ? undefined : users.get(authid);
  if (authid === undefined || !user) {
    return denied("wamp.error.not_authorized", `no principal with authid "${authid ?? "None"}" exists`);
  }
  const authrole = user.role ?? "device";
  const text = JSON.stringify({
    authid,
    authrole,
    authmethod: "wampcra",
    authprovider: "static",
    session: sessionId,
    nonce: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
  });
  const extra = { challenge: text, ...user.salt };
  return { kind: "challenge", pending: { authid, authrole, extra, signature: sign(text, user) } };
}

function denied(reason: string, message: string): HelloAnswer {
  return { kind: "denied", reason, message };
}
