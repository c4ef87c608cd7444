import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import type { Device } from "../../../lib/handlers/device.ts";
import { procedures } from "../../../lib/handlers/procedures.ts";
import type { Reply } from "../../../lib/wamp/invocations.ts";
import { type DeviceChange, fakeDevice, never, stats } from "../../fakes/fake_handler_device.ts";

/** Calls a procedure by its name. */
function call(
  name: string,
  change: DeviceChange = {},
  payload: { args?: unknown[]; kwargs?: Record<string, unknown> } = {},
): Promise<Reply> {
  const row = procedures.find((one) => one.name === name);
  assert.ok(row, name);
  const { args = [], kwargs = {} } = payload;
  return row.answer(fakeDevice(change), { args, kwargs, caller: "system", signal: never });
}

function refuses(
  name: string,
  cases: [args: unknown[], message: string][],
  change: DeviceChange = {},
): Promise<void[]> {
  return Promise.all(cases.map(async ([args, message]) => {
    await assert.rejects(call(name, change, { args }), { code: "bad_request", message }, JSON.stringify(args));
  }));
}

Deno.test("request_app_state passes the keyword arguments on and returns nothing", async () => {
  const seen: unknown[] = [];
  const requestAppState = (kwargs: Record<string, unknown>) => Promise.resolve(void seen.push(kwargs));
  const kwargs = { app_key: 42, target_state: "RUNNING" };
  assert.deepEqual(
    await call("request_app_state", { apps: { request: requestAppState } }, { args: [{ app_key: 1 }], kwargs }),
    {},
  );
  assert.deepEqual(seen, [kwargs]);
  const refuse = () => Promise.reject(new AgentError("bad_request", "failed to parse app_key"));
  await assert.rejects(call("request_app_state", { apps: { request: refuse } }), {
    message: "failed to parse app_key",
  });
});

Deno.test("change 1.4: check_host_port reads any number or decimal text, and refuses the rest with fixed texts", async () => {
  const asked: unknown[] = [];
  const apps = {
    checkHostPort: (question: unknown) => {
      asked.push(question);
      return { available: false, reason: "denylisted" };
    },
  };
  const answer = await call("check_host_port", { apps }, {
    args: [{ app_key: "71", port: 502.0, host_port: "7000", stage: "DEV", protocol: "UDP" }],
  });
  assert.deepEqual(answer, { args: [{ available: false, reason: "denylisted" }] });
  await call("check_host_port", { apps }, { args: [{ app_key: 71, port: "80", host_port: 0, protocol: "http" }] });
  assert.deepEqual(asked, [
    { app: { appKey: 71, stage: "DEV" }, port: 502, hostPort: 7000, transport: "udp" },
    { app: { appKey: 71, stage: "PROD" }, port: 80, hostPort: 0, transport: "tcp" },
  ]);
  const appKey = "the app_key param should be a positive whole number";
  const port = "the port param should be a positive whole number";
  const hostPort = "the host_port param should be a non-negative whole number";
  await refuses("check_host_port", [
    [[], "arguments are missing"],
    [["x"], "first param should be a dict"],
    [[null], "first param should be a dict"],
    [[{}], appKey],
    [[{ app_key: 0, port: 1, host_port: 1 }], appKey],
    [[{ app_key: "x", port: 1, host_port: 1 }], appKey],
    [[{ app_key: 1.5, port: 1, host_port: 1 }], appKey],
    [[{ app_key: 1, host_port: 1 }], port],
    [[{ app_key: 1, port: "0", host_port: 1 }], port],
    [[{ app_key: 1, port: 1 }], hostPort],
    [[{ app_key: 1, port: 1, host_port: null }], hostPort],
    [[{ app_key: 1, port: 1, host_port: -1 }], hostPort],
    [[{ app_key: 1, port: 1, host_port: "x" }], hostPort],
  ]);
});

