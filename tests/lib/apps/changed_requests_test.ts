/** What requests and failures lead to since the reference agent changed it: the numbers are those of its changes. */

import { parseJson } from "../../../lib/base/json.ts";
import assert from "node:assert/strict";
import { AgentError, type ErrorCode } from "../../../lib/base/errors.ts";
import { container, FakeDevice, repository } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;

const update = { newest_version: "2", new_release_key: 8, request_update: true };

const configurationLine =
  "\"This failure is caused by the app's configuration and will not be retried automatically. Update the app's configuration or release to recover.\"";

/** Lets every creation of a container fail. */
function refuseCreation(device: FakeDevice, code: ErrorCode, text: string): { tries: number } {
  const seen = { tries: 0 };
  device.engine.create = () => {
    seen.tries += 1;
    return Promise.reject(new AgentError(code, text));
  };
  return seen;
}

Deno.test("M5, change 2.1: a removal interrupts a download and an update, and waits for everything else", async () => {
  const slow = { pullMs: 3_600_000 };
  for (const target of ["REMOVED", "UNINSTALLED"]) {
    await using device = new FakeDevice({ "1": slow, "2": slow });
    await device.request("RUNNING");
    await device.request(target);
    assert.equal(device.studio.entries.filter((entry) => entry === target).length, 1, device.studio.entries.join());
    assert.deepEqual([device.state, device.engine.images], [undefined, []]);
    device.engine.stock(`${repository}:1`, {});
    await device.request("RUNNING");
    await device.request("RUNNING", update);
    assert.equal(device.state, "UPDATING");
    await device.request(target);
    assert.deepEqual([device.state, device.engine.images, device.engine.status(container)], [undefined, [], undefined]);
  }
});

Deno.test("change 2.1: a removal that comes while an app starts is done right after that, and nothing is dropped", async () => {
  await using device = new FakeDevice();
  let request: Promise<void> | undefined;
  const start = device.engine.start.bind(device.engine);
  device.engine.start = async (id, signal) => {
    const app = { app_key: 7, app_name: "Shop", stage: "PROD" };
    request = device.apps.request({ ...app, target_state: "UNINSTALLED" });
    await device.clock.sleep(20_000, signal);
    await start(id, signal);
  };
  const entries = await device.request("RUNNING", {}, { ms: 30_000 });
  await request;
  assert.deepEqual([device.state, device.engine.status(container)], [undefined, undefined]);
  assert.equal(entries.at(-1), "UNINSTALLED");
});

Deno.test("change 2.1: a request that changes ports only is acted on while another one is, too", async () => {
  await using device = new FakeDevice();
  const app = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING" };
  await device.request("RUNNING", { ports: [{ port: 80, protocol: "tcp" }] });
  let second: Promise<void> | undefined;
  device.studio.onReport = async () => {
    second ??= device.apps.request({ ...app, ports: [{ port: 80, protocol: "tcp", reserved_host_port: 41_000 }] });
    await second;
  };
  await device.request("RUNNING", { ports: [{ port: 80, protocol: "tcp" }] });
  const { ports = [] } = device.studio.ports.at(-1) ?? {};
  assert.deepEqual(ports.map(({ reservedHostPort }) => reservedHostPort), [41_000]);
});

Deno.test("change 2.2: a cancellation ends as Studio wants it, whatever it takes the app for", async () => {
  for (const current of ["DOWNLOADING", "BUILDING", "PUBLISHING", "TRANSFERING"]) {
    for (const target of ["REMOVED", "UNINSTALLED"]) {
      await using device = new FakeDevice();
      device.engine.stock(`${repository}:1`, {});
      const entries = await device.request(target, { current_state: current });
      const ends = target === "REMOVED" ? ["REMOVED"] : ["REMOVED", "UNINSTALLED"];
      assert.deepEqual(entries.filter((entry) => entry === "FAILED" || ends.includes(entry)), ends, current);
      assert.deepEqual([device.state, device.engine.images], [undefined, []], current);
    }
  }
});

