import assert from "node:assert/strict";
import { later, noArguments, working } from "../../../lib/handlers/procedure.ts";
import { createBackend } from "../../../lib/backend/backend.ts";
import { backendProcedures } from "../../../lib/backend/uris.ts";
import { routerProcedures } from "../../../lib/wamp/uris.ts";
import { offlineWire, type Wire } from "../../../lib/wamp/wire.ts";
import { renderWire, type WireTables, wireTables } from "../../../scripts/docs/wire.ts";
import { backendWords, routerWords } from "../../../scripts/docs/wire_words.ts";

/** What a call has that names no limit. */
const usualLimitMs = 30_000;

const small: WireTables = {
  rows: [
    working({
      name: "open_door",
      privilege: "MAINTAIN",
      deniedText: "insufficient privileges to open the door",
      args: "[{door}]",
      result: "empty",
      limitMs: 2_000,
      decode: noArguments,
      run: () => ({}),
    }),
    later({
      name: "close_door",
      privilege: "router",
      deniedText: "",
      args: "none",
      result: "[a | b]",
      laterIssue: "doors",
    }),
  ],
  marker: { name: "here", privilege: "router", deniedText: "", args: "none", result: "[hello]" },
  called: [
    { uri: "studio.ask", args: "[{key}]", result: "[bool]", when: "often", limitMs: 10_000 },
    { uri: "studio.tell", args: "none", result: "none", when: "never", limitMs: 30_000, laterIssue: "talk" },
  ],
  published: [{ topic: "a.topic", payload: "[text]", when: "at night" }],
  subscribed: [{ topic: "b.topic", payload: "[id]", when: "it is read" }],
};

const expected: [name: string, text: string][] = [
  ["the URI pattern", "`re.mgmt.<serial>.<name>`"],
  ["how many procedures are available", "2 procedures as `re.mgmt.<serial>.<name>`; 1 of them"],
  ["a procedure with its limit", "| `open_door` | [{door}] | empty | 2 s |"],
  ["the area of one that comes later", "| `close_door` | none | [a \\| b] | later: doors |"],
  ["privilege and denial", "| `open_door` | `MAINTAIN` | `insufficient privileges to open the door` |"],
  ["one without a privilege", "| `close_door` | whoever the router lets through |  |"],
  ["the connection marker", "`re.mgmt.<serial>.here`"],
  ["a called procedure", "- `studio.ask` (10 s)\n  - when: often\n  - arguments: [{key}]\n  - result: [bool]"],
  ["one that is not called yet", "- `studio.tell` (30 s, later: talk)"],
  ["a published topic", "| `a.topic` | [text] | at night |"],
  ["a subscribed topic", "| `b.topic` | [id] | it is read |"],
];

for (const [name, text] of expected) {
  Deno.test(`renderWire() names ${name}`, () => {
    const page = renderWire(small);
    assert.ok(page.includes(text), `${text} is not in:\n${page}`);
  });
}

Deno.test("renderWire() leaves out no procedure and no URI of this agent", () => {
  const page = renderWire(wireTables());
  const names = wireTables().rows.map((row) => `\`${row.name}\``);
  const uris = [...Object.values(backendProcedures), ...Object.values(routerProcedures)].map((uri) => `\`${uri}\``);
  assert.deepEqual([...names, ...uris].filter((text) => !page.includes(text)), []);
});

Deno.test("wireTables() says the area of every procedure that comes later", () => {
  const { rows } = wireTables();
  assert.deepEqual(rows.filter((row) => !row.isAvailable && !("laterIssue" in row)).map((row) => row.name), []);
});

Deno.test("the limits in backendWords and routerWords are those of the calls", async () => {
  for (const [uri, limits] of await limitsOfCalls()) {
    const words = wireTables().called.find((call) => call.uri === uri);
    assert.ok(words !== undefined, `${uri} has no words`);
    const limit = Math.max(...limits);
    // Who calls may set a limit below the usual one.
    const isRight = limit === usualLimitMs ? words.limitMs <= limit : words.limitMs === limit;
    assert.ok(isRight, `${uri} takes at most ${limit} ms, the words say ${words.limitMs}`);
  }
});

Deno.test("procedures with an area to come are not called, all others are", async () => {
  const called = await limitsOfCalls();
  const isCalled = (uri: string) => called.has(uri) || uri === routerProcedures.addTestament;
  const words = { ...backendWords, ...routerWords };
  const uris = { ...backendProcedures, ...routerProcedures };
  assert.deepEqual(Object.keys(words).sort(), Object.keys(uris).sort());
  for (const call of wireTables().called) assert.equal(isCalled(call.uri), call.laterIssue === undefined, call.uri);
});

/** Every call of the backend, with the limits it was made with. */
async function limitsOfCalls(): Promise<Map<string, number[]>> {
  const seen = new Map<string, number[]>();
  const wire: Wire = {
    ...offlineWire(),
    call: (uri, _args, options) => {
      seen.set(uri, [...seen.get(uri) ?? [], options?.timeoutMs ?? usualLimitMs]);
      return Promise.resolve({ args: [], kwargs: {} });
    },
  };
  const backend = createBackend(wire, () => ({ deviceKey: 1, swarmKey: 2, serialNumber: "SN-1" }));
  const id = { appKey: 1, stage: "PROD" as const };
  const report = { id, state: "RUNNING" as const, requestorAccountKey: 1, releaseKey: 1, updateStatus: "" as const };
  await Promise.allSettled([
    backend.readDeviceMetadata(),
    backend.getAppCredKey(),
    backend.updateDeviceStatus({ status: "CONNECTED", stats: {} }),
    backend.updateDeviceArchitecture({ arch: "amd64", variant: "", os: "linux", agentVersion: "1" }),
    backend.checkPrivilege({ privilege: "READ", requestor: 1 }),
    backend.getRequestedAppStates(),
    backend.getRegistryToken(1),
    backend.reportAppState({ ...report, requestUpdate: false, releaseBuild: false }),
    backend.savePorts({ id, ports: [], others: [] }),
    backend.runRegistryGc(),
    backend.matchSubscription("a"),
  ]);
  return seen;
}