Deno.test("device_handshake returns the local time with its offset, and the serial number", async () => {
  const { args, kwargs } = await call("device_handshake");
  assert.equal(args, undefined);
  assert.match(String(kwargs?.["utp"]), /^2031-03-05T\d\d:\d\d:00(Z|[+-]\d\d:\d\d)$/);
  assert.equal(new Date(String(kwargs?.["utp"])).getTime(), new Date("2031-03-05T07:00:00Z").getTime());
  assert.equal(kwargs?.["id"], "SN-1");
});

Deno.test("get_images omits what is zero or empty, and keeps -1", async () => {
  const full = {
    id: "sha256:1",
    repoTags: ["shop:1"],
    labels: { a: "b" },
    created: 1_700_000_000,
    size: 5,
    sharedSize: -1,
    virtualSize: 6,
    containers: -1,
  };
  const bare = {
    id: "sha256:2",
    repoTags: [],
    labels: {},
    created: 0,
    size: 0,
    sharedSize: -1,
    virtualSize: undefined,
    containers: undefined,
  };
  const engine = { listImages: () => Promise.resolve([full, bare]) };
  assert.deepEqual(await call("get_images", { engine }), { args: [full, { id: "sha256:2", sharedSize: -1 }] });
});

Deno.test("list_containers returns the engine's own list in one argument", async () => {
  const list = [{ Id: "1", Names: ["/shop"], Odd: { kept: true } }];
  const engine = { listContainersRaw: () => Promise.resolve(list) };
  assert.deepEqual(await call("list_containers", { engine }), { args: [list] });
});

Deno.test("#5: lists that are too large for a message are shortened, and say so", async () => {
  const labels = { text: '\u0001"'.repeat(1_000) };
  const containers = Array.from(
    { length: 5_000 },
    (_, index) => ({ Id: `${index}`.padStart(64, "0"), Labels: labels }),
  );
  const images = Array.from({ length: 5_000 }, (_, index) => ({
    ...{ id: `sha256:${index}`, repoTags: [], labels, created: 1, size: 1 },
    ...{ sharedSize: -1, virtualSize: undefined, containers: undefined },
  }));
  const engine = {
    listContainersRaw: () => Promise.resolve(containers),
    listImages: () => Promise.resolve(images),
  };
  for (const name of ["list_containers", "get_images"]) {
    const reply = await call(name, { engine });
    assert.ok(JSON.stringify(reply).length < 1_000_100);
    const entries = name === "get_images" ? reply.args : reply.args?.[0];
    assert.ok(Array.isArray(entries) && entries.length > 500);
    assert.deepEqual(reply.kwargs, { truncated: true, left_out: 5_000 - entries.length });
  }
  const diskSpace: Device["diskSpace"] = {
    prune: () => Promise.resolve("\u0001line\n".repeat(150_000) + "Total: 1B\n"),
  };
  const pruned = await call("prune_images", { diskSpace }, { args: [{ all: true }] });
  assert.ok(JSON.stringify(pruned).length < 1_000_100);
  assert.match(
    String(pruned.args?.[0]),
    /^… \d+ older line\(s\) left out \(size limit\)\n.line\n[^]*\nTotal: 1B\n$/,
  );
});

Deno.test("prune_images answers with the output of a full prune, and with nothing otherwise", async () => {
  const diskSpace: Device["diskSpace"] = {
    prune: ({ all }) => Promise.resolve(all ? "Total reclaimed space: 0B\n" : undefined),
  };
  for (const args of [[], [null], [{}], [{ all: null }]]) {
    assert.deepEqual(await call("prune_images", { diskSpace }, { args }), {}, "change 1.6: dangling images only");
  }
  assert.deepEqual(await call("prune_images", { diskSpace }, { args: [{ all: false }] }), {});
  const all = await call("prune_images", { diskSpace }, { args: [{ all: true }] });
  assert.deepEqual(all, { args: ["Total reclaimed space: 0B\n"] });
});

