/**
 * Reads minisign's public keys and signatures and verifies them: Ed25519 over the BLAKE2b-512 digest of the content,
 * or, in the older form, over the content itself. The trusted comment is signed too.
 */

import { AgentError } from "../base/errors.ts";
import { show } from "../base/json.ts";

/** Bytes as the runtime's cryptography takes them. */
type Bytes = Uint8Array<ArrayBuffer>;

/** A key that signatures are verified with. */
export interface UpdateKey {
  /** As minisign prints it: 16 hexadecimal digits in upper case. */
  id: string;
  bytes: Bytes;
}

/** A signature as it was read; nothing of it is trusted yet. */
export interface UpdateSignature {
  keyId: string;
  /** False for the older form, which only fits content that is in memory. */
  isHashed: boolean;
  bytes: Bytes;
  trustedComment: string;
  /** Over the signature and the trusted comment. */
  commentBytes: Bytes;
}

/** What was signed: the content, or its BLAKE2b-512 digest. */
export type SignedContent = { bytes: Bytes } | { blake2b512: Bytes };

/** The result of a verification. Nothing of a signature that is not good may be used. */
export type SignatureVerdict =
  | { kind: "good"; keyId: string; trustedComment: string }
  | { kind: "bad"; because: string };

const keyBytes = 42;
const signatureBytes = 74;
const commentSignatureBytes = 64;

/** Signatures and keys have a few hundred characters. */
const signatureLimitChars = 16_384;

const untrusted = "untrusted comment:";
const trusted = "trusted comment: ";

/**
 * The public keys in a text: one or more lines of base64; comments and empty lines are skipped, and a key that stands
 * there twice counts once. Throws `config_broken` with the number of a line that is neither.
 */
export function readUpdateKeys(text: string): UpdateKey[] {
  const keys = new Map<string, UpdateKey>();
  for (const [index, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith(untrusted)) continue;
    const bytes = decodeBase64(trimmed, keyBytes);
    if (bytes === undefined || algorithmOf(bytes) !== "Ed") {
      const seen = show(trimmed);
      throw new AgentError(
        "config_broken",
        `Cannot read update keys: line ${index + 1} is no minisign key, got ${seen}`,
      );
    }
    keys.set(trimmed, { id: idOf(bytes), bytes: bytes.slice(10) });
  }
  return [...keys.values()];
}

/** Reads the text of a `.minisig` file. Throws `protocol_error` when it is none. */
export function readUpdateSignature(text: string): UpdateSignature {
  const lines = text.slice(0, signatureLimitChars).split("\n").map((line) => line.replace(/\r$/, ""));
  const [first = "", second = "", third = "", fourth = ""] = lines;
  const refuse = (what: string) =>
    new AgentError("protocol_error", `Cannot read signature: ${what}, got ${show(text)}`);
  if (!first.startsWith(untrusted)) throw refuse("it must begin with an untrusted comment");
  const bytes = decodeBase64(second.trim(), signatureBytes);
  const algorithm = bytes === undefined ? "" : algorithmOf(bytes);
  if (bytes === undefined || !["Ed", "ED"].includes(algorithm)) throw refuse("its second line must be a signature");
  if (!third.startsWith(trusted)) throw refuse("its third line must be a trusted comment");
  const commentBytes = decodeBase64(fourth.trim(), commentSignatureBytes);
  if (commentBytes === undefined) throw refuse("its fourth line must sign the trusted comment");
  return {
    keyId: idOf(bytes),
    isHashed: algorithm === "ED",
    bytes: bytes.slice(10),
    trustedComment: third.slice(trusted.length),
    commentBytes,
  };
}

/** Verifies a signature with the key that it names. With several keys, each is as good as the others. */
export async function verifySignature(
  signature: UpdateSignature,
  options: { keys: readonly UpdateKey[]; content: SignedContent },
): Promise<SignatureVerdict> {
  const { keyId, trustedComment } = signature;
  const named = options.keys.filter(({ id }) => id === keyId);
  if (named.length === 0) {
    const known = options.keys.map(({ id }) => id).join(", ") || "none";
    return { kind: "bad", because: `It is signed with key ${keyId}, and the known keys are: ${known}` };
  }
  const message = await signedMessage(signature, options.content);
  if (message === undefined) return { kind: "bad", because: "The signature has the older form, without a digest" };
  const comment = Uint8Array.from([...signature.bytes, ...new TextEncoder().encode(trustedComment)]);
  for (const { bytes } of named) {
    if (!await isSigned(message, { key: bytes, signature: signature.bytes })) continue;
    if (await isSigned(comment, { key: bytes, signature: signature.commentBytes })) {
      return { kind: "good", keyId, trustedComment };
    }
    return { kind: "bad", because: "The trusted comment is not what was signed" };
  }
  return { kind: "bad", because: "The content is not what was signed" };
}

/** The value of a field in a trusted comment, which is a list of `name:value` with tabs between them. */
export function commentField(trustedComment: string, name: string): string | undefined {
  const field = trustedComment.split("\t").find((part) => part.startsWith(`${name}:`));
  return field?.slice(name.length + 1);
}

async function signedMessage({ isHashed }: UpdateSignature, content: SignedContent): Promise<Bytes | undefined> {
  if (!isHashed) return "bytes" in content ? content.bytes : undefined;
  if ("blake2b512" in content) return content.blake2b512;
  const { createHash } = await import("node:crypto");
  return new Uint8Array(createHash("blake2b512").update(content.bytes).digest());
}

async function isSigned(message: Bytes, { key, signature }: { key: Bytes; signature: Bytes }): Promise<boolean> {
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return await crypto.subtle.verify("Ed25519", imported, signature, message);
}

function decodeBase64(text: string, byteCount: number): Bytes | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return bytes.length === byteCount ? bytes : undefined;
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

function algorithmOf(bytes: Bytes): string {
  return new TextDecoder().decode(bytes.subarray(0, 2));
}

/** Eight bytes, of which minisign prints the last one first. */
function idOf(bytes: Bytes): string {
  return [...bytes.subarray(2, 10)].reverse().map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase();
}
