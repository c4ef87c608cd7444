import assert from "node:assert/strict";
import { passingSecretLimit, Secrets } from "../../../lib/log/secrets.ts";

const known: { name: string; secrets: string[]; text: string; shown: string }[] = [
  { name: "no secret", secrets: [], text: "plain text", shown: "plain text" },
  { name: "the secret alone", secrets: ["hunter22"], text: "hunter22", shown: "***" },
  { name: "the secret in a sentence", secrets: ["hunter22"], text: "Got hunter22 from it", shown: "Got *** from it" },
  { name: "the secret at both ends", secrets: ["abcd"], text: "abcd and abcd", shown: "*** and ***" },
  { name: "the secret inside a word", secrets: ["abcd"], text: "xxabcdxx", shown: "xx***xx" },
  { name: "another case", secrets: ["hunter22"], text: "HUNTER22", shown: "HUNTER22" },
  { name: "a secret of four characters", secrets: ["abcd"], text: "abcd abc", shown: "*** abc" },
  { name: "a text too short to be a secret", secrets: ["abc"], text: "abc abcd", shown: "abc abcd" },
  { name: "an empty secret", secrets: [""], text: "text", shown: "text" },
  { name: "a secret that begins another", secrets: ["abcd", "abcdefgh"], text: "abcdefgh abcd", shown: "*** ***" },
  { name: "secrets that overlap", secrets: ["abcdef", "defghi"], text: "abcdefghi!", shown: "***!" },
  { name: "a secret within another", secrets: ["abcdefgh", "cdef"], text: "abcdefgh!", shown: "***!" },
  { name: "a secret that overlaps itself", secrets: ["aaaa"], text: "baaaaaab", shown: "b***b" },
  { name: "two secrets side by side", secrets: ["abcd", "wxyz"], text: "abcdwxyz", shown: "******" },
  { name: "a secret with signs of patterns", secrets: ["a.*(b)+[c"], text: "<a.*(b)+[c>", shown: "<***>" },
  { name: "a secret with quotes", secrets: ['a"b\\c'], text: 'a"b\\c', shown: "***" },
  { name: "a secret inside quoted text", secrets: ['a"b\\c'], text: String.raw`{"x":"a\"b\\c"}`, shown: '{"x":"***"}' },
  {
    name: "a secret inside text that is quoted twice",
    secrets: ['ab"cd'],
    text: JSON.stringify(JSON.stringify({ x: 'ab"cd' })),
    shown: JSON.stringify(JSON.stringify({ x: "***" })),
  },
  { name: "a secret inside a URL", secrets: ["a/b+c=="], text: "/x?y=a%2Fb%2Bc%3D%3D", shown: "/x?y=***" },
  { name: "a secret with a line feed", secrets: ["one\ntwo"], text: "<one\ntwo>", shown: "<***>" },
  { name: "a secret of digits", secrets: ["123456"], text: "pin 1234567", shown: "pin ***7" },
  { name: "a secret beyond ASCII", secrets: ["pässwörd🔑"], text: "x pässwörd🔑 y", shown: "x *** y" },
];

for (const { name, secrets, text, shown } of known) {
  Deno.test(`hide() with ${name}`, () => {
    const hidden = new Secrets();
    for (const secret of secrets) hidden.add(secret);
    assert.equal(hidden.hide(text), shown);
  });
}

Deno.test("hideAndCut() keeps a short text, and appends the length of a long one", () => {
  const secrets = new Secrets();
  assert.equal(secrets.hideAndCut("x".repeat(100), 100), "x".repeat(100));
  assert.equal(secrets.hideAndCut("x".repeat(9_000), 100), `${"x".repeat(100)}… (9000 characters)`);
});

Deno.test("hideAndCut() leaves no part of a secret at the end, wherever it is", () => {
  const secrets = new Secrets();
  const secret = "QWERTZUIOP".repeat(100);
  secrets.add(secret);
  for (let before = 0; before < 300; before += 1) {
    for (const text of [".".repeat(before) + secret + "!".repeat(3_000), ".".repeat(before) + secret.repeat(3)]) {
      assert.doesNotMatch(secrets.hideAndCut(text, 100), /[A-Z]{2}/);
    }
  }
});

Deno.test("hideAndCut() leaves no part of a login at the end", () => {
  for (let before = 0; before < 100; before += 1) {
    const text = `${".".repeat(before)}http://me:QWERTZUIOP@host/${"!".repeat(2_000)}`;
    assert.doesNotMatch(new Secrets().hideAndCut(text, 60), /[A-Z]{2}/);
  }
});

