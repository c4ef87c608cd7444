/** Cases of the router contract: joining, GOODBYE, and frames that break the protocol. */

import assert from "node:assert/strict";
import { accounts, type RouterCase } from "./router_fixture.ts";
import { allRoles, answerChallenge, numberAt } from "./raw_peer.ts";

const missingUser = { authid: "nobody", secret: "x" };

/** Frames that make a router close the connection. Crossbar.io uses code 1011 for invalid URIs, 1002 for the rest. */
const malformedFrames: Readonly<Record<string, string>> = {
  "text that is not JSON": "nojson",
  "truncated JSON": '[48,1,{},"a.b"',
  "a dict instead of a list": "{}",
  "an empty list": "[]",
  "an unknown type": "[999]",
  "a type that is text": '["x"]',
  "a CALL without a procedure": "[48,1,{}]",
  "a request id that is text": '[48,"x",{},"a.b"]',
  "a negative request id": '[48,-1,{},"a.b"]',
  "a request id that is a fraction": '[48,1.5,{},"a.b"]',
  "options that are a list": '[48,1,[],"a.b"]',
  "args that are a number": '[48,1,{},"a.b",5]',
  "kwargs that are a number": '[48,1,{},"a.b",[],5]',
  "a procedure that is a number": "[48,1,{},5]",
  "a procedure with an empty part": '[48,1,{},"a..b"]',
  "a procedure with a space": '[48,1,{},"a b"]',
  "a REGISTER with an empty part": '[64,1,{},"a..b"]',
  "a PUBLISH with an empty part": '[16,1,{},"a..b"]',
  "an unknown match policy": '[32,1,{"match":"foo"},"a.b"]',
  "an unknown cancel mode": '[49,77,{"mode":"foo"}]',
  "a timeout that is text": '[48,1,{"timeout":"x"},"a.b"]',
  "a message that only routers send": "[50,1,{}]",
  "an INTERRUPT": "[69,1,{}]",
  "an ERROR to a call": '[8,48,1,{},"a.b"]',
  "an AUTHENTICATE when joined": '[5,"x",{}]',
  "an ABORT when joined": '[3,{},"x.y"]',
  "a GOODBYE without a reason": "[6]",
  "two messages in one frame": '[48,5,{},"a.b"]\n[48,6,{},"a.b"]',
};

