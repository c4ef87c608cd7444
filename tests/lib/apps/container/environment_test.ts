/** Tests of the environment of apps: what is in it, who wins, and what malformed input costs. */

import assert from "node:assert/strict";
import {
  type AppSurroundings,
  containerEnv,
  environmentOf,
  isVariableName,
  type Variable,
} from "../../../../lib/apps/container/environment.ts";
import type { AppRequest, PortRule } from "../../../../lib/model/app.ts";
import { readFlock } from "../../../../lib/config/flock.ts";

const flock = readFlock(JSON.stringify({
  name: "pump 7",
  secret: "device-secret",
  swarm_key: 12,
  device_key: 345,
  serial_number: "3f0d",
  swarm_name: "pumps",
  swarm_owner_name: "ada",
  device_endpoint_url: "ws://localhost:8080/ws-re-dev",
  environment: "test",
}));
assert.equal(flock.kind, "read");
const config = flock.kind === "read" ? flock.flock.config : assert.fail();

const offline: AppSurroundings = { config, lanAddress: undefined, baseUrl: undefined, credential: undefined };
const online: AppSurroundings = {
  config,
  lanAddress: "192.168.0.7",
  baseUrl: "https://studio.ironflock.com",
  credential: { id: "app-7-prod-e1@3f0d", secret: "c2VjcmV0" },
};

function request(overrides: Partial<AppRequest> = {}): AppRequest {
  return {
    appKey: 7,
    stage: "PROD",
    appName: "Shop",
    target: "RUNNING",
    current: undefined,
    requestorAccountKey: 1,
    deviceOwnerAccountKey: 0,
    releaseKey: 0,
    newReleaseKey: 0,
    version: "",
    presentVersion: "",
    newestVersion: "",
    requestUpdate: false,
    cancelTransition: false,
    environment: {},
    environmentTemplate: {},
    ports: [],
    otherPorts: [],
    dockerCompose: null,
    newDockerCompose: null,
    dockerCredentials: {},
    instanceKey: 0,
    appCredEpoch: 0,
    ...overrides,
  };
}

function rule(overrides: Partial<PortRule>): PortRule {
  return {
    main: false,
    name: "",
    active: true,
    public: false,
    port: 8080,
    protocol: "http",
    localIp: "",
    remotePortEnvironment: "",
    remotePort: 0,
    hostPort: 0,
    cloudRemotePort: 0,
    extra: {},
    ...overrides,
  };
}

type Given = Partial<Parameters<typeof environmentOf>[1]>;

function build(overrides: Partial<AppRequest>, given: Given = {}): { text: string[]; warnings: string[] } {
  const { variables, warnings } = environmentOf(request(overrides), { surroundings: offline, ports: [], ...given });
  return { text: variables.map(({ name, value }) => `${name}=${value}`), warnings };
}

/** What is added to an app of the same stage about which nothing is said. */
function added(overrides: Partial<AppRequest>, given: Given = {}): string[] {
  const { stage = "PROD" } = overrides;
  const plain = new Set(build({ stage }).text);
  return build(overrides, given).text.filter((text) => !plain.has(text));
}

const atOnce = [
  "DEVICE_SERIAL_NUMBER=3f0d",
  "ENV=PROD",
  "DEVICE_KEY=345",
  "SWARM_KEY=12",
  "APP_KEY=7",
  "APP_NAME=Shop",
  "DEVICE_NAME=pump 7",
  "DEVICE_ENDPOINT_URL=ws://host.docker.internal:8080/ws-re-dev",
  "TUNNEL_DOMAIN=app.ironflock.dev",
];

Deno.test("environmentOf() tells every app what is always known", () => {
  assert.deepEqual(build({}), { text: atOnce, warnings: [] });
  assert.deepEqual(build({ stage: "DEV" }).text, atOnce.map((text) => text === "ENV=PROD" ? "ENV=DEV" : text));
});

