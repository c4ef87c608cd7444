import assert from "node:assert/strict";
import { MessageFilter } from "../../../lib/wamp/message_filter.ts";
import { Payload } from "../../../lib/wamp/payload.ts";

const welcome = [2, 5, { roles: { broker: {}, dealer: {} } }];

function openFilter(...outbound: unknown[][]): MessageFilter {
  const filter = new MessageFilter();
  filter.classify(welcome);
  for (const message of outbound) filter.onSent(message);
  return filter;
}

interface Case {
  name: string;
  sent?: unknown[][];
  received?: unknown[][];
  given: unknown[];
  expected: string;
}

const cases: Case[] = [
  { name: "RESULT of a pending call", sent: [[48, 1, {}, "p"]], given: [50, 1, {}, [1]], expected: "pass" },
  { name: "RESULT of no pending call", given: [50, 1, {}, [1]], expected: "drop" },
  {
    name: "RESULT of a canceled call",
    sent: [[48, 1, {}, "p"], [49, 1, {}]],
    given: [50, 1, {}],
    expected: "drop",
  },
  {
    name: "second RESULT",
    sent: [[48, 1, {}, "p"]],
    received: [[50, 1, {}]],
    given: [50, 1, {}],
    expected: "drop",
  },
  {
    name: "progressive RESULT",
    sent: [[48, 1, {}, "p"]],
    given: [50, 1, { progress: true }, [1]],
    expected: "drop",
  },
  { name: "RESULT without an id", given: [50], expected: "violation" },
  { name: "ERROR of a call", sent: [[48, 1, {}, "p"]], given: [8, 48, 1, {}, "a.b"], expected: "pass" },
  { name: "ERROR of another type", sent: [[48, 1, {}, "p"]], given: [8, 64, 1, {}, "a.b"], expected: "drop" },
  { name: "ERROR for an invocation", given: [8, 68, 1, {}, "a.b"], expected: "drop" },
  { name: "ERROR without a request", given: [8, 48], expected: "violation" },
  { name: "REGISTERED", sent: [[64, 1, {}, "p"]], given: [65, 1, 9], expected: "pass" },
  { name: "REGISTERED without a request", given: [65, 1, 9], expected: "drop" },
  { name: "REGISTERED without an id", sent: [[64, 1, {}, "p"]], given: [65, 1, "x"], expected: "violation" },
  {
    name: "INVOCATION right behind REGISTERED",
    sent: [[64, 1, {}, "p"]],
    received: [[65, 1, 9]],
    given: [68, 3, 9, {}],
    expected: "pass",
  },
  { name: "INVOCATION of something unknown", given: [68, 3, 9, {}], expected: "answer" },
  {
    name: "INVOCATION with a payload that is no list",
    sent: [[64, 1, {}, "p"]],
    received: [[65, 1, 9]],
    given: [68, 3, 9, {}, "packed"],
    expected: "answer",
  },
  {
    name: "revocation of a registration",
    sent: [[64, 1, {}, "p"]],
    received: [[65, 1, 9]],
    given: [67, 0, { registration: 9, reason: "x" }],
    expected: "pass",
  },
  { name: "revocation of a foreign registration", given: [67, 0, { registration: 9 }], expected: "drop" },
  { name: "revocation without details", given: [67, 0], expected: "drop" },
  { name: "revocation of a foreign subscription", given: [35, 0, { subscription: 9 }], expected: "drop" },
  {
    name: "INVOCATION after UNREGISTERED",
    sent: [[64, 1, {}, "p"], [66, 2, 9]],
    received: [[65, 1, 9], [67, 2]],
    given: [68, 3, 9, {}],
    expected: "answer",
  },
  {
    name: "EVENT right behind SUBSCRIBED",
    sent: [[32, 1, {}, "t"]],
    received: [[33, 1, 8]],
    given: [36, 8, 1, {}],
    expected: "pass",
  },
  { name: "EVENT of something unknown", given: [36, 8, 1, {}], expected: "drop" },
  {
    name: "EVENT with a packed payload",
    sent: [[32, 1, {}, "t"]],
    received: [[33, 1, 8]],
    given: [36, 8, 1, {}, "packed"],
    expected: "drop",
  },
  {
    name: "EVENT after UNSUBSCRIBED",
    sent: [[32, 1, {}, "t"], [34, 2, 8]],
    received: [[33, 1, 8], [35, 2]],
    given: [36, 8, 1, {}],
    expected: "drop",
  },
  { name: "PUBLISHED", sent: [[16, 1, { acknowledge: true }, "t"]], given: [17, 1, 4], expected: "pass" },
  { name: "PUBLISHED without a request", sent: [[16, 1, {}, "t"]], given: [17, 1, 4], expected: "drop" },
  { name: "INTERRUPT", given: [69, 3, {}], expected: "interrupt" },
  { name: "INTERRUPT without an id", given: [69], expected: "violation" },
  { name: "GOODBYE", given: [6, {}, "wamp.close.normal"], expected: "goodbye" },
  { name: "GOODBYE without anything", given: [6], expected: "goodbye" },
  { name: "ABORT in an open session", given: [3, {}, "x"], expected: "abort" },
  { name: "a second WELCOME", given: welcome, expected: "violation" },
  { name: "CHALLENGE in an open session", given: [4, "wampcra", {}], expected: "violation" },
  { name: "an unknown type", given: [99, 1, 2], expected: "drop" },
  { name: "a request id that is the name of a built-in method", given: [50, "toString", {}], expected: "violation" },
];

