import assert from "node:assert/strict";
import type { Log, LogFields } from "../../../lib/base/log.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { plainFields } from "../../../lib/log/format.ts";
import { Secrets } from "../../../lib/log/secrets.ts";
import { createWireTrace, frameLimitChars, type WireTrace } from "../../../lib/log/wire_trace.ts";

function makeTrace(
  ...known: string[]
): { trace: WireTrace; lines: { message: string; fields?: LogFields | undefined }[] } {
  const lines: { message: string; fields?: LogFields | undefined }[] = [];
  const log: Log = { ...silentLog, debug: (message, fields) => lines.push({ message, fields }) };
  const secrets = new Secrets();
  for (const secret of known) secrets.add(secret);
  return { trace: createWireTrace(log, secrets), lines };
}

function traced(messages: [("in" | "out"), unknown[]][], ...known: string[]): string[] {
  const { trace, lines } = makeTrace(...known);
  for (const [direction, message] of messages) trace(direction, message);
  return lines.map((line) => `${line.fields?.direction} ${line.fields?.kind} ${line.fields?.frame}`);
}

const appKey = "reswarm.devices.get_app_cred_key";
const token = "reswarm.containers.get_registry_token";

const cases: { name: string; messages: [("in" | "out"), unknown[]][]; lines: string[] }[] = [
  {
    name: "shows calls and results",
    messages: [["out", [48, 1, {}, "a.b", [{ x: 1 }]]], ["in", [50, 1, {}, ["y"], { z: null }]]],
    lines: ['out CALL [48,1,{},"a.b",[{"x":1}]]', 'in RESULT [50,1,{},["y"],{"z":null}]'],
  },
  {
    name: "masks signatures and challenges",
    messages: [["in", [4, "wampcra", { challenge: "{}", salt: "s" }]], ["out", [5, "c2lnbmVk", {}]]],
    lines: ['in CHALLENGE [4,"wampcra","***"]', 'out AUTHENTICATE [5,"***",{}]'],
  },
  {
    name: "masks the result of get_app_cred_key",
    messages: [["out", [48, 6, {}, appKey]], ["in", [50, 6, {}, ["the key"]]], ["in", [50, 7, {}, ["other"]]]],
    lines: [`out CALL [48,6,{},"${appKey}"]`, 'in RESULT [50,6,{},"***"]', 'in RESULT [50,7,{},["other"]]'],
  },
  {
    name: "masks the result of get_registry_token, named or not, up to the last one",
    messages: [
      ["out", [48, 7, {}, token, [{ callerID: 2 }]]],
      ["in", [50, 7, { progress: true }, ["the token"]]],
      ["in", [50, 7, {}, [], { value: "the token" }]],
      ["in", [50, 7, {}, ["of another call"]]],
    ],
    lines: [
      `out CALL [48,7,{},"${token}",[{"callerID":2}]]`,
      'in RESULT [50,7,{"progress":true},"***"]',
      'in RESULT [50,7,{},"***"]',
      'in RESULT [50,7,{},["of another call"]]',
    ],
  },
  {
    name: "takes an error for the answer of a call",
    messages: [["out", [48, 7, {}, token]], ["in", [8, 48, 7, {}, "wamp.error.x"]], ["in", [50, 7, {}, ["other"]]]],
    lines: [`out CALL [48,7,{},"${token}"]`, 'in ERROR [8,48,7,{},"wamp.error.x"]', 'in RESULT [50,7,{},["other"]]'],
  },
  {
    name: "does not confuse the error of an invocation with the answer of the same id",
    messages: [["out", [48, 7, {}, token]], ["out", [8, 68, 7, {}, "x"]], ["in", [50, 7, {}, ["the token"]]]],
    lines: [`out CALL [48,7,{},"${token}"]`, 'out ERROR [8,68,7,{},"x"]', 'in RESULT [50,7,{},"***"]'],
  },
  {
    name: "masks members by their names",
    messages: [["in", [68, 1, 2, {}, [{ docker: { password: "x", port: 1 } }]]]],
    lines: ['in INVOCATION [68,1,2,{},[{"docker":{"password":"***","port":1}}]]'],
  },
  {
    name: "masks the values of variables, whatever their names",
    messages: [["in", [68, 1, 2, {}, [], { environment: { A: "x", B: 1 }, ports: [] }]]],
    lines: ['in INVOCATION [68,1,2,{},[],{"environment":{"A":"***","B":"***"},"ports":[]}]'],
  },
  {
    name: "masks the defaults of variables",
    messages: [["in", [68, 1, 2, {}, [], { environment_template: { A: { defaultValue: "x", secret: true } } }]]],
    lines: ['in INVOCATION [68,1,2,{},[],{"environment_template":{"A":"***"}}]'],
  },
  {
    name: "masks the passwords of registries",
    messages: [["in", [68, 1, 2, {}, [], {
      docker_credentials: { "r.example.com": { username: "u", password: "x" } },
    }]]],
    lines: ['in INVOCATION [68,1,2,{},[],{"docker_credentials":{"r.example.com":"***"}}]'],
  },
  {
    name: "shows a member that holds no variables",
    messages: [["in", [68, 1, 2, {}, [], { environment: null }]]],
    lines: ['in INVOCATION [68,1,2,{},[],{"environment":null}]'],
  },
  {
    name: "masks log lines on their way to viewers",
    messages: [
      ["out", [16, 1, { acknowledge: true }, "reswarm.logs.s-1.prod_7_shop", [{ logs: ["x"] }], { a: "x" }]],
      ["out", [16, 2, {}, "re.mgmt.s-1.term_data.prod_7_shop.1-2", ["eA=="]]],
      ["out", [32, 3, {}, "re.mgmt.s-1.term_write.prod_7_shop.1-2"]],
      ["in", [33, 3, 9]],
      ["in", [36, 9, 4, {}, ["x"]]],
      ["in", [36, 8, 4, {}, ["y"]]],
    ],
    lines: [
      'out PUBLISH [16,1,{"acknowledge":true},"reswarm.logs.s-1.prod_7_shop","***"]',
      'out PUBLISH [16,2,{},"re.mgmt.s-1.term_data.prod_7_shop.1-2","***"]',
      'out SUBSCRIBE [32,3,{},"re.mgmt.s-1.term_write.prod_7_shop.1-2"]',
      "in SUBSCRIBED [33,3,9]",
      'in EVENT [36,9,4,{},"***"]',
      'in EVENT [36,8,4,{},["y"]]',
    ],
  },
  {
    name: "masks arguments and results of procedures that carry text of apps",
    messages: [
      ["out", [64, 1, {}, "re.mgmt.s-1.get_app_log_history"]],
      ["out", [64, 2, {}, "re.mgmt.s-1.get_images"]],
      ["in", [65, 1, 5]],
      ["in", [65, 2, 6]],
      ["in", [68, 7, 5, {}, [{ containerName: "x" }]]],
      ["in", [68, 8, 6, {}, []]],
      ["out", [70, 7, {}, [["x"]]]],
      ["out", [70, 8, {}, ["y"]]],
    ],
    lines: [
      'out REGISTER [64,1,{},"re.mgmt.s-1.get_app_log_history"]',
      'out REGISTER [64,2,{},"re.mgmt.s-1.get_images"]',
      "in REGISTERED [65,1,5]",
      "in REGISTERED [65,2,6]",
      'in INVOCATION [68,7,5,{},"***"]',
      "in INVOCATION [68,8,6,{},[]]",
      'out YIELD [70,7,{},"***"]',
      'out YIELD [70,8,{},["y"]]',
    ],
  },
  {
    name: "shows messages of unknown kinds",
    messages: [["in", [999, "x"]], ["in", []]],
    lines: ['in unknown [999,"x"]', "in unknown []"],
  },
];