Deno.test("prune_images refuses other arguments before anything is removed", async () => {
  const change = { diskSpace: { prune: () => Promise.reject(new Error("removed something")) } };
  const noDict = "first param should be a dict";
  const noBool = "all value for container prune is not a boolean";
  await refuses("prune_images", [
    [["all"], noDict],
    [[5], noDict],
    [[true], noDict],
    [[[]], noDict],
    [[[{ all: true }]], noDict],
    [[{ all: "true" }], noBool],
    [[{ all: 1 }], noBool],
    [[{ all: {} }], noBool],
    [[{ all: [true] }], noBool],
  ], change);
});

Deno.test("get_app_log_history returns one flat list", async () => {
  const asked: string[] = [];
  const readLogHistory = (channel: string) => {
    asked.push(channel);
    return Promise.resolve(["a", "b"]);
  };
  const reply = await call("get_app_log_history", { logs: { readHistory: readLogHistory } }, {
    args: [{ containerName: "prod_42_shop" }],
  });
  assert.deepEqual(reply, { args: [["a", "b"]] });
  assert.deepEqual(asked, ["prod_42_shop"]);
  const none = await call("get_app_log_history", {}, { args: [{ containerName: "prod_42_shop" }] });
  assert.deepEqual(none, { args: [[]] });
});

Deno.test("get_app_log_history refuses other arguments", async () => {
  await refuses("get_app_log_history", [
    [[], "arguments are missing"],
    [[null], "arguments are missing"],
    [["prod_42_shop"], "first param should be a dict"],
    [[[]], "first param should be a dict"],
    [[0], "first param should be a dict"],
    [[false], "first param should be a dict"],
    [[{}], "invalid value for containerName"],
    [[{ containerName: null }], "invalid value for containerName"],
    [[{ containerName: 5 }], "invalid value for containerName"],
    [[{ containername: "prod_42_shop" }], "invalid value for containerName"],
    [[{ containerName: "" }], "container name is empty"],
    [[{ containerName: " \t\n" }], "container name is empty"],
  ]);
});

Deno.test("get_storage_data returns the stats of a status report", async () => {
  assert.deepEqual(await call("get_storage_data"), { args: [stats] });
});