Deno.test("environmentOf() adds what is known by and by", () => {
  assert.deepEqual(build({ instanceKey: 9 }, { surroundings: online }).text.slice(atOnce.length), [
    "APP_AUTH_ID=app-7-prod-e1@3f0d",
    "APP_AUTH_SECRET=c2VjcmV0",
    "DEVICE_LAN_IP=192.168.0.7",
    "INSTANCE_KEY=9",
    "RESWARM_URL=https://studio.ironflock.com",
    "DEVICE_URL=https://studio.ironflock.com/ada/swarms/pumps/settings/devices/pump 7",
  ]);
  assert.deepEqual(added({}, { surroundings: { ...offline, lanAddress: "", baseUrl: "" } }), []);
});

Deno.test("environmentOf() never tells the device's own secret", () => {
  for (const stage of ["DEV", "PROD"] as const) {
    assert.ok(!JSON.stringify(build({ stage }, { surroundings: online })).includes("device-secret"));
  }
});

Deno.test("environmentOf() writes values as text in one line", () => {
  const cases: [value: unknown, expected: string][] = [
    ["plain", "plain"],
    ["", ""],
    [" a = 'b' # \"c\" $d ", " a = 'b' # \"c\" $d "],
    ["a\nb\tc\rd\r\n", "a\\nb\\tc\\rd\\r\\n"],
    ["grün \u{1f600}", "grün \u{1f600}"],
    ["half \ud800", "half \ufffd"],
    [true, "true"],
    [false, "false"],
    [0, "0"],
    [-0, "0"],
    [-17, "-17"],
    [1_000_000, "1000000"],
    [123_456_789.25, "123456789.25"],
    [1e21, "1000000000000000000000"],
    [1.5e-7, "0.00000015"],
    [-2e-10, "-0.0000000002"],
    [null, ""],
    [undefined, ""],
    [["a", 1], '["a",1]'],
    [{ a: "b\n" }, '{"a":"b\\n"}'],
  ];
  for (const [value, expected] of cases) {
    assert.deepEqual(added({ environment: { NAME: { value } } }), [`NAME=${expected}`], String(value));
  }
  assert.deepEqual(added({ environment: { NAME: {} } }), ["NAME="]);
});

Deno.test("environmentOf() takes of a template only the defaults that there are", () => {
  const environmentTemplate = {
    TEXT: { defaultValue: "a", label: "A text" },
    NUMBER: { defaultValue: 5 },
    EMPTY: { defaultValue: "" },
    NONE: { defaultValue: null },
    ABSENT: { value: "not a default" },
  };
  const expected = ["TEXT=a", "NUMBER=5", "EMPTY="];
  assert.deepEqual(added({ environmentTemplate }), expected);
  assert.deepEqual(added({ environmentTemplate, stage: "DEV" }), expected);
  assert.deepEqual(build({ environmentTemplate }).warnings, []);
});

Deno.test("environmentOf() lets a PROD app's user override the agent and the template, each name once", () => {
  const environment = { DEVICE_NAME: { value: "mine" }, COLOR: { value: "red" } };
  const environmentTemplate = { COLOR: { defaultValue: "blue" }, DEVICE_NAME: { defaultValue: "x" } };
  const { text } = build({ environment, environmentTemplate });
  assert.deepEqual(text, [
    ...atOnce.filter((line) => !line.startsWith("DEVICE_NAME=")),
    "DEVICE_NAME=mine",
    "COLOR=red",
  ]);
});

Deno.test("environmentOf() finds a default missing by its name, not by a text that holds it", () => {
  const environment = { DEVICE_PORT: { value: "PORT" } };
  const environmentTemplate = { PORT: { defaultValue: 1 } };
  assert.deepEqual(added({ environment, environmentTemplate }), ["DEVICE_PORT=PORT", "PORT=1"]);
});

