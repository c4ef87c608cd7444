/** Reads minisign's secret keys, with or without a password. */

import { scrypt } from "node:crypto";

/** A key that signs. */
export interface SigningKey {
  /** As minisign prints it: 16 hexadecimal digits in upper case. */
  id: string;
  idBytes: Uint8Array<ArrayBuffer>;
  privateKey: CryptoKey;
  publicBytes: Uint8Array<ArrayBuffer>;
}

/** What encrypts a secret key: the parameters of scrypt. */
interface ScryptCost {
  salt: Uint8Array<ArrayBuffer>;
  opsLimit: number;
  memoryLimit: number;
}

const keyFileBytes = 158;
const payloadAt = 54;
const payloadBytes = 104;

/** What stands before the 32 bytes of an Ed25519 key in the PKCS #8 format. */
const pkcs8Head = Uint8Array.from([0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 34, 4, 32]);

/**
 * Reads the text of a secret key. Throws when it is none, when it has a password and none is given, and when the
 * password is wrong. Deriving the key from a password takes a second and 1 GiB of memory.
 */
export async function readSigningKey(text: string, { password }: { password?: string } = {}): Promise<SigningKey> {
  const lines = text.split("\n").map((line) => line.trim());
  const line = lines.find((line) => line !== "" && !line.startsWith("untrusted comment:")) ?? "";
  const bytes = /^[A-Za-z0-9+/=]{212}$/.test(line)
    ? Uint8Array.from(atob(line), (char) => char.charCodeAt(0))
    : undefined;
  if (bytes?.length !== keyFileBytes) throw new Error("Cannot read the signing key: it is no minisign secret key");
  const decoder = new TextDecoder("latin1");
  const derivation = decoder.decode(bytes.subarray(2, 4));
  const view = new DataView(bytes.buffer);
  const payload = bytes.slice(payloadAt, payloadAt + payloadBytes);
  if (derivation === "Sc") {
    if (!password) throw new Error("Cannot read the signing key: it has a password; set REAGENT_SIGN_PASSWORD");
    const cost = {
      salt: bytes.slice(6, 38),
      opsLimit: Number(view.getBigUint64(38, true)),
      memoryLimit: Number(view.getBigUint64(46, true)),
    };
    const stream = await deriveStream(password, cost);
    for (const [index, byte] of stream.entries()) payload[index] = (payload[index] ?? 0) ^ byte;
  } else if (derivation !== "\0\0") throw new Error("Cannot read the signing key: its encryption is unknown");
  return await importKey(payload);
}

/** The public key inside the secret one must fit it, which it does not after a wrong password. */
async function importKey(payload: Uint8Array<ArrayBuffer>): Promise<SigningKey> {
  const der = new Uint8Array(pkcs8Head.length + 32);
  der.set(pkcs8Head);
  der.set(payload.subarray(8, 40), pkcs8Head.length);
  const privateKey = await crypto.subtle.importKey("pkcs8", der, "Ed25519", true, ["sign"]);
  const { x = "" } = await crypto.subtle.exportKey("jwk", privateKey);
  const stored = btoa(String.fromCharCode(...payload.subarray(40, 72)));
  if (stored.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") !== x) {
    throw new Error("Cannot read the signing key: the password is wrong, or the file is damaged");
  }
  const idBytes = payload.slice(0, 8);
  const id = [...idBytes].reverse().map((byte) => byte.toString(16).padStart(2, "0")).join("").toUpperCase();
  return { id, idBytes, privateKey, publicBytes: payload.slice(40, 72) };
}

function deriveStream(password: string, cost: ScryptCost): Promise<Uint8Array> {
  const { N, r, p } = scryptNumbers(cost);
  const options = { N, r, p, maxmem: 128 * N * r + 128 * r * p + 1_048_576 };
  return new Promise((resolve, reject) => {
    scrypt(password, cost.salt, payloadBytes, options, (error, key) => error ? reject(error) : resolve(key));
  });
}

/** The choice of libsodium's `crypto_pwhash_scryptsalsa208sha256`. */
function scryptNumbers({ opsLimit, memoryLimit }: ScryptCost): { N: number; r: number; p: number } {
  const r = 8;
  const operations = Math.max(opsLimit, 32_768);
  const isCheap = operations < memoryLimit / 32;
  const largest = isCheap ? operations / (r * 4) : memoryLimit / (r * 128);
  let exponent = 1;
  while (exponent < 63 && 2 ** exponent <= largest / 2) exponent += 1;
  const N = 2 ** exponent;
  return { N, r, p: isCheap ? 1 : Math.floor(Math.min(operations / 4 / N, 0x3fff_ffff) / r) };
}
