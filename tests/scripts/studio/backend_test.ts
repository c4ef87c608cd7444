import assert from "node:assert/strict";
import type { Dict } from "../../../lib/base/json.ts";
import { hasUri } from "../../../lib/wamp/remote_error.ts";
import { startStudio } from "../../../scripts/studio/start_studio.ts";
import type { Studio } from "../../../scripts/studio/studio.ts";
import { FakeWampDevice, sampleStats } from "../../fakes/fake_wamp_device.ts";

const devices = "reswarm.devices";
const containers = "reswarm.containers";

/** Runs with a Studio that has a connected device, `12-345`, and a disconnected one. */
async function withDevice(run: (studio: Studio, device: FakeWampDevice) => Promise<void>): Promise<void> {
  await using studio = await startStudio();
  const given = { name: "edge-1", serial: "SN-1", deviceKey: 345, swarmKey: 12, secret: "s", ownerAccountKey: 2 };
  const named = { swarmName: "demo", ownerName: "acme", baseUrl: "https://studio.example.com", appCredKey: "cred" };
  const added = studio.addDevice({ ...given, ...named });
  studio.addDevice({ name: "edge-2", serial: "SN-2", deviceKey: 346, swarmKey: 12 });
  await using device = await FakeWampDevice.join(studio, added);
  await run(studio, device);
}

/** The text of the error that a call is answered with. */
async function refusal(device: FakeWampDevice, procedure: string, args: unknown[]): Promise<string> {
  try {
    await device.call(procedure, ...args);
  } catch (error) {
    assert.ok(hasUri(error, "wamp.error.canceled"), String(error));
    return JSON.stringify(error.args[0]);
  }
  return "answered";
}

Deno.test("the backend answers with the device's metadata, its key and the Studio's address", async () => {
  await withDevice(async (studio, device) => {
    const metadata = await device.call(`${devices}.read_device_metadata`, { device_key: 345 });
    assert.deepEqual(metadata, { device_name: "edge-1", swarm_name: "demo", ownername: "acme", swarm_key: 12 });
    assert.equal(await device.call(`${devices}.get_app_cred_key`), "cred");
    assert.deepEqual(await device.reportStatus("CONFIGURING"), { reswarmBaseURL: "https://studio.example.com" });
    const now = studio.device("edge-1");
    assert.equal(now.status, "CONFIGURING");
    assert.deepEqual(now.stats, sampleStats);
    assert.equal(now.tunnelCapable, true);
    assert.equal(now.sessionId, device.session.id);
  });
});

Deno.test("the backend stores the architecture", async () => {
  await withDevice(async (studio, device) => {
    const facts = {
      architecture: "armv7",
      os: "linux debian 12.5",
      arch: "arm",
      variant: "v7",
      agent_version: "0.20.20",
    };
    const answer = await device.session.call(`${devices}.update_device_architecture`, [
      { swarm_key: 12, device_key: 345, ...facts },
    ]);
    assert.deepEqual(answer, { args: [], kwargs: {} });
    assert.deepEqual(studio.device("SN-1").metadata, facts);
  });
});

Deno.test("the backend checks the privileges of accounts; the owner has all", async () => {
  await withDevice(async (studio, device) => {
    studio.addAccount({ accountKey: 77 });
    studio.setPrivileges(77, "edge-1", { privileges: ["READ", "NETWORK"] });
    const ask = (privilege: string, account: number) => {
      const question = { privilege, entity: "DEVICE", entity_key: 345, requestor_account_key: account, swarm_key: 12 };
      return device.call(`${devices}.check_privilege`, question);
    };
    const table: [privilege: string, account: number, answer: boolean][] = [
      ["READ", 77, true],
      ["NETWORK", 77, true],
      ["MAINTAIN", 77, false],
      ["DEVELOP", 2, true],
      ["READ", 1, false],
      ["READ", 99, false],
    ];
    for (const [privilege, account, answer] of table) {
      assert.equal(await ask(privilege, account), answer, `${privilege} of ${account}`);
    }
    studio.setPrivileges(77, "edge-1", { privileges: [] });
    assert.equal(await ask("READ", 77), false);
  });
});

