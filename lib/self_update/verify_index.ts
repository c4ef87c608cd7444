/** Decides whether an index may be used: signed by a known key, and not older than one that was used before. */

import { AgentError } from "../base/errors.ts";
import { commentField, readUpdateSignature, type UpdateKey, verifySignature } from "./minisign.ts";
import { readUpdateIndex, type UpdateIndex } from "./update_index.ts";

/** An index and what is known about it. */
export interface OfferedIndex {
  text: string;
  /** The text of `availableVersions.json.minisig`; undefined when there is none. */
  signature: string | undefined;
}

/** An index that may be used, with the number to remember. */
export interface VerifiedIndex extends UpdateIndex {
  number: number;
}

/**
 * The index, if one of the keys has signed it and its number is at least `newestSeen`. An index without a number has
 * the time of its signature instead. Without keys anything is taken, and an index without a number has 0. Throws
 * `untrusted_server` with the reason, and `protocol_error` when something cannot be read.
 */
export async function verifyIndex(
  { text, signature }: OfferedIndex,
  { keys, newestSeen }: { keys: readonly UpdateKey[]; newestSeen: number },
): Promise<VerifiedIndex> {
  const index = readUpdateIndex(text);
  const signedAt = keys.length === 0 ? 0 : await signatureTime(text, { signature, keys });
  const number = index.number ?? signedAt;
  if (number < newestSeen) {
    const what = `the version index has number ${number}, and number ${newestSeen} has been seen`;
    throw new AgentError("untrusted_server", `Cannot use an older index: ${what}`);
  }
  return { ...index, number };
}

async function signatureTime(
  text: string,
  { signature, keys }: { signature: string | undefined; keys: readonly UpdateKey[] },
): Promise<number> {
  if (signature === undefined) {
    throw new AgentError("untrusted_server", "Cannot use the version index: it is not signed");
  }
  const content = { bytes: new TextEncoder().encode(text) };
  const verdict = await verifySignature(readUpdateSignature(signature), { keys, content });
  if (verdict.kind === "bad") {
    throw new AgentError("untrusted_server", `Cannot use the version index: ${verdict.because}`);
  }
  const seconds = Number(commentField(verdict.trustedComment, "timestamp"));
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : 0;
}
