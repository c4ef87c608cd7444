import assert from "node:assert/strict";
import { appEnvironment, type EnvironmentSources } from "../../../../lib/apps/container/environment.ts";
import { isVariableName } from "../../../../lib/apps/container/variable.ts";
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

const offline: EnvironmentSources = {
  config,
  lanAddress: undefined,
  baseUrl: undefined,
  credential: undefined,
  site: [],
};
const online: EnvironmentSources = {
  config,
  lanAddress: "192.168.0.7",
  baseUrl: "https://studio.ironflock.com",
  credential: { id: "app-7-prod-e1@3f0d", secret: "c2VjcmV0" },
  site: [],
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
    reservedHostPort: 0,
    reservedRemotePort: 0,
    reservationError: "",
    extra: {},
    ...overrides,
  };
}

type Options = Partial<Parameters<typeof appEnvironment>[1]>;

function build(overrides: Partial<AppRequest>, options: Options = {}): { text: string[]; warnings: string[] } {
  const { variables, warnings } = appEnvironment(request(overrides), { sources: offline, ports: [], ...options });
  return { text: variables.map(({ name, value }) => `${name}=${value}`), warnings };
}

/** What `overrides` add to the variables of a plain app of the same stage. */
function added(overrides: Partial<AppRequest>, options: Options = {}): string[] {
  const { stage = "PROD" } = overrides;
  const plain = new Set(build({ stage }).text);
  return build(overrides, options).text.filter((text) => !plain.has(text));
}

