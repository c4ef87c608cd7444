/** Decides whether an executable is what the publisher has made. */

import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ContentDigests } from "../files/download_partial.ts";
import { fetchOptionalText } from "./fetch_text.ts";
import { commentField, readUpdateSignature, type UpdateKey, verifySignature } from "./minisign.ts";

/** What an executable is held against. */
export interface ReleaseProof {
  version: string;
  /** Undefined when the server has none that can be read; then there is a signature. */
  sha256: string | undefined;
  /** The text of the `.minisig`; undefined when there are no keys. */
  signature: string | undefined;
  keys: readonly UpdateKey[];
}

/**
 * Fetches checksum and signature of the executable at `url`. With keys there must be a signature, without keys a
 * checksum. Throws `untrusted_server` when it is missing, and as `fetchText()`.
 */
export async function fetchProof(
  url: string,
  { version, keys, log }: { version: string; keys: readonly UpdateKey[]; log: Log },
  signal: AbortSignal,
): Promise<ReleaseProof> {
  const sha256 = readChecksum(await fetchOptionalText(`${url}.sha256`, signal) ?? "");
  if (keys.length === 0) {
    if (sha256 === undefined) {
      throw refusedRelease(version, "it has no checksum, and this agent has no key for a signature");
    }
    log.warn("This agent has no update key: the update is verified by its checksum only", { version });
    return { version, sha256, signature: undefined, keys };
  }
  const signature = await fetchOptionalText(`${url}.minisig`, signal);
  if (signature === undefined) throw refusedRelease(version, "it is not signed");
  if (sha256 === undefined) log.warn("An update has no checksum; its signature counts", { version });
  return { version, sha256, signature, keys };
}

/** Throws `untrusted_server` with the reason unless the content is what the proof says. */
export async function assertRelease(content: ContentDigests, proof: ReleaseProof): Promise<void> {
  const { version, sha256, signature, keys } = proof;
  if (sha256 !== undefined && sha256 !== content.sha256) {
    throw refusedRelease(version, `its checksum is ${content.sha256}, and ${sha256} was published`);
  }
  if (signature === undefined) return;
  const verdict = await verifySignature(readUpdateSignature(signature), { keys, content });
  if (verdict.kind === "bad") throw refusedRelease(version, verdict.because);
  const signed = commentField(verdict.trustedComment, "version");
  // An older executable, with its own good signature, must not be offered as a newer one.
  if (signed !== undefined && signed !== version) throw refusedRelease(version, `it is signed as version ${signed}`);
}

/** The first word of a `.sha256` file in lower case; undefined when that is none. Pure. */
export function readChecksum(text: string): string | undefined {
  const word = text.trim().split(/\s+/)[0]?.toLowerCase() ?? "";
  return /^[0-9a-f]{64}$/.test(word) ? word : undefined;
}

function refusedRelease(version: string, because: string): AgentError {
  return new AgentError("untrusted_server", `Refused version ${version}: ${because}`);
}