/** The row of the app, with all fields of the wire contract. */
function rowWith(rule: Dict): Dict {
  return {
    app_key: 42,
    app_name: "myapp",
    stage: "PROD",
    current_state: "REMOVED",
    target_state: "RUNNING",
    release_key: 7,
    new_release_key: 7,
    requestor_account_key: 3,
    device_owner_account_key: 2,
    request_update: false,
    present_version: "1.0.0",
    newest_version: "1.0.0",
    environment: { LEVEL: { value: "debug" } },
    environment_template: { LEVEL: { defaultValue: "info" } },
    docker_compose: null,
    new_docker_compose: null,
    ports: [rule],
    app_cred_epoch: 1,
    device_key: 345,
    swarm_key: 12,
    account_key: 2,
    device_to_app_key: 42,
    serial_number: "SN-1",
    name: "edge-1",
    status: "DISCONNECTED",
    architecture: "",
    address: "",
    container_name: "prod_42_myapp",
    manually_requested_state: "RUNNING",
    present_image_name: "",
    new_image_name: "",
    description: "",
    inherit_from_group: false,
  };
}

Deno.test("rows of requested app states have every field of the wire contract", async () => {
  await withDevice(async (studio, device) => {
    assert.deepEqual(await device.call(`${containers}.get_requested_app_states`, { device_key: 345 }), []);
    studio.addRelease("myapp", "1.0.0", {
      appKey: 42,
      releaseKey: 7,
      environmentTemplate: { LEVEL: { defaultValue: "info" } },
    });
    const ports = [{ name: "web", port: 8080, protocol: "http", active: true }];
    const change = { target: "RUNNING", accountKey: 3, environment: { LEVEL: "debug" }, ports } as const;
    await studio.request("edge-1", "myapp", change);
    const rule = { main: true, public: false, local_ip: "", remote_port_environment: "", remote_port: 0, ...ports[0] };
    assert.deepEqual(await device.call(`${containers}.get_requested_app_states`, { device_key: 345 }), [rowWith(rule)]);
  });
});

Deno.test("an uninstalled app is listed until the device has reported UNINSTALLED", async () => {
  await withDevice(async (studio, device) => {
    studio.addRelease("myapp", "1", { appKey: 42, releaseKey: 7 });
    const rows = async () => {
      const answer = await device.call(`${containers}.get_requested_app_states`, { device_key: 345 });
      return Array.isArray(answer) ? answer.length : answer;
    };
    await studio.request("edge-1", "myapp", { target: "RUNNING" });
    await device.report({ state: "RUNNING" });
    await studio.request("edge-1", "myapp", { target: "UNINSTALLED" });
    assert.equal(await rows(), 1);
    await device.report({ state: "REMOVED" });
    assert.equal(await rows(), 1);
    await device.report({ state: "UNINSTALLED" });
    assert.equal(await rows(), 0);
  });
});

Deno.test("a report of ports replaces the rules, and a later request keeps the device's choice", async () => {
  await withDevice(async (studio, device) => {
    studio.addRelease("myapp", "1", { appKey: 42, releaseKey: 7 });
    await studio.request("edge-1", "myapp", { target: "RUNNING", ports: [{ port: 8080, protocol: "http" }] });
    const [rule] = studio.apps("edge-1")[0]?.ports ?? [];
    const ports = [{ ...rule, host_port: 40_001 }];
    await device.call(`${containers}.update_app_on_device`, {
      app_key: 42,
      device_key: 345,
      swarm_key: 12,
      stage: "PROD",
      ports,
    });
    assert.deepEqual(studio.apps("edge-1")[0]?.ports, ports);
    await device.report({ state: "RUNNING" });
    await studio.request("edge-1", "myapp", { target: "RUNNING", ports: [{ port: 8080, name: "web" }, { port: 9 }] });
    const kept = studio.apps("edge-1")[0]?.ports.map((port) => [port.name, port.port, port.host_port]);
    assert.deepEqual(kept, [["web", 8080, 40_001], ["port 9", 9, undefined]]);
  });
});