Deno.test("add() forgets the oldest secrets, and never those that are kept", () => {
  const secrets = new Secrets();
  secrets.add("kept for good", { isKept: true });
  secrets.add("passing 1st");
  secrets.add("passing 2nd");
  for (let index = 2; index < passingSecretLimit; index += 1) secrets.add(`token ${index};`);
  assert.equal(secrets.hide("passing 1st, passing 2nd"), "***, ***");
  secrets.add("passing 1st");
  secrets.add("one more");
  assert.equal(secrets.hide("kept for good, passing 1st, passing 2nd, one more"), "***, ***, passing 2nd, ***");
});

Deno.test("add() keeps a secret for good once isKept was set", () => {
  const secrets = new Secrets();
  secrets.add("the secret");
  secrets.add("the secret", { isKept: true });
  secrets.add("the secret");
  for (let index = 0; index <= passingSecretLimit; index += 1) secrets.add(`token ${index};`);
  assert.equal(secrets.hide("the secret"), "***");
});

function addTokens(secrets: Secrets, sign: string): void {
  for (let index = 0; index <= passingSecretLimit; index += 1) secrets.add(`token ${index}${sign}`);
}

Deno.test("replaceOwned() hides the secrets of an owner, and the former ones only while they are among the newest", () => {
  const secrets = new Secrets();
  secrets.replaceOwned("PROD:7", ["first", "second"]);
  secrets.replaceOwned("PROD:8", ["second"]);
  secrets.replaceOwned("PROD:7", ["third"]);
  assert.equal(secrets.hide("first second third"), "*** *** ***");
  for (let index = 0; index <= passingSecretLimit; index += 1) secrets.replaceOwned("PROD:9", [`value ${index};`]);
  assert.equal(secrets.hide("first second third"), "first *** ***");
  secrets.replaceOwned("PROD:8", []);
  assert.equal(secrets.hide("second third"), "*** ***");
  for (let index = 0; index <= passingSecretLimit; index += 1) secrets.replaceOwned("PROD:9", [`value ${index}.`]);
  assert.equal(secrets.hide("second third"), "second ***");
});

Deno.test("#13: tokens push out neither what is owned nor what was, and what was owned no token", () => {
  const secrets = new Secrets();
  secrets.add("the device's secret", { isKept: true });
  secrets.add("the newest token");
  secrets.replaceOwned("app_cred_key", ["the key of credentials"]);
  secrets.replaceOwned("PROD:7", ["the former password"]);
  secrets.replaceOwned("PROD:7", Array.from({ length: 300 }, (_, index) => `value ${index};`));
  secrets.replaceOwned("PROD:7", []);
  assert.equal(secrets.hide("the newest token"), "***");
  addTokens(secrets, ";");
  addTokens(secrets, ".");
  assert.equal(secrets.hide("the device's secret, the key of credentials"), "***, ***");
});

Deno.test("#13: the secrets of an owner are bounded, and many owners do not push out others", () => {
  const secrets = new Secrets();
  secrets.replaceOwned("PROD:1", ["the password"]);
  const startedAt = performance.now();
  for (let index = 2; index < 1_000; index += 1) secrets.replaceOwned(`PROD:${index}`, [`secret ${index};`]);
  const many = Array.from({ length: 100_000 }, (_, index) => `value ${index};`);
  secrets.replaceOwned("PROD:2", many);
  assert.ok(performance.now() - startedAt < 1_000);
  assert.equal(secrets.hide("the password, secret 999; value 0; value 255; value 256;"), "***, *** *** *** value 256;");
  secrets.replaceOwned("PROD:2", ["x".repeat(100_000), "y".repeat(60_000), "z".repeat(60_000), "short"]);
  assert.equal(secrets.hide(`${"y".repeat(60_000)} short`), "*** ***");
  assert.equal(secrets.hide("x".repeat(100_000)).length, 100_000);
});

Deno.test("replaceOwned() counts the newest owners only", () => {
  const secrets = new Secrets();
  for (let index = 0; index < 2_400; index += 1) secrets.replaceOwned(`PROD:${index}`, [`secret ${index};`]);
  assert.equal(secrets.hide("secret 2399; secret 352; secret 10;"), "*** *** secret 10;");
});
