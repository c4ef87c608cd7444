import assert from "node:assert/strict";
import { signChallenge } from "../../../lib/wamp/auth.ts";

const challenge = '{"nonce":"n1","session":123}';
const unsalted = "dhJ1G7rv8EQpyGbIEigBTSBI6o6z0+FXy4MnA8AYXCM=";
const salted = "zBPmhewjJLf91XIUU2wztV7eLEtIu65NGxZixa73nE0=";

const vectors: { name: string; method: unknown; extra: unknown; secret?: string; expected: string }[] = [
  { name: "plain", method: "wampcra", extra: { challenge }, expected: unsalted },
  { name: "an empty salt counts as none", method: "wampcra", extra: { challenge, salt: "" }, expected: unsalted },
  { name: "a null salt counts as none", method: "wampcra", extra: { challenge, salt: null }, expected: unsalted },
  {
    name: "salted",
    method: "wampcra",
    extra: { challenge, salt: "salt123", iterations: 1000, keylen: 32 },
    expected: salted,
  },
  { name: "salted with the standard size", method: "wampcra", extra: { challenge, salt: "salt123" }, expected: salted },
  {
    name: "zero stands for the standard size",
    method: "wampcra",
    extra: { challenge, salt: "salt123", iterations: 0, keylen: 0 },
    expected: salted,
  },
  { name: "another method gets an empty signature", method: "ticket", extra: {}, expected: "" },
  { name: "an unreadable method, too", method: null, extra: null, expected: "" },
];

for (const { name, method, extra, secret, expected } of vectors) {
  Deno.test(`signChallenge(): ${name}`, async () => {
    assert.equal(await signChallenge({ method, extra }, secret ?? "test-secret"), expected);
  });
}

Deno.test("signChallenge() works with an empty secret, as HMAC does", async () => {
  const zero = await signChallenge({ method: "wampcra", extra: { challenge } }, "\0");
  assert.equal(await signChallenge({ method: "wampcra", extra: { challenge } }, ""), zero);
  assert.equal(zero.length, 44);
});

const hostile: { name: string; extra: unknown }[] = [
  { name: "no dictionary", extra: "x" },
  { name: "no challenge", extra: {} },
  { name: "a challenge that is a number", extra: { challenge: 5 } },
  { name: "a salt that is a list", extra: { challenge, salt: ["a"] } },
  { name: "iterations that would take hours", extra: { challenge, salt: "a", iterations: 1e12 } },
  { name: "negative iterations", extra: { challenge, salt: "a", iterations: -1 } },
  { name: "a key length of a gigabyte", extra: { challenge, salt: "a", keylen: 1e9 } },
  { name: "a key length that is text", extra: { challenge, salt: "a", keylen: "many" } },
];

for (const { name, extra } of hostile) {
  Deno.test(`signChallenge() refuses ${name}`, async () => {
    await assert.rejects(signChallenge({ method: "wampcra", extra }, "test-secret"), { code: "bad_request" });
  });
}