Deno.test("expose_port assigns each port to one device, which keeps it", async () => {
  await withDevice(async (studio, device) => {
    const question = (port: number, change = {}) => {
      return { port, protocol: "tcp", device_key: 345, reserved: false, ...change };
    };
    const expose = (port: number, change = {}) => device.call("re.tunnel.expose_port", question(port, change));
    assert.deepEqual(await expose(0), { remote_port: 31_000 });
    assert.deepEqual(await expose(0), { remote_port: 31_001 });
    assert.deepEqual(await expose(0, { protocol: "udp" }), { remote_port: 31_000 });
    assert.deepEqual(await expose(31_500), { remote_port: 31_500 });
    assert.deepEqual(await expose(31_500, { reserved: true }), { remote_port: 31_500 }, "its own");
    const other = { ...studio.device("edge-2"), flock: {} };
    await using second = await FakeWampDevice.join(studio, other);
    const owner = { device_key: studio.device("edge-2").deviceKey };
    const answer = await second.call("re.tunnel.expose_port", question(31_500, owner));
    assert.deepEqual(answer, { remote_port: 31_002 });
    assert.match(
      await refusal(second, "re.tunnel.expose_port", [question(31_500, { ...owner, reserved: true })]),
      /Duplicate value: port 31500 belongs to another device/,
    );
    assert.match(await refusal(second, "re.tunnel.expose_port", [question(0)]), /is not the device 345/);
  });
});

Deno.test("run_gc is answered with an empty object", async () => {
  await withDevice(async (_studio, device) => {
    assert.deepEqual(await device.call("reswarm.registry.run_gc"), {});
  });
});

/** Calls that the backend must refuse, with the error. */
function invalidCalls(device: FakeWampDevice): [procedure: string, args: unknown[], text: RegExp][] {
  const status = { swarm_key: 12, device_key: 345, ...device.statusOf("CONNECTED") };
  const question = { privilege: "READ", entity: "DEVICE", entity_key: 345, requestor_account_key: 1, swarm_key: 12 };
  const ports = { app_key: 42, device_key: 345, swarm_key: 12, stage: "PROD", ports: [] };
  const facts = { architecture: "a", os: "o", arch: "a", variant: "", agent_version: "1" };
  return [
    [`${devices}.read_device_metadata`, [], /args must be a list with one object/],
    [`${devices}.read_device_metadata`, [{}], /args\[0\]\.device_key must be a whole number, got null/],
    [`${devices}.read_device_metadata`, [{ device_key: "345" }], /device_key must be a whole number/],
    [`${devices}.read_device_metadata`, [{ device_key: 346 }], /12-345 is not the device 346/],
    [`${devices}.read_device_metadata`, [{ device_key: 999 }], /no device with the key 999/],
    [`${devices}.get_app_cred_key`, [1], /takes no arguments/],
    [`${devices}.update_device_status`, [{ ...status, status: "DISCONNECTED" }], /CONNECTED, CONFIGURING or EMERG/],
    [`${devices}.update_device_status`, [{ ...status, swarm_key: 13 }], /swarm_key must be 12, got 13/],
    [`${devices}.update_device_status`, [{ ...status, stats: { ...sampleStats, cpu_count: "4" } }], /stats must be/],
    [`${devices}.update_device_status`, [{ ...status, wamp_session_id: -1 }], /wamp_session_id/],
    [`${devices}.update_device_status`, [{ ...status, tunnel_capable: 1 }], /tunnel_capable must be true or/],
    [`${devices}.update_device_architecture`, [{ swarm_key: 12, device_key: 345, ...facts, os: 1 }], /\.os must be/],
    [`${devices}.check_privilege`, [{ ...question, privilege: "ROOT" }], /READ, NETWORK, MAINTAIN or DEVELOP/],
    [`${devices}.check_privilege`, [{ ...question, entity: "APP" }], /entity must be/],
    [`${devices}.check_privilege`, [{ ...question, requestor_account_key: "1" }], /requestor_account_key/],
    [`${containers}.get_requested_app_states`, [[]], /args\[0\] must be an object, got a list/],
    [`${containers}.get_registry_token`, [{ callerID: "2" }], /callerID must be a whole number/],
    [`${containers}.get_registry_token`, [{ callerID: 99 }], /no account 99/],
    [`${containers}.update_app_on_device`, [device.reportOf({ state: "GONE" })], /state must be a state/],
    [`${containers}.update_app_on_device`, [device.reportOf({ stage: "TEST" })], /stage must be/],
    [`${containers}.update_app_on_device`, [device.reportOf({ serial_number: "SN-2" })], /serial_number must be/],
    [`${containers}.update_app_on_device`, [device.reportOf({ release_key: "7" })], /release_key must be/],
    [`${containers}.update_app_on_device`, [device.reportOf({ updateStatus: "done" })], /updateStatus must be/],
    [`${containers}.update_app_on_device`, [device.reportOf({ request_update: null })], /request_update must be/],
    [`${containers}.update_app_on_device`, [device.reportOf({ device_to_app_key: 1 })], /device_to_app_key must be/],
    [`${containers}.update_app_on_device`, [ports], /app_key must be the key of an app of this device/],
    [`${containers}.update_app_on_device`, [{ ...ports, ports: undefined }], /ports must be a list/],
    [`${containers}.update_app_on_device`, [{ ...ports, ports: [{ port: "x" }] }], /ports\[0\]\.port must be/],
    ["re.tunnel.expose_port", [{ port: 0, protocol: "http" }], /protocol must be tcp or udp/],
    ["re.tunnel.expose_port", [{ port: 0, protocol: "tcp", reserved: 1 }], /reserved must be/],
    ["re.tunnel.expose_port", [{ port: 65_536, protocol: "tcp" }], /port must be a port number/],
  ];
}

