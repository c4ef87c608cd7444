import assert from "node:assert/strict";
import { startStudio } from "../../../scripts/studio/start_studio.ts";
import type { AddedDevice, Studio } from "../../../scripts/studio/studio.ts";
import { Router } from "../../../scripts/studio/router/router.ts";
import { type Frame, numberAt, RawPeer } from "../../contract/raw_peer.ts";
import { sampleStats } from "../../fakes/fake_wamp_device.ts";

const denied = "wamp.error.not_authorized";
const testamentTopic = "reswarm.api.testament_device";
const addTestament = "wamp.session.add_testament";

/** A Studio with two devices that are joined, and what an account without privileges can reach. */
class Scene implements AsyncDisposable {
  readonly #peers: RawPeer[] = [];

  private constructor(readonly studio: Studio, readonly first: AddedDevice, readonly second: AddedDevice) {}

  static async start(): Promise<Scene> {
    const studio = await startStudio();
    const first = studio.addDevice({ name: "edge-1", serial: "SN-1", deviceKey: 345, swarmKey: 12 });
    return new Scene(studio, first, studio.addDevice({ name: "edge-2", serial: "SN-2", deviceKey: 346, swarmKey: 12 }));
  }

  async join({ authid, secret }: { authid: string; secret: string }): Promise<RawPeer> {
    const peer = await RawPeer.open(this.studio.routerUrl);
    this.#peers.push(peer);
    assert.equal((await peer.join({ authid, secret }))[0], 2);
    return peer;
  }

  /** Joins as an account with no privileges. */
  async intrude(accountKey = 9): Promise<RawPeer> {
    return await this.join({ authid: String(accountKey), secret: this.studio.addAccount({ accountKey }).secret });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) await peer.cut();
    await this.studio[Symbol.asyncDispose]();
  }
}

function refusal(frame: Frame): unknown {
  return frame[0] === 8 ? frame[4] : `not refused: ${JSON.stringify(frame)}`;
}

Deno.test("#14: an account without privileges reads no logs and answers for nobody, whatever pattern it tries", async () => {
  await using scene = await Scene.start();
  const [intruder, device] = [await scene.intrude(), await scene.join(scene.first)];
  for (
    const [uri, match] of [["reswarm", "prefix"], ["", "prefix"], ["...", "wildcard"], ["reswarm.logs..", "wildcard"]]
  ) {
    assert.equal(refusal(await intruder.request(32, { match }, uri)), denied, `subscribe ${match} "${uri}"`);
    assert.equal(refusal(await intruder.request(64, { match }, uri)), denied, `register ${match} "${uri}"`);
  }
  const procedure = "reswarm.devices.check_privilege";
  assert.equal(refusal(await intruder.request(64, { force_reregister: true }, procedure)), denied);
  await device.request(16, { acknowledge: true }, "reswarm.logs.SN-1.prod_42_shop", ["a secret"]);
  assert.deepEqual(await intruder.afterAMoment(36), []);
});

Deno.test("#14: an account kills no session, asks no meta procedure and leaves no testament", async () => {
  await using scene = await Scene.start();
  const [intruder, device] = [await scene.intrude(), await scene.join(scene.first)];
  const testament = [{ swarm_key: 12, device_key: 345, wamp_session_id: device.id }];
  const calls: [procedure: string, args: unknown[]][] = [
    ["wamp.session.kill", [device.id]],
    ["wamp.session.list", []],
    ["wamp.session.get", [device.id]],
    ["wamp.registration.match", ["reswarm.devices.check_privilege"]],
    ["wamp.subscription.match", ["reswarm.logs.SN-1.prod_42_shop"]],
    [addTestament, [testamentTopic, testament, {}]],
  ];
  for (const [procedure, args] of calls) {
    assert.equal(refusal(await intruder.call(procedure, args)), denied, procedure);
  }
  for (const topic of ["wamp.session.on_join", "wamp.subscription.on_create", "wamp.registration.on_create"]) {
    assert.equal(refusal(await intruder.request(32, {}, topic)), denied, topic);
  }
});

