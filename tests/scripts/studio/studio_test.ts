import assert from "node:assert/strict";
import { controlProcedures } from "../../../scripts/studio/control.ts";
import { Router } from "../../../scripts/studio/router/router.ts";
import { startStudio } from "../../../scripts/studio/start_studio.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { FakeWampDevice } from "../../fakes/fake_wamp_device.ts";

Deno.test("a request reaches the device with the arguments of the wire contract and ends with its report", async () => {
  await using studio = await startStudio();
  await using device = await FakeWampDevice.join(studio, studio.addDevice({ name: "edge-1", serial: "SN-1" }));
  studio.addRelease("myapp", "1.0.0", { appKey: 42, releaseKey: 7 });
  device.onRequest = () => device.report({ state: "DOWNLOADING" }).then(() => device.report({ state: "RUNNING" }));
  const outcome = await studio.request("edge-1", "myapp", {
    target: "RUNNING",
    accountKey: 3,
    environment: { A: "b" },
  });
  assert.equal(outcome.isDelivered, true);
  const kwargs = {
    app_key: 42,
    app_name: "myapp",
    stage: "PROD",
    target_state: "RUNNING",
    current_state: "REMOVED",
    release_key: "7",
    new_release_key: 7,
    requestor_account_key: "3",
    device_owner_account_key: "1",
    present_version: "1.0.0",
    newest_version: "1.0.0",
    request_update: false,
    environment: { A: { value: "b" } },
    environment_template: {},
    ports: [],
    app_cred_epoch: 1,
  };
  assert.deepEqual(device.requests, [kwargs]);
  assert.deepEqual(outcome.kwargs, kwargs);
  await studio.waitForReport("SN-1", { state: "RUNNING", appName: "myapp" }, { after: outcome.after });
  assert.deepEqual(studio.reports("SN-1").map(({ state }) => state), ["DOWNLOADING", "RUNNING"]);
  assert.equal(studio.apps("edge-1")[0]?.current, "RUNNING");
});

Deno.test("an update stays requested until the device reports that it is completed", async () => {
  await using studio = await startStudio();
  await using device = await FakeWampDevice.join(studio, studio.addDevice({ name: "edge-1" }));
  const compose = (image: string) => ({ services: { web: { image } } });
  studio.addRelease("myapp", "1", { appKey: 42, releaseKey: 7, dockerCompose: compose("a") });
  await studio.request("edge-1", "myapp", { target: "RUNNING", instanceKey: 5 });
  await device.report({ state: "RUNNING" });
  studio.addRelease("myapp", "2", { releaseKey: 8, dockerCompose: compose("b") });
  await studio.request("edge-1", "myapp", { update: true, kwargs: { version: "x" } });
  const asked = device.requests[1];
  assert.deepEqual(
    [asked?.request_update, asked?.present_version, asked?.newest_version, asked?.release_key, asked?.new_release_key],
    [true, "1", "2", "7", 8],
  );
  assert.deepEqual([asked?.docker_compose, asked?.new_docker_compose], [compose("a"), compose("b")]);
  assert.deepEqual([asked?.instance_key, asked?.version], [5, "x"]);
  await device.report({ state: "UPDATING" });
  assert.equal(studio.apps("edge-1")[0]?.requestUpdate, true);
  await device.report({ state: "PRESENT", release_key: 8, updateStatus: "pending_remote_confirmation" });
  const app = studio.apps("edge-1")[0];
  assert.deepEqual([app?.presentVersion, app?.releaseKey, app?.requestUpdate], ["2", 8, false]);
  assert.deepEqual(app?.dockerCompose, compose("b"));
});

Deno.test("after a rollback the previous version is installed, and the newest one can be requested again", async () => {
  await using studio = await startStudio();
  await using device = await FakeWampDevice.join(studio, studio.addDevice({ name: "edge-1" }));
  studio.addRelease("myapp", "1", { appKey: 42, releaseKey: 7 });
  await studio.request("edge-1", "myapp", { target: "RUNNING" });
  await device.report({ state: "RUNNING" });
  studio.addRelease("myapp", "2", { releaseKey: 8 });
  await studio.request("edge-1", "myapp", { update: true });
  await device.report({ state: "PRESENT", release_key: 8, updateStatus: "pending_remote_confirmation" });
  await device.report({ state: "RUNNING", release_key: 7, updateStatus: "canceled" });
  const [app] = studio.apps("edge-1");
  assert.deepEqual([app?.current, app?.updateStatus, app?.requestUpdate], ["RUNNING", "canceled", false]);
  assert.deepEqual([app?.presentVersion, app?.releaseKey, app?.newestVersion, app?.newReleaseKey], ["1", 7, "2", 8]);
  const { kwargs } = await studio.request("edge-1", "myapp", { update: true });
  assert.deepEqual([kwargs.present_version, kwargs.newest_version, kwargs.request_update], ["1", "2", true]);
});

Deno.test("a request for a disconnected device is stored; one that the device refuses is thrown and stored", async () => {
  await using studio = await startStudio();
  const added = studio.addDevice({ name: "edge-1" });
  studio.addRelease("myapp", "1", { appKey: 42 });
  assert.equal((await studio.request(added, "myapp", { target: "RUNNING" })).isDelivered, false);
  await using device = await FakeWampDevice.join(studio, added);
  device.onRequest = () => Promise.reject(new Error("failed to parse stage"));
  await assert.rejects(studio.request(added, "myapp", { target: "PRESENT" }), /failed to parse stage/);
  assert.equal(studio.apps(added)[0]?.target, "PRESENT");
});