/** The cases of this file. */
export const joinCases: RouterCase[] = [
  {
    name: "a client with the right secret is welcomed with its identity and the router's roles",
    async run(fixture) {
      const peer = await fixture.open();
      const [code, id, details] = await peer.join(accounts.device);
      assert.equal(code, 2);
      assert.ok(Number.isSafeInteger(id) && Number(id) > 0);
      const { realm, authid, authrole, authmethod, authprovider, roles } = Object(details);
      assert.deepEqual({ realm, authid, authrole, authmethod, authprovider }, {
        realm: "realm1",
        authid: "12-345",
        authrole: "device",
        authmethod: "wampcra",
        authprovider: "static",
      });
      assert.equal(roles.broker.features.pattern_based_subscription, true);
      assert.equal(roles.dealer.features.caller_identification, true);
    },
  },
  {
    name: "the challenge names the user, and differs every time",
    async run(fixture) {
      const hello = [1, "realm1", { authid: "12-345", authmethods: ["wampcra"], roles: allRoles }];
      const [first, second] = [await (await fixture.open()).ask(hello), await (await fixture.open()).ask(hello)];
      assert.deepEqual([first[0], first[1]], [4, "wampcra"]);
      const text = JSON.parse(Object(first[2]).challenge);
      assert.equal(text.authid, "12-345");
      assert.equal(text.authmethod, "wampcra");
      assert.ok(Number.isSafeInteger(text.session));
      assert.notEqual(Object(first[2]).challenge, Object(second[2]).challenge);
    },
  },
  {
    name: "a wrong secret ends with ABORT and the text agents look for",
    async run(fixture) {
      const peer = await fixture.open();
      const last = await peer.join({ ...accounts.device, secret: "wrong" });
      assert.deepEqual(last, [3, { message: "WAMP-CRA client signature is invalid" }, "wamp.error.not_authorized"]);
    },
  },
  {
    name: "an empty signature is refused",
    async run(fixture) {
      const peer = await fixture.open();
      await peer.ask([1, "realm1", { authid: "12-345", authmethods: ["wampcra"], roles: allRoles }]);
      const last = await peer.ask([5, "", {}]);
      assert.deepEqual(last, [3, { message: "WAMP-CRA client signature is invalid" }, "wamp.error.not_authorized"]);
    },
  },
  {
    name: "an unknown authid ends with ABORT",
    async run(fixture) {
      const last = await (await fixture.open()).join(missingUser);
      assert.deepEqual([last[0], last[2]], [3, "wamp.error.not_authorized"]);
    },
  },
  {
    name: "an unknown authid is answered like a wrong secret",
    async run(fixture) {
      const last = await (await fixture.open()).join(missingUser);
      assert.deepEqual(last, await (await fixture.open()).join({ ...accounts.device, secret: "wrong" }));
    },
  },
  {
    name: "an unknown realm ends with ABORT",
    async run(fixture) {
      const last = await (await fixture.open()).join(accounts.device, { realm: "elsewhere" });
      assert.deepEqual(last, [
        3,
        { message: 'no realm "elsewhere" exists on this router' },
        "wamp.error.no_such_realm",
      ]);
    },
  },
  {
    name: "a salted user gets the salt and joins with the derived key",
    async run(fixture) {
      const peer = await fixture.open();
      const challenge = await peer.ask([1, "realm1", { authid: "salted", authmethods: ["wampcra"], roles: allRoles }]);
      const { salt, iterations, keylen } = Object(challenge[2]);
      assert.deepEqual({ salt, iterations, keylen }, { salt: "salt123", iterations: 1000, keylen: 32 });
      assert.equal((await peer.ask([5, answerChallenge("test-secret", challenge[2]), {}]))[0], 2);
    },
  },
  {
    name: "an authmethod that is not configured ends with ABORT",
    async run(fixture) {
      const last = await (await fixture.open()).ask([1, "realm1", { authmethods: ["ticket"], roles: allRoles }]);
      assert.deepEqual(last, [
        3,
        { message: "cannot authenticate [2] using any of the offered authmethods ['ticket']" },
        "wamp.error.no_auth_method",
      ]);
    },
  },
  {
    name: "a HELLO without roles breaks the protocol",
    async run(fixture) {
      const peer = await fixture.open();
      peer.send([1, "realm1", { authid: "12-345", authmethods: ["wampcra"] }]);
      assert.equal((await peer.closed()).code, 1002);
    },
  },
  {
    name: "GOODBYE is answered, the socket stays open, and the client may join again on it",
    async run(fixture) {
      const peer = await fixture.join();
      const first = peer.id;
      assert.deepEqual(await peer.ask([6, {}, "wamp.close.close_realm"]), [6, {}, "wamp.close.normal"]);
      assert.equal((await peer.join(accounts.backend))[0], 2);
      assert.notEqual(peer.id, first);
    },
  },
  {
    name: "a ping is answered with its own payload",
    async run(fixture) {
      const peer = await fixture.join();
      peer.socket.sendPing("keepalive");
      await peer.pong("keepalive");
    },
  },
  {
    name: "two sessions may share one authid",
    async run(fixture) {
      const [first, second] = [await fixture.join(), await fixture.join()];
      assert.notEqual(first.id, second.id);
      assert.equal((await first.call("wamp.session.get", [second.id]))[0], 50);
    },
  },
  ...malformedFrameCases(),
  {
    name: "a frame that is too big closes the connection with code 1009",
    async run(fixture) {
      const peer = await fixture.join();
      peer.socket.sendText(JSON.stringify([16, 1, {}, fixture.uri("big"), ["x".repeat(17 * 1024 * 1024)]]));
      assert.equal((await peer.closed()).code, 1009);
    },
  },
  {
    name: "requests with unknown ids are ignored or refused, and do not close the connection",
    async run(fixture) {
      const peer = await fixture.join();
      peer.send([8, 68, 77, {}, "some.error"]);
      peer.send([70, 77, {}]);
      peer.send([49, 77, {}]);
      assert.deepEqual(await peer.ask([34, 5, 77]), [8, 34, 5, {}, "wamp.error.no_such_subscription"]);
      assert.deepEqual(await peer.ask([66, 6, 77]), [8, 66, 6, {}, "wamp.error.no_such_registration"]);
    },
  },
  {
    name: "one client's malformed frame does not affect the others",
    async run(fixture) {
      const { callee, caller, procedure } = await fixture.callPair();
      const vandal = await fixture.join();
      vandal.socket.sendText("[48,");
      await vandal.closed();
      const call = caller.begin(48, {}, procedure);
      callee.send([70, numberAt(await callee.next(68), 1), {}, ["fine"]]);
      assert.deepEqual((await caller.reply(48, call))[3], ["fine"]);
    },
  },
];

function malformedFrameCases(): RouterCase[] {
  const cases = Object.entries(malformedFrames).map(([what, text]): RouterCase => ({
    name: `${what} closes the connection`,
    async run(fixture) {
      const peer = await fixture.join();
      peer.socket.sendText(text);
      assert.ok([1002, 1011].includes((await peer.closed()).code));
    },
  }));
  const binary: RouterCase = {
    name: "a binary frame closes the connection",
    async run(fixture) {
      const peer = await fixture.join();
      peer.socket.sendBinary(new Uint8Array([1, 2, 3]));
      assert.equal((await peer.closed()).code, 1002);
    },
  };
  return [...cases, binary];
}