Deno.test("environmentOf() gives a DEV app its template over the agent, and nothing of users and tunnels", () => {
  const overrides: Partial<AppRequest> = {
    stage: "DEV",
    environment: { COLOR: { value: "red" } },
    environmentTemplate: { DEVICE_NAME: { defaultValue: "bench" } },
    ports: [rule({ protocol: "tcp", cloudRemotePort: 9001 })],
  };
  assert.deepEqual(added(overrides, { remotePorts: new Map([["tcp:8080", 9000]]) }), ["DEVICE_NAME=bench"]);
});

Deno.test("environmentOf() lets nobody set reserved names, and says so without the value", () => {
  for (const name of ["APP_AUTH_ID", "APP_AUTH_SECRET"]) {
    for (const surroundings of [offline, online]) {
      for (
        const overrides of [
          { environment: { [name]: { value: "forged" } } },
          { environmentTemplate: { [name]: { defaultValue: "forged" } }, stage: "DEV" } as const,
          { ports: [rule({ remotePortEnvironment: name })] },
        ]
      ) {
        const given = { surroundings, remotePorts: new Map([["http:8080", 6666]] as const) };
        const { text, warnings } = build(overrides, given);
        assert.ok(!text.some((line) => /forged|^(?!REMOTE).*=6666/.test(line)), name);
        assert.deepEqual(warnings, [`The variable "${name}" is left out: its name is reserved`]);
      }
    }
  }
});

Deno.test("environmentOf() tells where published ports are, tcp before udp", () => {
  const ports = [
    { port: 8080, transport: "tcp", hostPort: 40_002 },
    { port: 53, transport: "tcp", hostPort: 40_001 },
    { port: 53, transport: "udp", hostPort: 40_000 },
  ] as const;
  const expected = ["DEVICE_PORT_FOR_53=40001", "DEVICE_PORT_FOR_8080=40002"];
  for (const order of [ports, ports.toReversed()]) {
    assert.deepEqual(added({}, { ports: order }), expected);
    assert.deepEqual(added({ stage: "DEV" }, { ports: order }), expected);
    assert.deepEqual(added({ environment: { DEVICE_PORT_FOR_53: { value: "1" } } }, { ports: order }), expected);
  }
});

Deno.test("environmentOf() tells remote ports of live tunnels and cloud ports, also under the app's own name", () => {
  const ports = [
    rule({ port: 502, protocol: "tcp", remotePortEnvironment: "MODBUS", cloudRemotePort: 9002 }),
    rule({ port: 80, protocol: "http" }),
    rule({ port: 81, protocol: "http", remotePort: 7777 }),
  ];
  const remotePorts = new Map([["tcp:502", 9000], ["http:80", 0]] as const);
  const cloud = ["REMOTE_PORT_FOR_502_CLOUD=9002", "MODBUS_CLOUD=9002"];
  assert.deepEqual(added({ ports }), cloud);
  assert.deepEqual(added({ ports, environment: { MODBUS_CLOUD: { value: "mine" } } }), cloud);
  assert.deepEqual(added({ ports }, { remotePorts }), [
    "REMOTE_PORT_FOR_502=9000",
    "REMOTE_PORT_FOR_502_CLOUD=9002",
    "MODBUS=9000",
    "MODBUS_CLOUD=9002",
    "REMOTE_PORT_FOR_80=0",
  ]);
});

Deno.test("environmentOf() leaves out what cannot be a variable, with a sentence each, and keeps the rest", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const cases: [name: string, entry: unknown, reason: string][] = [
    ["", { value: "v" }, "its name cannot be one of a variable"],
    ["A=B", { value: "v" }, "its name cannot be one of a variable"],
    ["../../evil", { value: "v" }, "its name cannot be one of a variable"],
    ["a\\b", { value: "v" }, "its name cannot be one of a variable"],
    ["A\nB", { value: "v" }, "its name cannot be one of a variable"],
    ["A\0", { value: "v" }, "its name cannot be one of a variable"],
    ["A\u0085", { value: "v" }, "its name cannot be one of a variable"],
    ["A\ud800", { value: "v" }, "its name cannot be one of a variable"],
    ["NUL", { value: "a\0b" }, "its value has a NUL character"],
    ["CYCLE", { value: cyclic }, "its value cannot be written as text"],
    ["TEXT", "v", "its entry is not an object"],
    ["LIST", ["v"], "its entry is not an object"],
    ["NONE", null, "its entry is not an object"],
  ];
  for (const [name, entry, reason] of cases) {
    const given = { environment: { [name]: entry, GOOD: { value: "v" } } };
    assert.deepEqual(added(given), ["GOOD=v"], name);
    const { warnings } = build(given);
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0]?.startsWith('The variable "') && warnings[0].endsWith(`" is left out: ${reason}`), name);
  }
});

