/** Looks at the executables in a store: which there are, and whether they are whole. */

import { createHash } from "node:crypto";
import { readUpdateSignature, type UpdateKey, verifySignature } from "../../lib/self_update/minisign.ts";
import { executablePath, readExecutablePath } from "./layout.ts";
import { readSmall, type ReleaseStore } from "./release_store.ts";

/** The platforms of each version in the store. */
export async function readStaged(store: ReleaseStore): Promise<Map<string, Set<string>>> {
  const staged = new Map<string, Set<string>>();
  for (const path of await store.list("")) {
    const found = readExecutablePath(path);
    if (found === undefined) continue;
    const platforms = staged.get(found.version) ?? new Set();
    platforms.add(found.platform);
    staged.set(found.version, platforms);
  }
  return staged;
}

/**
 * Reads an executable and compares it with its checksum, and with its signature when there are keys. Throws when it is
 * not what was built.
 */
export async function checkStaged(
  store: ReleaseStore,
  { platform, version, keys }: { platform: string; version: string; keys: readonly UpdateKey[] },
): Promise<void> {
  const path = executablePath(platform, version);
  const stream = await store.read(path);
  if (stream === undefined) throw new Error(`${store.name} has no ${path}`);
  const [sha256, blake2b512] = [createHash("sha256"), createHash("blake2b512")];
  for await (const block of stream) {
    sha256.update(block);
    blake2b512.update(block);
  }
  const wanted = (await readSmall(store, `${path}.sha256`))?.trim();
  if (wanted !== sha256.digest("hex")) throw new Error(`${store.name}: ${path} does not have its checksum`);
  if (keys.length === 0) return;
  const signature = await readSmall(store, `${path}.minisig`);
  if (signature === undefined) throw new Error(`${store.name}: ${path} is not signed`);
  const content = { blake2b512: new Uint8Array(blake2b512.digest()) };
  const verdict = await verifySignature(readUpdateSignature(signature), { keys, content });
  if (verdict.kind === "bad") throw new Error(`${store.name}: ${path} has a bad signature: ${verdict.because}`);
}
