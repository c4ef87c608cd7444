import assert from "node:assert/strict";
import type { PortRule } from "../../../lib/model/app.ts";
import { type Backend, createBackend } from "../../../lib/backend/backend.ts";
import { offlineWire, type Wire } from "../../../lib/wamp/wire.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { openWithPeer, type SessionWithPeer } from "../wamp/open_session.ts";

const device = { deviceKey: 345, swarmKey: 12, serialNumber: "SN-1" };

interface Asked {
  name: string;
  ask: (backend: Backend) => Promise<unknown>;
  uri: string;
  args?: unknown[];
  answer: unknown[];
  expected: unknown;
}

const report = {
  id: { appKey: 42, stage: "PROD" as const },
  state: "RUNNING" as const,
  requestorAccountKey: 3,
  releaseKey: 7,
  requestUpdate: false,
  releaseBuild: false,
  updateStatus: "" as const,
};

const port: PortRule = {
  main: true,
  name: "web",
  active: true,
  public: false,
  port: 8080,
  protocol: "http",
  localIp: "",
  remotePortEnvironment: "",
  ...{ remotePort: 0, hostPort: 40001, cloudRemotePort: 0 },
  ...{ reservedHostPort: 0, reservedRemotePort: 0, reservationError: "" },
  extra: {},
};

const metadata = { device_name: "edge-1", swarm_name: "demo", ownername: "acme", swarm_key: 12 };
const readMetadata = (backend: Backend) => backend.readDeviceMetadata();
const metadataUri = "reswarm.devices.read_device_metadata";
const statusUri = "reswarm.devices.update_device_status";
const sendStatus = (backend: Backend) => backend.updateDeviceStatus({ status: "CONNECTED", stats: { cpu_count: 4 } });
const isAllowed = (backend: Backend) => backend.checkPrivilege({ privilege: "MAINTAIN", requestor: 77 });
const privilegeUri = "reswarm.devices.check_privilege";
const tokenUri = "reswarm.containers.get_registry_token";
const updateUri = "reswarm.containers.update_app_on_device";
const match = (backend: Backend) => backend.matchSubscription("reswarm.logs.SN-1.prod_42_myapp");
const matchUri = "wamp.subscription.match";
const collectGarbage = (backend: Backend) => backend.runRegistryGc();
const garbageUri = "reswarm.registry.run_gc";
const statesUri = "reswarm.containers.get_requested_app_states";