for (const { name, sent, received, given, expected } of cases) {
  Deno.test(`classify(): ${name} → ${expected}`, () => {
    const filter = openFilter(...sent ?? []);
    for (const message of received ?? []) assert.equal(filter.classify(message).kind, "pass");
    assert.equal(filter.classify(given).kind, expected);
  });
}

const joining: { name: string; given: unknown[]; expected: string }[] = [
  { name: "WELCOME", given: welcome, expected: "pass" },
  { name: "WELCOME of a broker alone", given: [2, 5, { roles: { broker: {} } }], expected: "pass" },
  { name: "WELCOME without roles", given: [2, 5, {}], expected: "violation" },
  { name: "WELCOME with other roles", given: [2, 5, { roles: { caller: {} } }], expected: "violation" },
  { name: "WELCOME without an id", given: [2, 0, { roles: { broker: {} } }], expected: "violation" },
  { name: "CHALLENGE", given: [4, "wampcra", {}], expected: "pass" },
  { name: "ABORT", given: [3, { message: "no" }, "wamp.error.no_such_realm"], expected: "abort" },
  { name: "GOODBYE", given: [6, {}, "x"], expected: "abort" },
  { name: "EVENT", given: [36, 1, 2, {}], expected: "violation" },
];

for (const { name, given, expected } of joining) {
  Deno.test(`classify() before WELCOME: ${name} → ${expected}`, () => {
    assert.equal(new MessageFilter().classify(given).kind, expected);
  });
}

Deno.test("classify() reports missing roles with the text that installers know", () => {
  const verdict = new MessageFilter().classify([2, 5, { roles: {} }]);
  assert.deepEqual(verdict, { kind: "violation", why: "router did not announce any supported roles" });
});

Deno.test("classify() keeps results apart that autobahn would confuse", () => {
  for (const [args, kwargs] of [[[], {}], [[null], {}], [[[1, 2]], {}], [[1, 2], {}], [[], { a: 1 }]] as const) {
    const verdict = openFilter([48, 1, {}, "p"]).classify([50, 1, {}, args, kwargs]);
    assert.deepEqual(verdict, { kind: "pass", message: [50, 1, {}, [new Payload([...args], { ...kwargs })]] });
  }
});

Deno.test("classify() accepts null as empty arguments", () => {
  const verdict = openFilter([48, 1, {}, "p"]).classify([50, 1, {}, null, null]);
  assert.deepEqual(verdict, { kind: "pass", message: [50, 1, {}, [new Payload([], {})]] });
});

Deno.test("classify() never throws and forgets what was answered, whatever arrives", () => {
  const odd: unknown[] = [undefined, null, -1, 0, 1, 2 ** 53, 1.5, "", "x", [], {}, [1], { progress: true }, true];
  const types = [2, 3, 4, 6, 8, 17, 33, 35, 36, 50, 65, 67, 68, 69, 0, 99, -1];
  for (const type of types) {
    for (const first of odd) {
      for (const second of odd) {
        const filter = openFilter([48, 1, {}, "p"], [64, 2, {}, "p"]);
        for (const third of odd) filter.classify([type, first, second, third, third, third, third]);
        assert.ok(filter.pendingCount <= 2);
      }
    }
  }
});