Deno.test("a wait that times out says what was reported instead", async () => {
  await using studio = await startStudio();
  await using device = await FakeWampDevice.join(studio, studio.addDevice({ name: "edge-1" }));
  studio.addRelease("myapp", "1", { appKey: 42 });
  await device.report({ state: "FAILED" });
  await assert.rejects(studio.waitForReport("edge-1", { state: "RUNNING" }, { limitMs: 10 }), {
    code: "timeout",
    message: 'Waited 10 ms in vain: a report {"state":"RUNNING"}; reported since: myapp FAILED',
  });
  await assert.rejects(studio.waitForReport("edge-1", { state: "FAILED" }, { after: 1, limitMs: 10 }), /nothing$/);
});

Deno.test("calls are made as system, and logs arrive as lines", async () => {
  await using studio = await startStudio();
  const added = studio.addDevice({ name: "edge-1", serial: "SN-1" });
  await using device = await FakeWampDevice.join(studio, added);
  await device.register("who", ({ callerAuthid }) => Promise.resolve({ args: [callerAuthid] }));
  assert.deepEqual((await studio.call(added, "who")).args, ["system"]);
  studio.addRelease("MyApp", "1", { appKey: 42 });
  const heard: string[] = [];
  await using logs = await studio.followLogs(added, "MyApp", { onLine: (line) => heard.push(line) });
  const topic = "reswarm.logs.SN-1.prod_42_myapp";
  await device.session.publish(topic, ["one\ntwo"], { acknowledge: true });
  await device.session.publish(topic, [{ type: "build", chunk: "Starting MyApp..." }], { acknowledge: true });
  await device.session.publish(topic, [{ type: "build", chunk: "LOGGER_CLEAR" }], { acknowledge: true });
  const progress = { id: "a.tgz", status: "Transfer Progress:", progress: "50.000%" };
  await device.session.publish(topic, [progress], { acknowledge: true });
  await device.call("reswarm.registry.run_gc");
  const lines = ["one", "two", "Starting MyApp...", "--- cleared ---", "a.tgz: Transfer Progress: 50.000%"];
  assert.deepEqual(logs.lines, lines);
  assert.deepEqual(heard, lines);
});

Deno.test("the Studio rejoins by itself when the router has dropped all connections", async () => {
  await using studio = await startStudio();
  const added = studio.addDevice({ name: "edge-1", serial: "SN-1" });
  studio.addRelease("myapp", "1", { appKey: 42 });
  await using logs = await studio.followLogs(added, "myapp");
  await studio.router?.dropAll();
  await pollUntil("the Studio is back", () => {
    const isBack = studio.router?.sessions.some(({ authid }) => authid === "system") && studio.backend.isJoined;
    return Promise.resolve(isBack || undefined);
  });
  await using device = await FakeWampDevice.join(studio, added);
  await device.reportStatus("CONNECTED");
  await device.session.publish("reswarm.logs.SN-1.prod_42_myapp", ["still here"], { acknowledge: true });
  await device.call("reswarm.registry.run_gc");
  assert.deepEqual(logs.lines, ["still here"]);
});

Deno.test("a Studio can join an existing router", async () => {
  const users = { "12-345": { secret: "s" }, "system": { secret: "t" } };
  await using router = await Router.listen({ hostname: "127.0.0.1", port: 0, realm: "realm1", users });
  const foreignRouter = { url: router.url, authid: "system", secret: "t" };
  await using studio = await startStudio({ foreignRouter, registryHost: "127.0.0.1:5999" });
  assert.equal(studio.router, undefined);
  const added = studio.addDevice({ name: "edge-1", deviceKey: 345, swarmKey: 12, secret: "s" });
  assert.equal(added.flock.device_endpoint_url, router.url);
  assert.equal(added.flock.docker_registry_url, "127.0.0.1:5999/");
  await using device = await FakeWampDevice.join(studio, added);
  await device.reportStatus("CONNECTED");
  assert.equal(studio.device("edge-1").status, "CONNECTED");
  await assert.rejects(startStudio({ foreignRouter: { ...foreignRouter, secret: "wrong" } }), {
    code: "auth_rejected",
  });
});

Deno.test("even on a router without authorization only system can control the Studio", async () => {
  const users = { "12-345": { secret: "s" }, "system": { secret: "t" } };
  await using router = await Router.listen({ hostname: "127.0.0.1", port: 0, realm: "realm1", users });
  const foreignRouter = { url: router.url, authid: "system", secret: "t" };
  await using studio = await startStudio({ foreignRouter });
  await studio.backend.serve(controlProcedures(studio));
  const added = studio.addDevice({ name: "edge-1", deviceKey: 345, swarmKey: 12, secret: "s" });
  await using device = await FakeWampDevice.join(studio, added);
  const refused = { args: [{ error: 'Only "system" may call studio.account_login' }] };
  await assert.rejects(device.call("studio.account_login", { account: 1 }), refused);
  assert.equal((await studio.backend.call("studio.list_devices")).args.length, 1);
});

Deno.test("a Studio that is restarted on its folder knows its devices and lets them join", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const first = await startStudio({ folder });
    const added = first.addDevice({ name: "edge-1" });
    const device = await FakeWampDevice.join(first, added);
    await device.reportStatus("CONNECTED");
    await first[Symbol.asyncDispose]();
    await device.session.closed;
    await using second = await startStudio({ folder });
    assert.equal(second.device("edge-1").status, "DISCONNECTED");
    await using again = await FakeWampDevice.join(second, added);
    await again.reportStatus("CONNECTED");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("#14: a serial number that is no component of a URI is refused", async () => {
  await using studio = await startStudio();
  for (const serial of ["", "SN.1", "SN 1", "SN#1", "a\nb", "x".repeat(101)]) {
    assert.throws(() => studio.addDevice({ name: "edge-1", serial }), { code: "bad_request" }, serial);
  }
});