Deno.test("change 2.3: an app whose settings the engine refuses says so, and is tried again once an hour", async () => {
  await using device = new FakeDevice();
  const seen = refuseCreation(device, "engine_refused", "invalid mount config for type bind");
  const entries = await device.request("RUNNING");
  assert.deepEqual(entries.slice(-2), ["FAILED", configurationLine]);
  await device.advance(3_590_000);
  assert.equal(seen.tries, 1);
  await device.advance(20_000);
  assert.equal(seen.tries, 2);
  assert.equal(device.studio.entries.at(-1), configurationLine);
  await device.advance(3_600_000);
  assert.equal(seen.tries, 3, "the waits do not grow");
  assert.equal(device.studio.entries.some((entry) => entry.includes("crashloop")), false);
});

Deno.test("change 2.3: other settings are tried at once, and any other failure as before", async () => {
  await using device = new FakeDevice();
  const seen = refuseCreation(device, "engine_refused", "invalid mount config for type bind");
  await device.request("RUNNING");
  await device.request("RUNNING", { environment: { A: { value: "b" } } });
  assert.equal(seen.tries, 2);
  const others = refuseCreation(device, "engine_failed", "OCI runtime create failed");
  const entries = await device.request("RUNNING");
  assert.ok(
    entries.some((entry) => entry.startsWith('"Entered a crashloop (1st attempt), retrying in 5s')),
    entries.join(),
  );
  await device.advance(6_000);
  assert.equal(others.tries, 2);
});

Deno.test("change 2.3: an update whose settings are refused leaves the app as it is, and is tried once an hour", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  let tries = 0;
  device.engine.openPull = () => {
    tries += 1;
    return Promise.reject(new AgentError("engine_refused", "invalid reference format"));
  };
  const entries = await device.request("RUNNING", update);
  assert.ok(entries.includes(configurationLine), entries.join());
  assert.equal(entries.includes("FAILED"), false);
  await device.advance(3_500_000);
  assert.deepEqual([tries, device.state], [1, "RUNNING"]);
  await device.advance(200_000);
  assert.equal(tries, 2);
});

Deno.test("change 2.3: a retry acts on what is stored at that moment, and on nothing when that is reached", async () => {
  await using device = new FakeDevice({ "1": { livesMs: 100, exitCode: 1 } });
  await device.request("RUNNING", {
    docker_credentials: { "r.io": { username: "u", password: "p" } },
    instance_key: 9,
  });
  assert.equal(device.state, "FAILED");
  device.database.sql.exec('UPDATE RequestedAppStates SET environment_variables = \'{"LEVEL":{"value":"high"}}\'');
  const bodies: unknown[] = [];
  const create = device.engine.create.bind(device.engine);
  device.engine.create = (name, body, signal) => {
    bodies.push(body.Env);
    return create(name, body, signal);
  };
  await device.advance(7_000);
  assert.ok(bodies.length > 0 && JSON.stringify(bodies[0]).includes("LEVEL=high"), JSON.stringify(bodies));
  device.database.sql.exec("UPDATE RequestedAppStates SET manually_requested_state = 'PRESENT'");
  await device.request("PRESENT");
  const { length } = bodies;
  await device.advance(7_200_000);
  assert.equal(bodies.length, length);
});

Deno.test("change 2.3: what is observed of an app does not bring a failed update forward", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  let tries = 0;
  device.engine.openPull = () => {
    tries += 1;
    return Promise.reject(new AgentError("pull_failed", "no route to host"));
  };
  await device.request("RUNNING", update, { ms: 100 });
  await device.advance(200_000);
  const before = tries;
  for (let round = 0; round < 5; round += 1) {
    await device.engine.remove((await device.engine.inspect(container, never))?.id ?? "", {
      force: true,
      signal: never,
    });
    await device.advance(1_000);
    assert.equal(device.engine.status(container), "running", "it is started again");
  }
  assert.ok(tries <= before + 1, `${tries - before} tries in 5 s`);
});

Deno.test("change 2.4: an update to no version leaves the app as it is, and Studio and the app's log hear of it", async () => {
  const line = '"no release available to update to"';
  for (const newest_version of ["", "  ", undefined]) {
    await using device = new FakeDevice();
    await device.request("RUNNING");
    const wish = { newest_version, request_update: true };
    assert.deepEqual(await device.request("RUNNING", wish), [line, "RUNNING canceled"]);
    assert.deepEqual(await device.request("RUNNING", wish), ["RUNNING canceled"]);
    assert.deepEqual([device.state, device.tags], ["RUNNING", ["1"]]);
    await device.request("UNINSTALLED", wish);
    assert.equal(device.state, undefined, "what is to go needs no release");
  }
});

