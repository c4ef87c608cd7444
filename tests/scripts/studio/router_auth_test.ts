import assert from "node:assert/strict";
import { answerHello, isRightSignature, sign } from "../../../scripts/studio/router/auth.ts";

const text = '{"nonce":"n1","session":123}';

Deno.test("sign() returns the known signature without salt", () => {
  assert.equal(sign(text, { secret: "test-secret" }), "dhJ1G7rv8EQpyGbIEigBTSBI6o6z0+FXy4MnA8AYXCM=");
});

Deno.test("sign() returns the known signature with salt", () => {
  const salt = { salt: "salt123", iterations: 1000, keylen: 32 };
  assert.equal(sign(text, { secret: "test-secret", salt }), "zBPmhewjJLf91XIUU2wztV7eLEtIu65NGxZixa73nE0=");
});

Deno.test("answerHello() challenges known users and refuses all others", () => {
  const users = new Map([["12-345", { secret: "s", role: "device" }]]);
  const rows: [object, string][] = [
    [{ authid: "12-345", authmethods: ["wampcra"] }, "challenge"],
    [{ authid: "12-345", authmethods: ["ticket", "wampcra"] }, "challenge"],
    [{ authid: "nobody", authmethods: ["wampcra"] }, "wamp.error.not_authorized"],
    [{ authmethods: ["wampcra"] }, "wamp.error.not_authorized"],
    [{ authid: 5, authmethods: ["wampcra"] }, "wamp.error.not_authorized"],
    [{ authid: "12-345", authmethods: ["magic", "wampcra"] }, "wamp.error.not_authorized"],
    [{ authid: "12-345", authmethods: [] }, "wamp.error.no_auth_method"],
    [{ authid: "12-345", authmethods: "wampcra" }, "wamp.error.no_auth_method"],
    [{ authid: "12-345" }, "wamp.error.no_auth_method"],
    [{ authid: "constructor", authmethods: ["wampcra"] }, "wamp.error.not_authorized"],
  ];
  for (const [details, expected] of rows) {
    const answer = answerHello({ ...details }, { users, sessionId: 7 });
    assert.equal(answer.kind === "denied" ? answer.reason : answer.kind, expected, JSON.stringify(details));
  }
});

Deno.test("isRightSignature() accepts only the correct signature", () => {
  const users = new Map([["a", { secret: "s" }]]);
  const answer = answerHello({ authid: "a", authmethods: ["wampcra"] }, { users, sessionId: 7 });
  assert.ok(answer.kind === "challenge");
  const { pending } = answer;
  assert.equal(isRightSignature(pending, sign(String(pending.extra.challenge), { secret: "s" })), true);
  assert.equal(isRightSignature(pending, sign(String(pending.extra.challenge), { secret: "t" })), false);
  for (const wrong of ["", "x", "ä".repeat(22), pending.signature.slice(1)]) {
    assert.equal(isRightSignature(pending, wrong), false, wrong);
  }
});