Deno.test("the backend refuses arguments that violate the wire contract, and names them", async () => {
  await withDevice(async (studio, device) => {
    studio.addRelease("myapp", "1", { appKey: 42, releaseKey: 7 });
    for (const [procedure, args, text] of invalidCalls(device)) {
      assert.match(await refusal(device, procedure, args), text, `${procedure} ${JSON.stringify(args)}`);
    }
    assert.equal(studio.device("edge-1").status, "DISCONNECTED", "nothing of this was kept");
    assert.deepEqual(studio.reports("edge-1"), []);
  });
});

Deno.test("a moved device learns of it with its former authid, and reports with the new one", async () => {
  await withDevice(async (studio, device) => {
    const moved = studio.moveDevice("edge-1", { swarmKey: 13, swarmName: "other" });
    const metadata = await device.call(`${devices}.read_device_metadata`, { device_key: 345 });
    assert.deepEqual(metadata, { device_name: "edge-1", swarm_name: "other", ownername: "acme", swarm_key: 13 });
    await assert.rejects(device.reportStatus("CONNECTED"), /swarm_key must be 13/);
    await using again = await FakeWampDevice.join(studio, { ...moved, flock: {} });
    await again.reportStatus("CONNECTED");
    assert.equal(studio.device("edge-1").status, "CONNECTED");
  });
});

Deno.test("a testament marks the device as disconnected, unless it has connected again", async () => {
  await withDevice(async (studio, device) => {
    const leaveTestament = (session: FakeWampDevice) => {
      const args = [{ swarm_key: 12, device_key: 345, serial_number: "SN-1", wamp_session_id: session.session.id }];
      return session.session.call("wamp.session.add_testament", ["reswarm.api.testament_device", args, {}]);
    };
    await leaveTestament(device);
    await device.reportStatus("CONNECTED");
    await using second = await FakeWampDevice.join(studio, device.device);
    await leaveTestament(second);
    await second.reportStatus("CONNECTED");
    const { promise: testament, resolve } = Promise.withResolvers<void>();
    await using _heard = await studio.backend.subscribe("reswarm.api.testament_device", () => resolve());
    studio.router?.dropSession(device.session.id);
    await testament;
    assert.equal(studio.device("edge-1").status, "CONNECTED");
    studio.router?.dropSession(second.session.id);
    await studio.waitForStatus("edge-1", "DISCONNECTED");
  });
});

Deno.test("change 1.4: a reservation is stored when the device says that it can have the port, or is away", async () => {
  await withDevice(async (studio, device) => {
    const asked: unknown[] = [];
    await device.register("check_host_port", ({ args: [question] }) => {
      asked.push(question);
      const available = asked.length === 1;
      return Promise.resolve({ args: [{ available, reason: available ? "" : "taken_by_app" }] });
    });
    const { appKey } = studio.addRelease("shop", "1");
    const reserve = (hostPort: number, name = "edge-1") => {
      const ports = [{ port: 502, protocol: "tcp", reserved_host_port: hostPort }];
      return studio.request(name, "shop", { target: "RUNNING", ports });
    };
    const reserved = (name = "edge-1") => studio.apps(name)[0]?.ports[0]?.reserved_host_port;
    await reserve(41_000);
    assert.deepEqual(asked, [{ app_key: appKey, stage: "PROD", port: 502, protocol: "tcp", host_port: 41_000 }]);
    await assert.rejects(reserve(42_000), { message: "Cannot reserve host port 42000: taken_by_app" });
    assert.equal(reserved(), 41_000);
    await reserve(0);
    assert.equal(asked.length, 2);
    await reserve(43_000, "edge-2");
    assert.equal(reserved("edge-2"), 43_000);
  });
});