Deno.test("the network answers keep their odd shapes", async () => {
  const readInterfaces: Device["network"]["readInterfaces"] = () => [
    { interfaceName: "lo", family: "IPv4", address: "127.0.0.1", netmask: "255.0.0.0" },
    { interfaceName: "lo", family: "IPv6", address: "::1", netmask: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
    { interfaceName: "eth0", family: "IPv4", address: "192.168.1.5", netmask: "255.255.255.0" },
    { interfaceName: "eth0", family: "IPv6", address: "fe80::1", netmask: "ffff:ffff:ffff:ffff::" },
    { interfaceName: "eth1", family: "IPv4", address: "10.0.0.9", netmask: "255.255.254.0" },
    { interfaceName: "docker0", family: "IPv4", address: "172.17.0.1", netmask: "255.255.0.0" },
    { interfaceName: "tun0", family: "IPv6", address: "fd00::1", netmask: "::" },
  ];
  const bytes = (ones: number, all: number) =>
    btoa(String.fromCharCode(...Array.from({ length: all }, (_, index) => index < ones ? 255 : 0)));
  assert.deepEqual(await call("get_network_metadata", { network: { readInterfaces } }), {
    args: [
      { IP: "127.0.0.1", Mask: "/wAAAA==" },
      { IP: "::1", Mask: bytes(16, 16) },
      { IP: "192.168.1.5", Mask: "////AA==" },
      { IP: "fe80::1", Mask: bytes(8, 16) },
      { IP: "10.0.0.9", Mask: "///+AA==" },
      { IP: "172.17.0.1", Mask: "//8AAA==" },
      { IP: "fd00::1", Mask: bytes(0, 16) },
    ],
  });
  assert.deepEqual(await call("get_ipv4_addresses", { network: { readInterfaces } }), {
    args: [[{ interfaceName: "eth0", ip: "192.168.1.5" }, { interfaceName: "eth1", ip: "10.0.0.9" }]],
  });
  assert.deepEqual(await call("get_ipv4_addresses"), { args: [[]] });
  assert.deepEqual(await call("get_network_metadata"), { args: [] });
});

const facts = {
  os: "linux debian 13.3",
  OSVersion: "linux debian 13.3",
  arch: "arm",
  variant: "v7",
  version: "0.21.0",
  serialNumber: "SN-1",
  canUpdate: true,
  tunnelCapable: false,
};

Deno.test("get_agent_metadata includes the newest version if it can be found out", async () => {
  const latest = { latestVersion: "0.21.0", latestAgentVersion: "0.21.0", latestTunnelVersion: "0.70.0" };
  assert.deepEqual(await call("get_agent_metadata"), { args: [{ ...facts, ...latest, hasLatest: true }] });
  const newer = await call("get_agent_metadata", {
    selfUpdate: { readLatestVersion: () => Promise.resolve("0.22.0") },
  });
  const other = { ...latest, latestVersion: "0.22.0", latestAgentVersion: "0.22.0", hasLatest: false };
  assert.deepEqual(newer, { args: [{ ...facts, ...other }] });
  const unknown = await call("get_agent_metadata", {
    selfUpdate: { readLatestVersion: () => Promise.reject(new Error("no net")) },
  });
  assert.deepEqual(unknown, { args: [facts] });
});

Deno.test("get_tunnel_state returns an empty list", async () => {
  assert.deepEqual(await call("get_tunnel_state"), { args: [[]] });
});

Deno.test("the system procedures return nothing and schedule their action", async () => {
  const scheduled: string[] = [];
  const schedulePower = (action: string) => void scheduled.push(action);
  for (const name of ["system_reboot", "system_shutdown", "system_restart_agent"]) {
    assert.deepEqual(await call(name, { host: { schedulePower } }), {});
  }
  assert.deepEqual(scheduled, ["reboot", "shutdown", "restartAgent"]);
});

Deno.test("write_data passes a part on, and refuses any other arguments with fixed texts, in a fixed order", async () => {
  const seen: unknown[] = [];
  const writeData = (part: unknown) => Promise.resolve(void seen.push(part));
  const args = ["6162", "App.tgz", "dev_71_app", 2, "id"];
  assert.deepEqual(await call("write_data", { apps: { writeData } }, { args: [...args, "more"] }), {});
  const part = { chunk: "6162", fileName: "App.tgz", containerName: "dev_71_app", totalBytes: 2, id: "id" };
  assert.deepEqual(seen, [part]);
  const refused = (name: string) => `failed to parse ${name} argument`;
  const wrong = (at: number, value: unknown) => args.map((one, index) => index === at ? value : one);
  const totals = [-1, 1.5, NaN, Infinity, 2 ** 53, "2", null, {}, undefined];
  await refuses("write_data", [
    [[], refused("name")],
    [[1, 1, 1, "x", 1], refused("name")],
    [[1, "App.tgz", 1, "x", 1], refused("chunk")],
    [["BEGIN", "App.tgz"], refused("containerName")],
    [["BEGIN", "App.tgz", null, "x", 1], refused("containerName")],
    [["BEGIN", "App.tgz", "dev_71_app", "x", 1], refused("total")],
    [["BEGIN", "App.tgz", "dev_71_app", 1], refused("id")],
    [wrong(4, 5), refused("id")],
    [wrong(4, "x".repeat(600)), refused("id")],
    ...totals.map((total): [unknown[], string] => [wrong(3, total), refused("total")]),
  ]);
});

Deno.test("query_app_logs asks for what its arguments say, and answers in the words of the wire", async () => {
  const asked: unknown[] = [];
  const query: Device["logs"]["query"] = (one) => {
    asked.push(one);
    return Promise.resolve({
      lines: ["a", "b"],
      source: "docker",
      truncated: true,
      oldestAvailable: "2031-03-04T00:00:00Z",
    });
  };
  const ask = (fields: object) =>
    call("query_app_logs", { logs: { query } }, { args: [{ containerName: "prod_42_shop", ...fields }] });
  assert.deepEqual(await ask({}), {
    args: [{
      lines: ["a", "b"],
      source: "docker",
      returned: 2,
      truncated: true,
      device_time: "2031-03-05T07:00:00Z",
      oldest_available: "2031-03-04T00:00:00Z",
    }],
  });
  await ask({ tail: "300", offset: 90_000, since: " 2031-03-05T08:00:00.5+01:00 ", until: "1h30m", timestamps: false });
  await ask({ tail: 9_000.0, offset: null, since: "", until: null, timestamps: null });
  await ask({ tail: 0, since: "-90s", until: "1930460400" });
  const shared = { channel: "prod_42_shop", tail: 200, offset: 0, window: {}, timestamps: true };
  const nowMs = Date.UTC(2031, 2, 5, 7, 0, 0, 789);
  const [sinceMs, untilMs] = [Date.UTC(2031, 2, 5, 7, 0, 0, 500), nowMs - 5_400_000];
  assert.deepEqual(asked, [
    shared,
    { ...shared, tail: 300, offset: 90_000, window: { sinceMs, untilMs }, timestamps: false },
    { ...shared, tail: 5_000 },
    { ...shared, window: { sinceMs: nowMs - 90_000, untilMs: 1_930_460_400_000 } },
  ]);
});

Deno.test("query_app_logs refuses wrong arguments with fixed texts", async () => {
  const name = "prod_42_shop";
  const number = (field: string) => `the ${field} param should be a non-negative whole number`;
  const noTime = (text: string) => `invalid since: "${text}" is not an RFC3339 time, a Unix timestamp, or a duration`;
  await refuses("query_app_logs", [
    [[], "arguments are missing"],
    [[null], "arguments are missing"],
    [[5], "first param should be a dict"],
    [[{}], "invalid value for containerName"],
    [[{ containerName: " " }], "container name is empty"],
    ...[-1, 1.5, "x", "1.5", "-1", "", " 5", true, [], {}, "99999999999999999999"].flatMap((
      value,
    ): [unknown[], string][] => [
      [[{ containerName: name, tail: value }], number("tail")],
      [[{ containerName: name, offset: value }], number("offset")],
    ]),
    [[{ containerName: name, since: 5 }], "the since param should be a string"],
    [[{ containerName: name, until: ["1h"] }], "the until param should be a string"],
    [[{ containerName: name, since: "  " }], "invalid since: empty log time"],
    ...["last week", "2031-03-05", "2031-02-30T00:00:00Z", "1d", "1h 30m", "1.5.5h", "h", ".", "--1h", "1e9"].map(
      (text): [unknown[], string] => [[{ containerName: name, since: text }], noTime(text)],
    ),
    [[{ containerName: name, timestamps: "yes" }], "the timestamps param should be a boolean"],
  ]);
});

Deno.test("query_device_logs reads level and lines, and needs no arguments", async () => {
  const asked: unknown[] = [];
  const queryOwn: Device["logs"]["queryOwn"] = (one) => {
    asked.push(one);
    return Promise.resolve({ lines: [], truncated: false, filesScanned: 3, oldestAvailable: undefined });
  };
  const answer = await call("query_device_logs", { logs: { queryOwn } });
  assert.deepEqual(answer, {
    args: [{ lines: [], returned: 0, truncated: false, files_scanned: 3, device_time: "2031-03-05T07:00:00Z" }],
  });
  await call("query_device_logs", { logs: { queryOwn } }, { args: [{ tail: "6000", level: " Warn ", since: "0" }] });
  assert.deepEqual(asked, [
    { tail: 300, window: {}, level: "info" },
    { tail: 5_000, window: { sinceMs: Date.UTC(2031, 2, 5, 7, 0, 0, 789) }, level: "Warn" },
  ]);
  await refuses("query_device_logs", [
    [[null], "first param should be a dict"],
    [["x"], "first param should be a dict"],
    [[{ level: 5 }], "the level param should be a string"],
    [[{ tail: -1 }], "the tail param should be a non-negative whole number"],
    [[{ until: "soon" }], 'invalid until: "soon" is not an RFC3339 time, a Unix timestamp, or a duration'],
  ]);
});