Deno.test("#14: a URI keeps its owner while he is away", async () => {
  await using scene = await Scene.start();
  const [other, intruder] = [await scene.join(scene.second), await scene.intrude()];
  for (const peer of [other, intruder]) {
    assert.equal(refusal(await peer.request(64, {}, "re.mgmt.SN-1.request_app_state")), denied);
    assert.equal(refusal(await peer.request(16, { acknowledge: true }, "reswarm.logs.SN-1.prod_42_shop")), denied);
    assert.equal(refusal(await peer.request(16, { acknowledge: true }, "re.mgmt.SN-1.term_write.1")), denied);
    assert.equal(refusal(await peer.request(32, {}, "re.mgmt.SN-1.term_write.1")), denied);
  }
  await scene.studio.backend[Symbol.asyncDispose]();
  for (const peer of [other, intruder]) {
    assert.equal(refusal(await peer.request(64, {}, "reswarm.devices.check_privilege")), denied);
    assert.equal(refusal(await peer.request(64, {}, "studio.list_devices")), denied);
  }
});

Deno.test("#14: a device leaves testaments on its own topics only, and is believed about itself only", async () => {
  await using scene = await Scene.start();
  const [victim, rogue] = [await scene.join(scene.first), await scene.join(scene.second)];
  const status = { status: "CONNECTED", stats: sampleStats, tunnel_capable: true, wamp_session_id: victim.id };
  await victim.result("reswarm.devices.update_device_status", { swarm_key: 12, device_key: 345, ...status });
  for (const topic of ["reswarm.logs.SN-1.x", "re.mgmt.SN-1.term_write.1", "studio.reports.SN-1"]) {
    assert.equal(refusal(await rogue.call(addTestament, [topic, [], {}])), denied, topic);
  }
  for (const topic of ["wamp.session.on_leave", "wamp.subscription.on_delete", "a..b", ""]) {
    assert.equal(refusal(await rogue.call(addTestament, [topic, [], {}])), "wamp.error.invalid_uri", topic);
  }
  const forged = [{ swarm_key: 12, device_key: 345, serial_number: "SN-1", wamp_session_id: victim.id }];
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  await using _heard = await scene.studio.backend.subscribe(testamentTopic, () => resolve());
  assert.equal((await rogue.call(addTestament, [testamentTopic, forged, {}]))[0], 50);
  await rogue.cut();
  await heard;
  assert.equal(scene.studio.device("edge-1").status, "CONNECTED");
});

Deno.test("#14: rights that were withdrawn end at once: for events, calls, publications and testaments", async () => {
  await using scene = await Scene.start();
  const { studio } = scene;
  const [account, device] = [await scene.intrude(7), await scene.join(scene.first)];
  const topic = "reswarm.logs.SN-1.prod_42_shop";
  studio.setPrivileges(7, "edge-1", { privileges: ["READ"] });
  await account.subscribe(topic);
  await account.subscribe("reswarm.logs.SN-1.", { match: "prefix" });
  await device.request(16, { acknowledge: true }, topic, ["one"]);
  assert.equal((await account.afterAMoment(36)).length, 2);
  studio.setPrivileges(7, "edge-1", { privileges: [] });
  await device.request(16, { acknowledge: true }, topic, ["two"]);
  assert.deepEqual(await account.afterAMoment(36), []);
  assert.equal(refusal(await account.call("re.mgmt.SN-1.get_images")), denied);
});

