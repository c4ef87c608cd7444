/** Answers the router's WAMP-CRA challenge: HMAC-SHA256 over the challenge, plain or with a key derived by PBKDF2. */

import { createHmac, pbkdf2 } from "node:crypto";
import { AgentError } from "../base/errors.ts";
import { isDict, readCount, reject } from "../base/json.ts";

/** The one authentication method that we offer. */
export const authMethod = "wampcra";

/** The text of a refused signature, as routers send it; a link that sees it gives up for good. */
export const rejectedSignatureText = "WAMP-CRA client signature is invalid";

// A router that asks for more would keep a small device busy for minutes; real ones use 1000 to 100,000.
const iterationLimit = 1_000_000;
const keyLengthLimit = 1_024;

/**
 * The signature for a CHALLENGE: base64 text. `extra` is the message's dictionary: `challenge` and, when the secret is
 * stored salted, `salt`, `iterations` (0 or absent: 1000) and `keylen` (0 or absent: 32). A challenge for another method
 * is answered with an empty signature. Throws `bad_request` for an unreadable challenge.
 */
export async function signChallenge(method: unknown, extra: unknown, secret: string): Promise<string> {
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

// Not WebCrypto: with each key that it imports the runtime keeps more than a kilobyte, up to a thousand times, and a device that
// reconnects all day imports one each time.
function signWith(key: string, challenge: string): string {
  return createHmac("sha256", key).update(challenge).digest("base64");
}

/** Beside the program: a derivation may take seconds. */
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
