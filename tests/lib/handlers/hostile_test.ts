import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { procedures } from "../../../lib/handlers/procedures.ts";
import { RemoteError } from "../../../lib/wamp/remote_error.ts";
import { RegisteredDevice } from "./registered_device.ts";

/**
 * A dict with a list in a dict in a list …. Each level holds the next one once: two copies would double with every
 * level.
 */
function nest(depth: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { all: value };
  return { all: value, containerName: value };
}

const long = "x".repeat(1_000_000);

/** What a caller may send to any procedure. */
const hostile: { name: string; args: unknown[]; kwargs?: Record<string, unknown> }[] = [
  { name: "nothing", args: [] },
  { name: "null", args: [null] },
  { name: "many nulls", args: Array.from({ length: 5_000 }, () => null) },
  { name: "a text", args: ["prod_42_shop"] },
  { name: "an empty text", args: [""] },
  { name: "a huge text", args: [long] },
  { name: "a number", args: [5] },
  { name: "a negative number", args: [-1] },
  { name: "a fraction", args: [1.5] },
  { name: "a number beyond 2^53", args: [1e300] },
  { name: "a boolean", args: [true] },
  { name: "a list", args: [[]] },
  { name: "a list of lists", args: [[[[]]], [[]]] },
  { name: "an empty dict", args: [{}] },
  { name: "a deep nest", args: [nest(500)] },
  { name: "members of the wrong type", args: [{ all: "yes", containerName: 5, cmd: [], sessionID: {}, blocking: 0 }] },
  { name: "null members", args: [{ all: null, containerName: null, cmd: null, sessionID: null }] },
  { name: "negative members", args: [{ all: -1, containerName: -1, tail: -5, prefix: -1 }] },
  { name: "lists as members", args: [{ all: [true], containerName: ["prod_42_shop"] }] },
  { name: "huge members", args: [{ all: long, containerName: long, [long.slice(0, 10_000)]: 1 }] },
  { name: "path separators", args: [{ all: "../..", containerName: "prod_42_../../../etc/passwd" }] },
  { name: "an engine path", args: [{ all: 0, containerName: "prod_42_x/json?all=1#" }] },
  { name: "control characters", args: [{ all: "\u0000", containerName: "prod_42_\u0000\u001b[2J\r\n" }] },
  { name: "lone surrogates", args: [{ all: "\ud800", containerName: "prod_42_\udfff" }] },
  { name: "names of the prototype", args: [JSON.parse('{"__proto__": {"all": true}, "constructor": 1, "all": "x"}')] },
  {
    name: "keyword arguments of every type",
    args: [],
    kwargs: { app_key: [], stage: {}, requestor_account_key: long },
  },
  { name: "keyword arguments named like methods", args: [], kwargs: { toString: 1, hasOwnProperty: null, length: -1 } },
];

/** Arguments that a procedure reads, so that every one of `hostile` has to be refused by it. */
const readsArguments = [
  "write_data",
  "check_host_port",
  "prune_images",
  "get_app_log_history",
  "query_app_logs",
  "query_device_logs",
  "request_terminal_session",
  "start_terminal_session",
  "stop_terminal_session",
  "update_ipv4_config",
  "add_wifi_configuration",
  "remove_wifi_configuration",
  "select_wifi_network",
];

/** Of these some hostile inputs are good ones to a procedure that reads arguments. */
const harmless: Record<string, string[]> = {
  prune_images: [
    ...["an empty dict", "null members", "nothing", "null", "many nulls"],
    ...["keyword arguments of every type", "keyword arguments named like methods"],
  ],
  query_device_logs: [
    ...["nothing", "an empty dict", "a deep nest", "members of the wrong type", "null members", "lists as members"],
    ...["huge members", "path separators", "an engine path", "control characters", "lone surrogates"],
    ...["names of the prototype", "keyword arguments of every type", "keyword arguments named like methods"],
  ],
};

/** The text of an error on the wire; undefined for a result. */
async function textOfCall(
  device: RegisteredDevice,
  name: string,
  sent: typeof hostile[number],
): Promise<string | undefined> {
  try {
    const isBackendOnly = procedures.some((row) => row.name === name && row.privilege === "backend");
    const as = isBackendOnly && device.grant() !== false ? "system" : "77";
    await device.call(name, sent.args, { kwargs: sent.kwargs ?? {}, as });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof RemoteError, `${name} with ${sent.name}: ${error}`);
    assert.equal(error.uri, "wamp.error.canceled");
    const [answer] = error.args;
    assert.ok(typeof answer === "object" && answer !== null && "error" in answer && typeof answer.error === "string");
    return answer.error;
  }
}