Deno.test("isVariableName() knows what a file name can take", () => {
  assert.ok(isVariableName("n".repeat(251)));
  assert.ok(!isVariableName("n".repeat(252)));
  assert.ok(isVariableName("ü".repeat(125)));
  assert.ok(!isVariableName("ü".repeat(126)));
  for (const name of ["A", "..", "a b", "a-b", "Größe", "%", "__proto__"]) assert.ok(isVariableName(name), name);
});

Deno.test("environmentOf() shortens long names in its sentences", () => {
  const { warnings } = build({ environment: { ["/".repeat(10_000)]: { value: "v" } } });
  assert.ok((warnings[0]?.length ?? 0) < 150);
});

Deno.test("containerEnv() leaves out what is longer than 20480 bytes", () => {
  const variable = (value: string): Variable => ({ name: "LONG", value });
  assert.deepEqual(containerEnv([variable("a".repeat(20_475))]).map((text) => text.length), [20_480]);
  assert.deepEqual(containerEnv([variable("a".repeat(20_476))]), []);
  assert.deepEqual(containerEnv([variable("ü".repeat(10_238))]), []);
  assert.deepEqual(containerEnv([{ name: "A", value: "b=c" }, variable("ü".repeat(10_237))])[0], "A=b=c");
});

Deno.test("for every environment, environmentOf() throws nothing and gives usable names, each once", () => {
  const pieces = ["A", "B", "=", "\0", "/", "\n", "\ud800", "ü", "", "APP_AUTH_ID", "__proto__", "ENV", "..", " "];
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const pick = <T>(list: readonly [T, ...T[]]): T => list[Math.floor(random() * list.length)] ?? list[0];
    const text = () => pick(["", pieces[Math.floor(random() * pieces.length)] ?? ""]) + pick(["A", "B", "\t", "="]);
    const value = (depth: number): unknown => {
      const leaf = pick([null, undefined, true, 1e300, -1e-300, Number.NaN, 10n, Symbol("s"), () => {}, text()]);
      if (depth === 0) return leaf;
      return pick<unknown>([leaf, [value(depth - 1)], { value: value(depth - 1), defaultValue: value(depth - 1) }]);
    };
    const entries = () => Object.fromEntries(Array.from({ length: 12 }, () => [text(), value(3)]));
    const ports = [rule({ remotePortEnvironment: text(), cloudRemotePort: 5 }), rule({ protocol: "udp" })];
    const overrides = { environment: entries(), environmentTemplate: entries(), ports };
    for (const stage of ["DEV", "PROD"] as const) {
      const { variables, warnings } = environmentOf(request({ ...overrides, stage }), {
        surroundings: online,
        ports: [{ port: 8080, transport: "tcp", hostPort: 40_000 }],
        remotePorts: new Map([["http:8080", 9000]]),
      });
      const names = variables.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, `seed ${seed}`);
      assert.ok(names.every(isVariableName), `seed ${seed}`);
      assert.ok(variables.every((variable) => !/[\0\n\r\t]/.test(variable.value)), `seed ${seed}`);
      assert.equal(variables.find(({ name }) => name === "APP_AUTH_ID")?.value, online.credential?.id, `seed ${seed}`);
      assert.ok(warnings.every((warning) => warning.isWellFormed()), `seed ${seed}`);
    }
  }
});

/** Numbers from 0 to 1 that are the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
