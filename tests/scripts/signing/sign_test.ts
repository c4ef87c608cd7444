// box
/** Signatures of ours against Debian's minisign, in both directions. */

import assert from "node:assert/strict";
import { readUpdateKeys, readUpdateSignature, verifySignature } from "../../../lib/self_update/minisign.ts";
import { readSigningKey } from "../../../scripts/signing/secret_key.ts";
import { signContent } from "../../../scripts/signing/sign.ts";
import { makeMinisignKeys, minisignProblem, signWithMinisign } from "./minisign_keys.ts";

async function makePlace() {
  const folder = await Deno.makeTempDir({ prefix: "reagent-sign-" });
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

const content = new TextEncoder().encode("the agent ".repeat(1_000));
const fields = { timestamp: 1_796_083_200, file: "reagent-linux-amd64", version: "0.21.0" };

Deno.test("minisign takes our signatures, by keys with and without a password", async () => {
  await using place = await makePlace();
  const file = `${place.folder}/agent`;
  for (const password of [undefined, "let me sign"]) {
    const keys = await makeMinisignKeys(place.folder, { password });
    const text = await Deno.readTextFile(keys.secretFile);
    if (password !== undefined) await assert.rejects(readSigningKey(text), { message: /set REAGENT_SIGN_PASSWORD$/ });
    const key = await readSigningKey(text, { password });
    await Deno.writeFile(file, content);
    await Deno.writeTextFile(`${file}.minisig`, await signContent(content, { key, fields }));
    assert.equal(await minisignProblem(file, keys), undefined);
    await Deno.writeTextFile(file, "x", { append: true });
    assert.match(await minisignProblem(file, keys) ?? "", /Signature verification failed/);
    const [known] = readUpdateKeys(await Deno.readTextFile(keys.publicFile));
    assert.equal(known?.id, key.id);
  }
});

Deno.test("a signing key without its password, or a damaged one, is an error that says so", async () => {
  await using place = await makePlace();
  const keys = await makeMinisignKeys(place.folder);
  const text = await Deno.readTextFile(keys.secretFile);
  const [comment, line = ""] = text.split("\n");
  const bytes = Uint8Array.from(atob(line), (char) => char.charCodeAt(0));
  const changed = (at: number, value: number) => {
    const copy = bytes.slice();
    copy[at] = value;
    return `${comment}\n${btoa(String.fromCharCode(...copy))}\n`;
  };
  await assert.rejects(readSigningKey(changed(100, (bytes[100] ?? 0) ^ 1)), { message: /or the file is damaged$/ });
  await assert.rejects(readSigningKey(changed(2, 0x53)), { message: /its encryption is unknown$/ });
  for (const wrong of ["", "x", await Deno.readTextFile(keys.publicFile)]) {
    await assert.rejects(readSigningKey(wrong), { message: /it is no minisign secret key/ });
  }
});

Deno.test("verifySignature() takes what minisign has signed, in both forms, and nothing that was changed", async () => {
  await using place = await makePlace();
  const keys = await makeMinisignKeys(place.folder);
  const other = await makeMinisignKeys(place.folder, { name: "other" });
  const file = `${place.folder}/agent`;
  await Deno.writeFile(file, content);
  const known = readUpdateKeys(await Deno.readTextFile(keys.publicFile));
  const foreign = readUpdateKeys(await Deno.readTextFile(other.publicFile));
  for (const options of [[], ["-l"], ["-t", "file:x\tnumber:7"]]) {
    await signWithMinisign(file, { keys, options });
    const text = await Deno.readTextFile(`${file}.minisig`);
    const judge = (changed: { text?: string; bytes?: Uint8Array<ArrayBuffer>; keys?: typeof known }) =>
      verifySignature(readUpdateSignature(changed.text ?? text), {
        keys: changed.keys ?? known,
        content: { bytes: changed.bytes ?? content },
      }).then((verdict) => verdict.kind === "good" ? "good" : verdict.because);
    assert.equal(await judge({}), "good");
    assert.equal(await judge({ keys: [...foreign, ...known] }), "good", "keys can be rotated");
    assert.match(await judge({ keys: foreign }), /^It is signed with key [0-9A-F]{16}, and the known keys are: /);
    assert.match(await judge({ keys: [] }), /known keys are: none$/);
    assert.equal(await judge({ bytes: content.slice(1) }), "The content is not what was signed");
    const forged = text.replace(/^trusted comment: .*$/m, "trusted comment: timestamp:9999999999");
    assert.equal(await judge({ text: forged }), "The trusted comment is not what was signed");
    assert.equal(await judge({ text: text.replaceAll("\n", "\r\n") }), "good");
  }
});