Deno.test("every procedure answers anything a caller may send with a clear text", async (t) => {
  await using device = await RegisteredDevice.start({
    apps: {
      request: (kwargs) => {
        const isGood = typeof kwargs["app_key"] === "number";
        return isGood ? Promise.resolve() : Promise.reject(new AgentError("bad_request", "failed to parse app_key"));
      },
    },
  });
  for (const row of procedures) {
    await t.step(row.name, async () => {
      for (const sent of hostile) {
        const text = await textOfCall(device, row.name, sent);
        const where = `${row.name} with ${sent.name}: ${text}`;
        if (text !== undefined) {
          assert.match(text, /^[\x20-\x7e…]{5,500}$/u, where);
          assert.doesNotMatch(text, /undefined|not a function|of null|Cannot read properties|insufficient/, where);
        }
        if (!row.isAvailable) assert.equal(text, "not available in this version", where);
        else if (readsArguments.includes(row.name)) {
          assert.equal(text === undefined, harmless[row.name]?.includes(sent.name) ?? false, where);
        } else if (row.name !== "request_app_state") assert.equal(text, undefined, where);
      }
      const good = await device.call("get_storage_data");
      assert.equal(good.args.length, 1);
    });
  }
});

Deno.test("a caller without privileges is refused whatever it sends", async () => {
  await using device = await RegisteredDevice.start();
  device.grant = () => false;
  for (const row of procedures.filter(({ privilege }) => privilege !== "router")) {
    for (const sent of hostile) assert.equal(await textOfCall(device, row.name, sent), row.deniedText, row.name);
  }
  assert.deepEqual(device.power, []);
});

Deno.test("any odd answer of the privilege check keeps the procedure closed and does not read like a denial", async () => {
  await using device = await RegisteredDevice.start();
  const answers: (() => unknown)[] = [
    () => undefined,
    () => null,
    () => 1,
    () => "true",
    () => [],
    () => ({}),
    () => {
      throw new AgentError("internal", "database is away");
    },
  ];
  for (const grant of answers) {
    device.grant = grant;
    for (const name of ["system_reboot", "get_app_log_history", "query_app_logs", "write_data"]) {
      const text = await textOfCall(device, name, { name: "good", args: [{ containerName: "prod_42_shop" }] });
      assert.match(text ?? "", /type of argument is not bool|database is away/);
      assert.doesNotMatch(text ?? "", /insufficient/);
      assert.equal(text?.startsWith("could not verify privileges: "), name === "query_app_logs");
    }
  }
  assert.deepEqual(device.power, []);
});

Deno.test("a caller is who the router says it is, and the trusted one may act for an account", async () => {
  await using device = await RegisteredDevice.start();
  device.grant = () => false;
  const denied = /insufficient privileges to get storage data/;
  const cases: { as: string; kwargs?: object; args?: unknown[]; expected: RegExp | undefined }[] = [
    { as: "system", expected: undefined },
    { as: "system", kwargs: { requestor_account_key: 77 }, expected: denied },
    { as: "system", kwargs: { requestor_account_key: "77" }, expected: denied },
    { as: "system", kwargs: { requestor_account_key: "me" }, expected: denied },
    { as: "system", kwargs: { requestor_account_key: 0 }, expected: denied },
    { as: "system", kwargs: { requestor_account_key: null }, args: [{ requestor_account_key: 77 }], expected: denied },
    { as: "system", args: [{ requestor_account_key: 77 }], expected: denied },
    { as: "77", expected: denied },
    { as: "77", kwargs: { requestor_account_key: "system", caller_authid: "system" }, expected: denied },
    { as: "12-346", expected: denied },
  ];
  for (const { as, kwargs = {}, args = [], expected } of cases) {
    const called = device.call("get_storage_data", args, { as, kwargs });
    if (expected === undefined) assert.equal((await called).args.length, 1);
    else await assert.rejects(called, expected);
  }
});

Deno.test("good calls are answered on the wire as callers expect", async () => {
  await using device = await RegisteredDevice.start();
  assert.deepEqual((await device.call("prune_images", [{ all: true }])).args, ["docker system prune -af --volumes\n"]);
  assert.deepEqual(await device.call("prune_images", [{}]), { args: [], kwargs: {} });
  assert.deepEqual((await device.call("list_containers")).args, [[]]);
  assert.deepEqual((await device.call("get_images")).args, []);
  assert.deepEqual((await device.call("get_app_log_history", [{ containerName: "prod_42_shop" }])).args, [[]]);
  assert.deepEqual((await device.call("get_tunnel_state", [], { as: "system" })).args, [[]]);
  const handshake = await device.call("device_handshake", [], { as: "system" });
  assert.deepEqual([handshake.args, handshake.kwargs["id"]], [[], "SN-1"]);
  assert.deepEqual(await device.call("system_reboot"), { args: [], kwargs: {} });
  assert.deepEqual(device.power, ["reboot"]);
  const addresses = await device.call("get_network_metadata");
  assert.ok(addresses.args.some((address) => JSON.stringify(address) === '{"IP":"127.0.0.1","Mask":"/wAAAA=="}'));
});

Deno.test("a hundred callers at once get their answers", async () => {
  await using device = await RegisteredDevice.start();
  const replies = await Promise.all(Array.from({ length: 300 }, () => device.call("get_storage_data")));
  assert.ok(replies.every(({ args }) => args.length === 1));
});
