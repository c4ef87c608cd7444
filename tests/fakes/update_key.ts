/** A key that signs updates in tests. */

import type { SigningKey } from "../../scripts/signing/secret_key.ts";

/** A new key, and its public half as `REAGENT_UPDATE_KEY` takes it. */
export async function makeUpdateKey(): Promise<{ key: SigningKey; publicText: string }> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const idBytes = crypto.getRandomValues(new Uint8Array(8));
  const publicBytes = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  const id = [...idBytes].reverse().map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase();
  const line = btoa(String.fromCharCode(...new TextEncoder().encode("Ed"), ...idBytes, ...publicBytes));
  return { key: { id, idBytes, privateKey, publicBytes }, publicText: `untrusted comment: for tests\n${line}\n` };
}
