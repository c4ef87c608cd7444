/**
 * Signs the router's WAMP-CRA challenge: HMAC-SHA256, with the secret itself or with a key derived from it by PBKDF2.
 */

import { createHmac, pbkdf2 } from "node:crypto";
import { AgentError } from "../base/errors.ts";
import { isDict, readCount, reject } from "../base/json.ts";

/** The only authentication method that we offer. */
export const authMethod = "wampcra";

/** The text with which routers refuse a signature. */
export const rejectedSignatureText = "WAMP-CRA client signature is invalid";

// More would keep a small device busy for minutes; real routers use 1000 to 100,000.
const iterationLimit = 1_000_000;
const keyLengthLimit = 1_024;

/**
 * The signature for a CHALLENGE, in base64. `extra` is the message's dictionary: `challenge` and, when the secret is
 * stored salted, `salt`, `iterations` (0 or absent: 1000) and `keylen` (0 or absent: 32). The signature is empty when
 * the router asks for another method. Throws `bad_request` for an unreadable challenge.
 */
export async function signChallenge(
  { method, extra }: { method: unknown; extra: unknown },
  secret: string,
): Promise<string> {
  if (method !== authMethod) return "";
  const fields = isDict(extra) ? extra : {};
  const challenge = fields.challenge;
  if (typeof challenge !== "string") reject("challenge", "challenge", { expected: "text", got: challenge });
  const salt = fields.salt;
  if (salt === undefined || salt === null || salt === "") return signWith(secret, challenge);
  if (typeof salt !== "string") reject("challenge", "salt", { expected: "text", got: salt });
  const iterations = readBoundedCount(fields.iterations, {
    path: "iterations",
    standard: 1_000,
    limit: iterationLimit,
  });
  const keyLength = readBoundedCount(fields.keylen, { path: "keylen", standard: 32, limit: keyLengthLimit });
  return signWith(await deriveKey(secret, salt, { iterations, keyLength }), challenge);
}

// Not WebCrypto: for each imported key the runtime keeps more than a kilobyte, up to a thousand times, and a device
// that reconnects all day would import one each time.
function signWith(key: string, challenge: string): string {
  return createHmac("sha256", key).update(challenge).digest("base64");
}

/** Runs on a thread of its own, because a derivation may take seconds. */
function deriveKey(
  secret: string,
  salt: string,
  { iterations, keyLength }: { iterations: number; keyLength: number },
): Promise<string> {
  return new Promise((resolve, reject) =>
    pbkdf2(secret, salt, iterations, keyLength, "sha256", (error, key) => {
      if (error === null) resolve(key.toString("base64"));
      else reject(error);
    })
  );
}

function readBoundedCount(value: unknown, options: { path: string; standard: number; limit: number }): number {
  if (value === undefined || value === null || value === 0) return options.standard;
  const count = readCount(value);
  if (count === undefined) reject("challenge", options.path, { expected: "a whole number", got: value });
  if (count > options.limit) {
    throw new AgentError("bad_request", `Cannot answer challenge: ${options.path} ${count} is above ${options.limit}`);
  }
  return count === 0 ? options.standard : count;
}