Deno.test("change 2.4: a row of Studio's answer without a version to update to counts as one without an update", async () => {
  await using device = new FakeDevice();
  await device.apps.reconcileLocal(never);
  const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", present_version: "1" };
  device.studio.answer = () => [{ ...row, newest_version: "", request_update: true }];
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.equal(device.state, "RUNNING");
});

Deno.test("texts that must not be empty are refused before anything is stored or pulled", async () => {
  const cases: [change: Record<string, unknown>, message: string][] = [
    [{ app_name: "" }, "failed to parse appName"],
    [{ app_name: " " }, "failed to parse appName"],
    [{ stage: "" }, "missing from payload stage"],
    [{ target_state: "" }, "failed to parse requestedState"],
    [{ present_version: "", newest_version: "", version: "" }, "missing from payload newest_version"],
    [{ present_version: " ", newest_version: "\t", version: null }, "missing from payload newest_version"],
    [{ target_state: "PRESENT", present_version: null, newest_version: "" }, "missing from payload newest_version"],
  ];
  for (const [change, message] of cases) {
    await using device = new FakeDevice();
    await device.advance(1_000);
    const before = device.engine.calls;
    await assert.rejects(device.request("RUNNING", change), { code: "bad_request", message }, JSON.stringify(change));
    await device.advance(5_000);
    assert.deepEqual([device.apps.list(), device.engine.calls - before], [[], 0]);
  }
});

Deno.test("M8: an app that has a version is started and stopped without one in the request", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  for (const target of ["PRESENT", "RUNNING", "PRESENT", "UNINSTALLED"]) {
    await device.request(target, { present_version: "", newest_version: "" });
    assert.equal(device.state, target === "UNINSTALLED" ? undefined : target);
  }
});

Deno.test("change 2.4: the new release decides the kind of an app, also when it has no compose file any more", async () => {
  const compose = { services: { web: { image: "web:1" } } };
  await using device = new FakeDevice();
  const wish = { ...update, present_version: "", docker_compose: compose, new_docker_compose: null };
  await device.request("RUNNING", wish, { ms: 5_000 });
  assert.deepEqual([device.state, device.tags], ["RUNNING", ["2"]]);
  assert.equal(
    device.database.sql.prepare("SELECT docker_compose FROM RequestedAppStates").get()?.docker_compose,
    "null",
  );
});

Deno.test("change 2.9: Studio hears of an engine that goes away and comes back", async () => {
  const changes: string[] = [];
  let device: FakeDevice | undefined;
  await using created = device = new FakeDevice({ "1": {} }, () => ({
    onEngineChange: () => void changes.push(`${device?.clock.now()}`),
  }));
  await created.request("RUNNING");
  assert.deepEqual(changes, []);
  created.engine.goAway();
  await created.advance(30_000);
  assert.equal(changes.length, 1);
  created.engine.comeBack();
  await created.advance(10_000);
  assert.equal(changes.length, 2);
});

Deno.test("numbers beyond 2^53 in variables are exact, also after a restart of the agent", async () => {
  await using device = new FakeDevice();
  const environment = parseJson(
    '{"BIG": {"value": 9007199254740993}, "DEEP": {"value": {"value": 18446744073709551615}}}',
  );
  const variables = async () => {
    const { Env = [] } = await device.engine.settingsOf("prod_7_shop", never) ?? {};
    return Array.isArray(Env) ? Env.filter((one) => /^(BIG|DEEP)=/.test(String(one))) : [];
  };
  const exact = ["BIG=9007199254740993", 'DEEP={"value":18446744073709551615}'];
  await device.request("RUNNING", { environment });
  assert.deepEqual(await variables(), exact);
  await device.stopAgent();
  await device.engine.remove("prod_7_shop", { force: true, signal: never });
  device.startAgent();
  await device.apps.reconcileLocal(never);
  await device.advance(5_000);
  assert.deepEqual(await variables(), exact);
});