const cases: Asked[] = [
  {
    name: "metadata",
    ask: readMetadata,
    uri: metadataUri,
    args: [{ device_key: 345 }],
    answer: [[metadata]],
    expected: { name: "edge-1", swarmName: "demo", swarmOwnerName: "acme", swarmKey: 12 },
  },
  {
    name: "metadata with a swarm key as text",
    ask: readMetadata,
    uri: metadataUri,
    answer: [[{ swarm_key: "13" }]],
    expected: { swarmKey: 13 },
  },
  {
    name: "metadata with names that are not text",
    ask: readMetadata,
    uri: metadataUri,
    answer: [[{ swarm_key: 13, device_name: 5, swarm_name: null }]],
    expected: { name: "5", swarmKey: 13 },
  },
  {
    name: "the credential key",
    ask: (backend) => backend.getAppCredKey(),
    uri: "reswarm.devices.get_app_cred_key",
    args: [],
    answer: [["dGVz"]],
    expected: "dGVz",
  },
  {
    name: "a status report",
    ask: (backend) =>
      backend.updateDeviceStatus({ status: "CONFIGURING", stats: { cpu_count: 4 }, tunnelCapable: true }),
    uri: statusUri,
    args: [{
      swarm_key: 12,
      device_key: 345,
      status: "CONFIGURING",
      wamp_session_id: 77,
      stats: { cpu_count: 4 },
      tunnel_capable: true,
    }],
    answer: [[{ reswarmBaseURL: "https://studio.example.com" }]],
    expected: { baseUrl: "https://studio.example.com" },
  },
  {
    name: "a status answer with a base for downloads",
    ask: sendStatus,
    uri: statusUri,
    answer: [[{ reswarmBaseURL: 5, agentUpdateURL: "https://storage.example.com" }]],
    expected: { updateUrl: "https://storage.example.com" },
  },
  {
    name: "a status answer with a base that is no address of the web",
    ask: sendStatus,
    uri: statusUri,
    answer: [[{ reswarmBaseURL: "https://studio.example.com", agentUpdateURL: "file:///root" }]],
    expected: { baseUrl: "https://studio.example.com" },
  },
  {
    name: "a status report before the tunnel is known",
    ask: sendStatus,
    uri: statusUri,
    args: [{ swarm_key: 12, device_key: 345, status: "CONNECTED", wamp_session_id: 77, stats: { cpu_count: 4 } }],
    answer: [[{}]],
    expected: {},
  },
  { name: "a status answer without arguments", ask: sendStatus, uri: statusUri, answer: [], expected: {} },
  { name: "a status answer with an empty list", ask: sendStatus, uri: statusUri, answer: [[]], expected: {} },
  { name: "a status answer with null", ask: sendStatus, uri: statusUri, answer: [[null]], expected: {} },
  {
    name: "a base address that is not text",
    ask: sendStatus,
    uri: statusUri,
    answer: [[{ reswarmBaseURL: null }]],
    expected: {},
  },
  {
    name: "the architecture",
    ask: (backend) =>
      backend.updateDeviceArchitecture({ arch: "arm", variant: "v7", os: "linux debian 12.5", agentVersion: "1.2.3" }),
    uri: "reswarm.devices.update_device_architecture",
    args: [{
      swarm_key: 12,
      device_key: 345,
      architecture: "armv7",
      os: "linux debian 12.5",
      arch: "arm",
      variant: "v7",
      agent_version: "1.2.3",
    }],
    answer: [],
    expected: undefined,
  },
  {
    name: "a privilege",
    ask: isAllowed,
    uri: privilegeUri,
    args: [{ privilege: "MAINTAIN", entity: "DEVICE", entity_key: 345, requestor_account_key: 77, swarm_key: 12 }],
    answer: [[true]],
    expected: true,
  },
  { name: "a privilege that is missing", ask: isAllowed, uri: privilegeUri, answer: [[false]], expected: false },
  {
    name: "requested states",
    ask: (backend) => backend.getRequestedAppStates(),
    uri: statesUri,
    args: [{ device_key: 345 }],
    answer: [[[{ app_key: 1 }, "odd"]]],
    expected: [{ app_key: 1 }, "odd"],
  },
  {
    name: "an empty list of requested states",
    ask: (backend) => backend.getRequestedAppStates(),
    uri: statesUri,
    answer: [[[]]],
    expected: [],
  },
  {
    name: "a registry token",
    ask: (backend) => backend.getRegistryToken(2),
    uri: tokenUri,
    args: [{ callerID: 2 }],
    answer: [["token"]],
    expected: "token",
  },
  {
    name: "no registry token",
    ask: (backend) => backend.getRegistryToken(2),
    uri: tokenUri,
    answer: [null],
    expected: "",
  },
  {
    name: "a registry answer with an empty list",
    ask: (backend) => backend.getRegistryToken(2),
    uri: tokenUri,
    answer: [[]],
    expected: "",
  },
  {
    name: "a state report",
    ask: (backend) => backend.reportAppState(report),
    uri: updateUri,
    args: [{
      app_key: 42,
      device_key: 345,
      swarm_key: 12,
      serial_number: "SN-1",
      stage: "PROD",
      state: "RUNNING",
      device_to_app_key: 0,
      requestor_account_key: 3,
      release_key: 7,
      request_update: false,
      release_build: false,
      updateStatus: "",
    }],
    answer: [],
    expected: undefined,
  },
  {
    name: "ports",
    ask: (backend) => backend.savePorts({ id: { appKey: 42, stage: "PROD" }, ports: [port], others: ["x"] }),
    uri: updateUri,
    args: [{
      app_key: 42,
      device_key: 345,
      swarm_key: 12,
      stage: "PROD",
      ports: [{
        main: true,
        name: "web",
        active: true,
        public: false,
        port: 8080,
        protocol: "http",
        local_ip: "",
        remote_port_environment: "",
        remote_port: 0,
        host_port: 40001,
      }, "x"],
    }],
    answer: [],
    expected: undefined,
  },
  {
    name: "the registry's garbage",
    ask: collectGarbage,
    uri: garbageUri,
    args: [],
    answer: [[{ freed: 5 }]],
    expected: { freed: 5 },
  },
  {
    name: "the registry's garbage, answered with nothing",
    ask: collectGarbage,
    uri: garbageUri,
    answer: [],
    expected: undefined,
  },
  {
    name: "subscriptions of a topic",
    ask: match,
    uri: matchUri,
    args: ["reswarm.logs.SN-1.prod_42_myapp"],
    answer: [[[88, 89]]],
    expected: [88, 89],
  },
  { name: "one subscription as a bare id", ask: match, uri: matchUri, answer: [[88]], expected: [88] },
  { name: "no subscription as null", ask: match, uri: matchUri, answer: [[null]], expected: [] },
  { name: "no subscription as an empty list", ask: match, uri: matchUri, answer: [[[]]], expected: [] },
  { name: "no subscription as nothing", ask: match, uri: matchUri, answer: [], expected: [] },
];

