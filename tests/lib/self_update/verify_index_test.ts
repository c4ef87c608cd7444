import assert from "node:assert/strict";
import { updateKeysOf } from "../../../lib/self_update/built_in_keys.ts";
import { readUpdateKeys, readUpdateSignature } from "../../../lib/self_update/minisign.ts";
import { verifyIndex } from "../../../lib/self_update/verify_index.ts";
import { signContent } from "../../../scripts/signing/sign.ts";

/** A key as minisign's files have it, made here so that the test needs no program. */
async function makeKey(first: number) {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("no pair");
  const idBytes = Uint8Array.from([first, 2, 3, 4, 5, 6, 7, 8]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const line = btoa(String.fromCharCode(0x45, 0x64, ...idBytes, ...raw));
  const [known] = readUpdateKeys(`untrusted comment: x\n${line}\n`);
  if (known === undefined) throw new Error("no key");
  return { key: { id: known.id, idBytes, privateKey: pair.privateKey, publicBytes: raw }, known, line };
}

const numbered = '{"all":"0.22.0","index.number":"2000"}';
const plain = '{"all":"0.22.0"}';

async function sign(text: string, { key }: Awaited<ReturnType<typeof makeKey>>, timestamp = 1_000): Promise<string> {
  const fields = { timestamp, file: "availableVersions.json" };
  return await signContent(new TextEncoder().encode(text), { key, fields });
}

Deno.test("verifyIndex() takes what is signed, and nothing older than what was seen", async () => {
  const own = await makeKey(1);
  const keys = [own.known];
  const signature = await sign(numbered, own);
  const index = await verifyIndex({ text: numbered, signature }, { keys, newestSeen: 0 });
  assert.deepEqual([index.number, index.channels.get("all")], [2_000, { version: "0.22.0" }]);
  await verifyIndex({ text: numbered, signature }, { keys, newestSeen: 2_000 });
  await assert.rejects(verifyIndex({ text: numbered, signature }, { keys, newestSeen: 2_001 }), {
    code: "untrusted_server",
    message: "Cannot use an older index: the version index has number 2000, and number 2001 has been seen",
  });
});

Deno.test("an index without a number has the time of its signature", async () => {
  const own = await makeKey(1);
  const keys = [own.known];
  const signature = await sign(plain, own, 1_500);
  assert.equal((await verifyIndex({ text: plain, signature }, { keys, newestSeen: 1_500 })).number, 1_500);
  await assert.rejects(verifyIndex({ text: plain, signature }, { keys, newestSeen: 1_501 }), {
    code: "untrusted_server",
  });
});

Deno.test("verifyIndex() refuses what no known key has signed", async () => {
  const [own, other] = [await makeKey(1), await makeKey(2)];
  const keys = [own.known];
  const good = await sign(plain, own);
  const rows: [name: string, text: string, signature: string | undefined, code: string][] = [
    ["no signature", plain, undefined, "untrusted_server"],
    ["another key", plain, await sign(plain, other), "untrusted_server"],
    ["other content", plain.replace("22", "23"), good, "untrusted_server"],
    ["white space", `${plain}\n`, good, "untrusted_server"],
    ["another comment", plain, good.replace("timestamp:1000", "timestamp:9000"), "untrusted_server"],
    ["an error page", plain, "<html>404</html>", "protocol_error"],
    ["an empty file", plain, "", "protocol_error"],
    ["half a file", plain, good.slice(0, good.length / 2), "protocol_error"],
  ];
  for (const [name, text, signature, code] of rows) {
    await assert.rejects(verifyIndex({ text, signature }, { keys, newestSeen: 0 }), { code }, name);
  }
});

Deno.test("with several keys each one counts, so that keys can be rotated", async () => {
  const [old, next] = [await makeKey(1), await makeKey(2)];
  const keys = [old.known, next.known];
  for (const one of [old, next]) {
    await verifyIndex({ text: plain, signature: await sign(plain, one) }, { keys, newestSeen: 0 });
  }
});

Deno.test("without keys anything is taken, but nothing older", async () => {
  const options = { keys: [], newestSeen: 2_000 };
  assert.equal((await verifyIndex({ text: numbered, signature: undefined }, options)).number, 2_000);
  await assert.rejects(verifyIndex({ text: plain, signature: undefined }, options), { code: "untrusted_server" });
});

Deno.test("updateKeysOf() takes keys from the environment where none are built in", async () => {
  const [own, other] = [await makeKey(1), await makeKey(2)];
  const from = (text: string | undefined) =>
    updateKeysOf({ get: (name) => name === "REAGENT_UPDATE_KEY" ? text : undefined });
  assert.deepEqual(from(undefined), []);
  assert.deepEqual(from(""), []);
  assert.deepEqual(from(`untrusted comment: a\n${own.line}\n\n# b\n${other.line}`), [own.known, other.known]);
  assert.throws(() => from("c2VjcmV0"), { code: "config_broken", message: /^Cannot read update keys: line 1 is no/ });
});

Deno.test("readUpdateSignature() refuses hostile text with an error of its own", () => {
  for (
    const text of ["\0", "untrusted comment:", "untrusted comment: x\n!!\ntrusted comment: y\n", "a".repeat(1_000_000)]
  ) {
    assert.throws(() => readUpdateSignature(text), { code: "protocol_error" });
  }
});