for (const { name, messages, lines } of cases) {
  Deno.test(`the trace ${name}`, () => assert.deepEqual(traced(messages), lines));
}

/** Requests in every place of a message, and every way in which a value can be written. */
const request = {
  environment: { A: { value: "hunter2" }, "B=hunter2": 1 },
  environment_template: { A: { defaultValue: "hunter2" } },
  docker_compose: { services: { web: { command: ["--pin", "hunter2"], environment: ["STRIPE_KEY=hunter2"] } } },
  new_docker_compose: "services:\n  web:\n    command: run hunter2\n",
  docker_credentials: { "r.example.com": { username: "hunter2", password: "hunter2" } },
  Env: ["A=hunter2"],
  Cmd: ["run", "hunter2"],
  Command: "run hunter2",
  Labels: { "traefik.auth": "hunter2" },
  stripe_key: "hunter2",
  stripeKey: "hunter2",
};

const echoes: { name: string; payload: unknown[] }[] = [
  { name: "positional arguments", payload: [[request]] },
  { name: "keyword arguments", payload: [[], request] },
  { name: "rows", payload: [[[request, request]]] },
  { name: "members of rows that are JSON", payload: [[jsonMembers(request)]] },
  { name: "JSON", payload: [[JSON.stringify(request)]] },
  { name: "JSON in JSON", payload: [[JSON.stringify({ body: JSON.stringify({ a: [request] }) })]] },
  { name: "JSON that is truncated", payload: [[JSON.stringify(request).slice(0, -1)]] },
  { name: "JSON in a sentence", payload: [[`Cannot read ${JSON.stringify(request)}`]] },
  { name: "JSON in JSON in a sentence", payload: [[`Cannot read ${JSON.stringify(JSON.stringify(request))}`]] },
  { name: "a compose file", payload: [["services:\n  web:\n    environment:\n      - A=hunter2\n"]] },
  { name: "a compose file in JSON", payload: [[{ x: "web:\n  command: run hunter2" }]] },
  { name: "variables", payload: [["failed: STRIPE_KEY=hunter2 --api-key=hunter2 SSH_KEY='hunter2'"]] },
];