for (const { name, ask, uri, args, answer, expected } of cases) {
  Deno.test(`backend: ${name}`, async () => {
    await using opened = await openWithPeer();
    const asking = ask(createBackend(wireOf(opened), () => device));
    const [type, request, options, procedure, sent] = await opened.peer.read();
    assert.deepEqual([type, options, procedure], [48, {}, uri]);
    if (args !== undefined) assert.deepEqual(sent ?? [], args);
    opened.peer.send([50, request, {}, ...answer]);
    assert.deepEqual(await asking, expected);
  });
}

const failures: { name: string; ask: (backend: Backend) => Promise<unknown>; answer: unknown[]; error: object }[] = [
  {
    name: "metadata without arguments",
    ask: readMetadata,
    answer: [],
    error: { code: "bad_request", message: "Cannot read device metadata: args[0] must be an object, got null" },
  },
  {
    name: "a swarm key that is not a number",
    ask: readMetadata,
    answer: [[{ swarm_key: true }]],
    error: { code: "bad_request", message: "swarm_key has invalid type boolean" },
  },
  {
    name: "a negative swarm key",
    ask: readMetadata,
    answer: [[{ swarm_key: -1 }]],
    error: { code: "bad_request", message: "swarm_key has invalid type number" },
  },
  {
    name: "no credential key",
    ask: (backend) => backend.getAppCredKey(),
    answer: [],
    error: { code: "bad_request", message: "empty app_cred_key payload" },
  },
  {
    name: "an empty credential key",
    ask: (backend) => backend.getAppCredKey(),
    answer: [[""]],
    error: { code: "bad_request", message: "invalid app_cred_key payload" },
  },
  {
    name: "a privilege that is not a boolean",
    ask: isAllowed,
    answer: [["true"]],
    error: { code: "privilege_check_failed", message: "type of argument is not bool" },
  },
  {
    name: "a privilege answer without arguments",
    ask: isAllowed,
    answer: [],
    error: { code: "privilege_check_failed", message: "type of argument is not bool" },
  },
  {
    name: "requested states that are null",
    ask: (backend) => backend.getRequestedAppStates(),
    answer: [[null]],
    error: { code: "bad_request", message: "Cannot read requested app states: args[0] must be a list, got null" },
  },
  {
    name: "requested states without arguments",
    ask: (backend) => backend.getRequestedAppStates(),
    answer: [],
    error: { code: "bad_request" },
  },
  {
    name: "requested states that are a dictionary",
    ask: (backend) => backend.getRequestedAppStates(),
    answer: [[{}]],
    error: { code: "bad_request" },
  },
  {
    name: "a registry token that is not text",
    ask: (backend) => backend.getRegistryToken(1),
    answer: [[5]],
    error: { code: "bad_request", message: "invalid registry_token payload" },
  },
];

for (const { name, ask, answer, error } of failures) {
  Deno.test(`backend: ${name} is an error`, async () => {
    await using opened = await openWithPeer();
    const asking = assert.rejects(ask(createBackend(wireOf(opened), () => device)), error);
    opened.peer.send([50, await opened.peer.expect(48), {}, ...answer]);
    await asking;
  });
}

Deno.test("backend: an error of the backend has procedure, URI and arguments in its text", async () => {
  await using opened = await openWithPeer();
  const asking = assert.rejects(isAllowed(createBackend(wireOf(opened), () => device)), {
    code: "call_failed",
    message: "calling remote procedure 'reswarm.devices.check_privilege': wamp.error.runtime_error: no such device",
  });
  opened.peer.send([8, 48, await opened.peer.expect(48), {}, "wamp.error.runtime_error", ["no such device"]]);
  await asking;
});

Deno.test("offlineWire() sends nothing and answers with nothing", async () => {
  const wire = offlineWire();
  assert.deepEqual([wire.isConnected, wire.sessionId], [false, 0]);
  assert.deepEqual(await wire.call("x.a", [1]), { args: [], kwargs: {} });
  await wire.publish("x.a", [1]);
  await (await wire.subscribe("x.a", () => {})).unsubscribe();
  await (await wire.register("x.a", () => Promise.resolve({}))).unregister();
  const backend = createBackend(wire, () => device);
  assert.deepEqual(await backend.matchSubscription("x"), []);
  await backend.reportAppState(report);
  await assert.rejects(backend.getRequestedAppStates(), { code: "bad_request" });
});

/** A session as a wire. */
function wireOf({ session }: SessionWithPeer): Wire {
  const bound: Session = session;
  return {
    isConnected: true,
    sessionId: bound.id,
    call: (...given) => bound.call(...given),
    publish: (...given) => bound.publish(...given),
    subscribe: (...given) => bound.subscribe(...given),
    register: (...given) => bound.register(...given),
  };
}