const always = [
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

Deno.test("M35: appEnvironment() has what is always known, for every app", () => {
  assert.deepEqual(build({}), { text: always, warnings: [] });
  assert.deepEqual(build({ stage: "DEV" }).text, always.map((text) => text === "ENV=PROD" ? "ENV=DEV" : text));
});

Deno.test("appEnvironment() adds what becomes known later", () => {
  assert.deepEqual(build({ instanceKey: 9 }, { sources: online }).text.slice(always.length), [
    "DEVICE_LAN_IP=192.168.0.7",
    "APP_AUTH_ID=app-7-prod-e1@3f0d",
    "APP_AUTH_SECRET=c2VjcmV0",
    "INSTANCE_KEY=9",
    "RESWARM_URL=https://studio.ironflock.com",
    "DEVICE_URL=https://studio.ironflock.com/ada/swarms/pumps/settings/devices/pump 7",
  ]);
  assert.deepEqual(added({}, { sources: { ...offline, lanAddress: "", baseUrl: "" } }), []);
});

Deno.test("M31: appEnvironment() never contains the device's own secret", () => {
  for (const stage of ["DEV", "PROD"] as const) {
    assert.ok(!JSON.stringify(build({ stage }, { sources: online })).includes("device-secret"));
  }
});

Deno.test("#12: appEnvironment() passes every character of a value on, line breaks included", () => {
  const pem = "-----BEGIN KEY-----\r\nMIIB\tAg==\r\n-----END KEY-----\n";
  for (const value of [pem, "\n", "\r", "\t", "a\\nb", "\u0001\u001b[1m\u2028", "a\n\nb\n"]) {
    const expected = [`NAME=${value}`];
    assert.deepEqual(added({ environment: { NAME: { value } } }), expected, JSON.stringify(value));
    const environmentTemplate = { NAME: { defaultValue: value } };
    assert.deepEqual(added({ environmentTemplate }), expected);
    assert.deepEqual(added({ environmentTemplate, stage: "DEV" }), expected);
  }
});

Deno.test("appEnvironment() writes values as text", () => {
  const cases: [value: unknown, expected: string][] = [
    ["plain", "plain"],
    ["", ""],
    [" a = 'b' # \"c\" $d ", " a = 'b' # \"c\" $d "],
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

Deno.test("appEnvironment() takes only existing defaults from a template", () => {
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

Deno.test("appEnvironment() lets the user of a PROD app override the agent and the template, each name once", () => {
  const environment = { DEVICE_NAME: { value: "mine" }, COLOR: { value: "red" } };
  const environmentTemplate = { COLOR: { defaultValue: "blue" }, DEVICE_NAME: { defaultValue: "x" } };
  const { text } = build({ environment, environmentTemplate });
  assert.deepEqual(text, [
    ...always.filter((line) => !line.startsWith("DEVICE_NAME=")),
    "DEVICE_NAME=mine",
    "COLOR=red",
  ]);
});

Deno.test("appEnvironment() compares whole names to find out which defaults are missing", () => {
  const environment = { DEVICE_PORT: { value: "PORT" } };
  const environmentTemplate = { PORT: { defaultValue: 1 } };
  assert.deepEqual(added({ environment, environmentTemplate }), ["DEVICE_PORT=PORT", "PORT=1"]);
});

Deno.test("appEnvironment() lets the template of a DEV app override the agent, and adds nothing of users and tunnels", () => {
  const overrides: Partial<AppRequest> = {
    stage: "DEV",
    environment: { COLOR: { value: "red" } },
    environmentTemplate: { DEVICE_NAME: { defaultValue: "bench" } },
    ports: [rule({ protocol: "tcp", cloudRemotePort: 9001 })],
  };
  assert.deepEqual(added(overrides, { remotePorts: new Map([["tcp:8080", 9000]]) }), ["DEVICE_NAME=bench"]);
});

Deno.test("M31: appEnvironment() lets nobody set reserved names, and warns without the value", () => {
  for (const name of ["APP_AUTH_ID", "APP_AUTH_SECRET"]) {
    for (const sources of [offline, online]) {
      for (
        const overrides of [
          { environment: { [name]: { value: "forged" } } },
          { environmentTemplate: { [name]: { defaultValue: "forged" } }, stage: "DEV" } as const,
          { ports: [rule({ remotePortEnvironment: name })] },
        ]
      ) {
        const options = { sources, remotePorts: new Map([["http:8080", 6666]] as const) };
        const { text, warnings } = build(overrides, options);
        assert.ok(!text.some((line) => /forged|^(?!REMOTE).*=6666/.test(line)), name);
        assert.deepEqual(warnings, [`The variable "${name}" is left out: its name is reserved`]);
      }
    }
  }
});

Deno.test("appEnvironment() contains the published ports, tcp before udp", () => {
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

Deno.test("appEnvironment() contains remote ports of open tunnels and cloud ports, under the app's own names too", () => {
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

Deno.test("appEnvironment() leaves out what cannot be a variable, with a warning each, and keeps the rest", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const cases: [name: string, entry: unknown, reason: string][] = [
    ["", { value: "v" }, "its name cannot be that of a variable"],
    ["A=B", { value: "v" }, "its name cannot be that of a variable"],
    ["../../evil", { value: "v" }, "its name cannot be that of a variable"],
    ["a\\b", { value: "v" }, "its name cannot be that of a variable"],
    ["A\nB", { value: "v" }, "its name cannot be that of a variable"],
    ["A\0", { value: "v" }, "its name cannot be that of a variable"],
    ["A\u0085", { value: "v" }, "its name cannot be that of a variable"],
    ["A\ud800", { value: "v" }, "its name cannot be that of a variable"],
    ["NUL", { value: "a\0b" }, "its value has a NUL character"],
    ["CYCLE", { value: cyclic }, "its value cannot be written as text"],
    ["TEXT", "v", "its entry is not an object"],
    ["LIST", ["v"], "its entry is not an object"],
    ["NONE", null, "its entry is not an object"],
  ];
  for (const [name, entry, reason] of cases) {
    const overrides = { environment: { [name]: entry, GOOD: { value: "v" } } };
    assert.deepEqual(added(overrides), ["GOOD=v"], name);
    const { warnings } = build(overrides);
    assert.equal(warnings.length, 1);
    assert.ok(warnings[0]?.startsWith('The variable "') && warnings[0].endsWith(`" is left out: ${reason}`), name);
  }
});

Deno.test("appEnvironment() shortens long names in its warnings", () => {
  const { warnings } = build({ environment: { ["/".repeat(10_000)]: { value: "v" } } });
  assert.ok((warnings[0]?.length ?? 0) < 150);
});

Deno.test("for every request, appEnvironment() throws nothing and returns usable names, each once", () => {
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
      const { variables, warnings } = appEnvironment(request({ ...overrides, stage }), {
        sources: online,
        ports: [{ port: 8080, transport: "tcp", hostPort: 40_000 }],
        remotePorts: new Map([["http:8080", 9000]]),
      });
      const names = variables.map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, `seed ${seed}`);
      assert.ok(names.every(isVariableName), `seed ${seed}`);
      assert.ok(variables.every((variable) => !variable.value.includes("\0")), `seed ${seed}`);
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

Deno.test("change 2.8: what an app knows of its site are defaults after DEVICE_LAN_IP; any value of the app counts instead", () => {
  const site = [["HTTP_PROXY", "http://p:1"], ["SSL_CERT_FILE", "/a"]] as const;
  const sources = { ...online, site };
  const names = build({}, { sources }).text.map((text) => text.split("=")[0]);
  assert.deepEqual(names.slice(names.indexOf("DEVICE_LAN_IP"), names.indexOf("APP_AUTH_ID")), [
    ...["DEVICE_LAN_IP", "HTTP_PROXY", "SSL_CERT_FILE"],
  ]);
  const of = (change: Partial<AppRequest>) =>
    build(change, { sources }).text.filter((text) => text.startsWith("HTTP_PROXY="));
  assert.deepEqual(of({}), ["HTTP_PROXY=http://p:1"]);
  assert.deepEqual(of({ environment: { HTTP_PROXY: { value: "" } } }), ["HTTP_PROXY="]);
  const environmentTemplate = { HTTP_PROXY: { defaultValue: "http://own:1" } };
  assert.deepEqual(of({ environmentTemplate }), ["HTTP_PROXY=http://own:1"]);
  assert.deepEqual(of({ environmentTemplate, stage: "DEV" }), ["HTTP_PROXY=http://own:1"]);
  assert.deepEqual(of({ stage: "DEV" }), ["HTTP_PROXY=http://p:1"]);
});

Deno.test("M34: appEnvironment() tells apart names that an app of this kind cannot have", () => {
  const wanted = { environment: { "BAD NAME": { value: "1" }, GOOD: { value: "2" }, "": { value: "3" } } };
  const isName = (name: string) => /^\w+$/.test(name);
  const made = appEnvironment(request(wanted), { sources: offline, ports: [], isName });
  assert.deepEqual(made.invalidNames, ["BAD NAME", ""]);
  assert.deepEqual(made.warnings, []);
  assert.deepEqual(made.variables.filter(({ name }) => !isVariableName(name) || name.includes(" ")), []);
  assert.equal(made.variables.find(({ name }) => name === "GOOD")?.value, "2");
});

Deno.test("apps.md 4.3: of services that declare one port the first one has the variable", () => {
  const ports = [
    { service: "b", port: 80, transport: "tcp", hostPort: 1 },
    { service: "a", port: 80, transport: "udp", hostPort: 2 },
    { service: "a", port: 80, transport: "tcp", hostPort: 3 },
    { service: "c", port: 53, transport: "udp", hostPort: 4 },
  ] as const;
  const { variables } = appEnvironment(request(), { sources: offline, ports });
  const found = variables.filter(({ name }) => name.startsWith("DEVICE_PORT_FOR_"));
  assert.deepEqual(found.map(({ name, value }) => `${name}=${value}`), [
    "DEVICE_PORT_FOR_53=4",
    "DEVICE_PORT_FOR_80=3",
  ]);
});