Deno.test("#14: what a session may no longer register or publish, it no longer answers and leaves no more", async () => {
  const users = { "12-345": { secret: "s" }, "system": { secret: "t", role: "system" } };
  let isTrusted = true;
  const authorise = ({ session }: { session: { authid: string } }) => session.authid === "system" || isTrusted;
  await using router = await Router.listen({ hostname: "127.0.0.1", port: 0, realm: "realm1", users, authorise });
  await using device = await RawPeer.open(router.url);
  await using system = await RawPeer.open(router.url);
  await device.join({ authid: "12-345", secret: "s" });
  await system.join({ authid: "system", secret: "t" });
  await device.register("a.b");
  await system.subscribe("last.words");
  await device.result(addTestament, "last.words", [], {});
  isTrusted = false;
  assert.equal(refusal(await system.call("a.b")), "wamp.error.no_such_procedure");
  await device.cut();
  assert.deepEqual(await system.afterAMoment(36), []);
});

Deno.test("#14: nobody says who he is: the router does", async () => {
  await using scene = await Scene.start();
  const [device, other] = [await scene.join(scene.first), await scene.join(scene.second)];
  const system = await scene.join(scene.studio.login);
  scene.studio.setPrivileges(scene.studio.addAccount({ accountKey: 7 }).accountKey, "edge-1", { privileges: ["READ"] });
  const account = await scene.intrude(7);
  const lies = {
    disclose_me: false,
    caller: 1,
    caller_authid: "system",
    caller_authrole: "system",
    publisher: 1,
    publisher_authid: "system",
    publisher_authrole: "system",
    procedure: "re.mgmt.SN-2.x",
    topic: "reswarm.logs.SN-2.x",
    eligible: [device.id, other.id, account.id],
    eligible_authrole: ["account"],
    forward_for: [{ session: 1, authid: "system", authrole: "system" }],
  };
  await device.register("re.mgmt.SN-1.", { match: "prefix" });
  account.begin(48, lies, "re.mgmt.SN-1.get_images", [], { caller_authid: "system" });
  const invocation = await device.next(68);
  assert.deepEqual(invocation[3], {
    caller: account.id,
    caller_authid: "7",
    caller_authrole: "account",
    procedure: "re.mgmt.SN-1.get_images",
  });
  device.send([70, numberAt(invocation, 1), { callee: 1, callee_authid: "system", callee_authrole: "system" }]);
  assert.deepEqual((await account.next(50))[2], {
    callee: device.id,
    callee_authid: "12-345",
    callee_authrole: "device",
  });
  await account.subscribe("reswarm.logs.SN-1.", { match: "prefix" });
  await system.subscribe("reswarm.logs.", { match: "prefix" });
  await device.request(16, { ...lies, acknowledge: true }, "reswarm.logs.SN-1.x");
  assert.deepEqual((await account.next(36))[3], {
    publisher: device.id,
    publisher_authid: "12-345",
    publisher_authrole: "device",
    topic: "reswarm.logs.SN-1.x",
  });
  assert.deepEqual(await system.afterAMoment(36), [], "an eligible list only takes receivers away");
});

Deno.test("#14: a device hears of the subscriptions to its own topics only", async () => {
  await using scene = await Scene.start();
  const [device, other, system] = [
    await scene.join(scene.first),
    await scene.join(scene.second),
    await scene.join(scene.studio.login),
  ];
  await device.subscribe("wamp.subscription.on_create");
  await other.subscribe("re.mgmt.SN-2.term_write.1");
  await other.subscribe("reswarm.logs.SN-2.", { match: "prefix" });
  const wanted = [
    await system.subscribe("reswarm.logs.SN-1.prod_42_shop"),
    await system.subscribe("reswarm.logs.", { match: "prefix" }),
    await system.subscribe("reswarm.logs..prod_42_shop", { match: "wildcard" }),
  ];
  const heard = (await device.afterAMoment(36)).map((frame) => Object(Object(frame[4])[1]).id);
  assert.deepEqual(heard, wanted);
  assert.equal(refusal(await device.call("wamp.subscription.match", ["reswarm.logs.SN-2.x"])), denied);
  assert.deepEqual(await device.result("wamp.subscription.match", "reswarm.logs.SN-1.x"), [wanted[1]]);
});
