import assert from "node:assert/strict";
import { answerHello, isRightSignature, sign, Strangers } from "../../../scripts/studio/router/auth.ts";

const strangers = new Strangers();
const text = '{"nonce":"n1","session":123}';

Deno.test("sign() returns the known signature without salt", () => {
  assert.equal(sign(text, { secret: "test-secret" }), "dhJ1G7rv8EQpyGbIEigBTSBI6o6z0+FXy4MnA8AYXCM=");
});

Deno.test("sign() returns the known signature with salt", () => {
  const salt = { salt: "salt123", iterations: 1000, keylen: 32 };
  assert.equal(sign(text, { secret: "test-secret", salt }), "zBPmhewjJLf91XIUU2wztV7eLEtIu65NGxZixa73nE0=");
});

Deno.test("answerHello() challenges who names himself and refuses the rest", () => {
  const users = new Map([["12-345", { secret: "s", role: "device" }]]);
  const rows: [object, string][] = [
    [{ authid: "12-345", authmethods: ["wampcra"] }, "challenge"],
    [{ authid: "12-345", authmethods: ["ticket", "wampcra"] }, "challenge"],
    [{ authid: "nobody", authmethods: ["wampcra"] }, "challenge"],
    [{ authmethods: ["wampcra"] }, "wamp.error.not_authorized"],
    [{ authid: 5, authmethods: ["wampcra"] }, "wamp.error.not_authorized"],
    [{ authid: "12-345", authmethods: ["magic", "wampcra"] }, "wamp.error.not_authorized"],
    [{ authid: "12-345", authmethods: [] }, "wamp.error.no_auth_method"],
    [{ authid: "12-345", authmethods: "wampcra" }, "wamp.error.no_auth_method"],
    [{ authid: "12-345" }, "wamp.error.no_auth_method"],
    [{ authid: "constructor", authmethods: ["wampcra"] }, "challenge"],
  ];
  for (const [details, expected] of rows) {
    const answer = answerHello({ ...details }, { users, sessionId: 7, strangers });
    assert.equal(answer.kind === "denied" ? answer.reason : answer.kind, expected, JSON.stringify(details));
  }
});

Deno.test("isRightSignature() accepts only the correct signature", () => {
  const users = new Map([["a", { secret: "s" }]]);
  const answer = answerHello({ authid: "a", authmethods: ["wampcra"] }, { users, sessionId: 7, strangers });
  assert.ok(answer.kind === "challenge");
  const { pending } = answer;
  assert.equal(isRightSignature(pending, sign(String(pending.extra.challenge), { secret: "s" })), true);
  assert.equal(isRightSignature(pending, sign(String(pending.extra.challenge), { secret: "t" })), false);
  for (const wrong of ["", "x", "ä".repeat(22), pending.signature.slice(1)]) {
    assert.equal(isRightSignature(pending, wrong), false, wrong);
  }
});

Deno.test("#15: somebody unknown is challenged like everybody else, always in the same way, and never right", () => {
  const users = new Map([["12-345", { secret: "s", role: "device" }], ["7", { secret: "t", role: "account" }]]);
  const ask = (authid: string) => {
    const answer = answerHello({ authid, authmethods: ["wampcra"] }, { users, sessionId: 7, strangers });
    assert.ok(answer.kind === "challenge");
    return answer.pending;
  };
  const shapes = ["12-345", "7", "12-999", "8"].map((authid) => {
    const { extra } = ask(authid);
    const { authid: named, ...rest } = JSON.parse(String(extra.challenge));
    assert.equal(named, authid);
    return [
      Object.keys(extra),
      Object.entries(rest).map(([name, value]) => [name, typeof value, String(value).length]),
    ];
  });
  for (const shape of shapes) assert.deepEqual(shape, shapes[0]);
  assert.notEqual(users.get("8"), ask("8").user);
  assert.equal(ask("8").signature.length, ask("7").signature.length);
});

Deno.test("#15: among salted users somebody unknown is salted as well, each time with the same salt", () => {
  const salt = { salt: "salt123", iterations: 1000, keylen: 32 };
  const users = new Map([["a", { secret: "s", salt }]]);
  const saltOf = (authid: string) => {
    const answer = answerHello({ authid, authmethods: ["wampcra"] }, { users, sessionId: 7, strangers });
    assert.ok(answer.kind === "challenge");
    const { challenge: _, ...rest } = answer.pending.extra;
    return rest;
  };
  assert.deepEqual(saltOf("a"), salt);
  assert.deepEqual(saltOf("b"), saltOf("b"));
  assert.notEqual(saltOf("b").salt, saltOf("c").salt);
  assert.deepEqual({ ...saltOf("b"), salt: "" }, { ...salt, salt: "" });
  assert.equal(String(saltOf("b").salt).length, salt.salt.length);
});
