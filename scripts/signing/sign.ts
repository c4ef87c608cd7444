/** Signs files as `minisign -S` does, so that minisign and agents can verify them. */

import { createHash } from "node:crypto";
import type { SigningKey } from "./secret_key.ts";

/** What a signature says about the file, in its trusted comment. */
export interface SignedFields {
  /** Seconds since 1970. */
  timestamp: number;
  file: string;
  /** The version of an agent. */
  version?: string;
}

/** The text of a `.minisig` for the content of a file, which is read block by block. */
export async function signContent(
  content: ReadableStream<Uint8Array> | Uint8Array,
  { key, fields }: { key: SigningKey; fields: SignedFields },
): Promise<string> {
  const hash = createHash("blake2b512");
  if (content instanceof Uint8Array) hash.update(content);
  else for await (const block of content) hash.update(block);
  const signature = await signBytes(new Uint8Array(hash.digest()), key);
  const { timestamp, file, version } = fields;
  const parts = [`timestamp:${timestamp}`, `file:${file}`, ...(version === undefined ? [] : [`version:${version}`])];
  const comment = [...parts, "hashed"].join("\t");
  const commentBytes = new TextEncoder().encode(comment);
  const commentSignature = await signBytes(Uint8Array.from([...signature, ...commentBytes]), key);
  return [
    `untrusted comment: signature of reagent, key ${key.id}`,
    base64([...new TextEncoder().encode("ED"), ...key.idBytes, ...signature]),
    `trusted comment: ${comment}`,
    base64([...commentSignature]),
    "",
  ].join("\n");
}

async function signBytes(bytes: Uint8Array<ArrayBuffer>, { privateKey }: SigningKey): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, bytes));
}

function base64(bytes: readonly number[]): string {
  return btoa(String.fromCharCode(...bytes));
}