function jsonMembers(value: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, JSON.stringify(member)]));
}

for (const { name, payload } of echoes) {
  Deno.test(`#13: the trace masks values in templates, compose files and variables: ${name}`, () => {
    for (const head of [[48, 1, {}, "a.b"], [68, 1, 2, {}], [50, 1, {}], [70, 1, {}], [8, 48, 1, {}, "a.error"]]) {
      const [line = ""] = traced([["in", [...head, ...payload]]]);
      assert.doesNotMatch(line, /hunter2/);
      assert.match(line, /\*\*\*/);
    }
  });
}

Deno.test("#13: the log masks the same in its fields and errors", () => {
  const secrets = new Secrets();
  for (const { payload } of echoes) {
    for (const fields of [{ payload }, { error: JSON.stringify(payload) }, { error: new Error(String(payload[0])) }]) {
      assert.doesNotMatch(JSON.stringify(plainFields(fields, secrets)), /hunter2/);
    }
  }
  assert.deepEqual(plainFields({ environment: { A: "x" }, env: ["A=x"] }, secrets), {
    environment: { A: "***" },
    env: "***",
  });
});

Deno.test("the trace hides known secrets before it truncates, wherever they are", () => {
  const secret = "QWERTZUIOP".repeat(8);
  for (let before = frameLimitChars - 200; before < frameLimitChars + 50; before += 7) {
    const [line = ""] = traced([["out", [16, 1, {}, "a.b", [".".repeat(before), secret, ".".repeat(300)]]]], secret);
    assert.doesNotMatch(line, /[QWERTZUIOP]{5}/);
  }
});

Deno.test("the trace truncates messages to 2 KiB, also huge and cyclic ones", () => {
  const circle: unknown[] = [16];
  circle.push(circle, 1n);
  for (const message of [[16, "x".repeat(16_000_000)], [16, new Array(100_000).fill("\0")], circle]) {
    const [line = ""] = traced([["out", message]]);
    assert.ok(line.length < frameLimitChars + 50, `${line.length}`);
    assert.ok(line.startsWith("out PUBLISH [16,"));
  }
});

Deno.test("the trace remembers a limited number of calls", () => {
  const { trace, lines } = makeTrace();
  for (let id = 1; id <= 1_001; id += 1) trace("out", [48, id, {}, token]);
  for (const id of [1, 2, 1_001]) trace("in", [50, id, {}, ["x"]]);
  assert.deepEqual(lines.slice(-3).map((line) => String(line.fields?.frame)), [
    '[50,1,{},["x"]]',
    '[50,2,{},"***"]',
    '[50,1001,{},"***"]',
  ]);
});

Deno.test("the trace does not change the message", () => {
  const message = [5, "c2lnbmVk", { password: "x" }];
  traced([["out", message]]);
  assert.deepEqual(message, [5, "c2lnbmVk", { password: "x" }]);
});
