import assert from "node:assert/strict";
import { decodeRequest, decodeRow, inheritingApp } from "../../../../lib/apps/requests/decode.ts";

const least = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING" };
const empty = {
  appKey: 7,
  stage: "PROD",
  appName: "Shop",
  target: "RUNNING",
  current: undefined,
  requestorAccountKey: 0,
  deviceOwnerAccountKey: 0,
  instanceKey: 0,
  appCredEpoch: 0,
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
};

/** The text that a call with these arguments is answered with; undefined when they are good. */
function errorOf(kwargs: Record<string, unknown>): string | undefined {
  try {
    decodeRequest(kwargs);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error && error.code === "bad_request");
    return error.message;
  }
}

Deno.test("decodeRequest() fills in what is absent or null", () => {
  assert.deepEqual(decodeRequest(least), { request: empty, problems: [] });
  const nulls = Object.fromEntries(["current_state", "ports", "environment", "docker_compose"].map((n) => [n, null]));
  assert.deepEqual(decodeRequest({ ...least, ...nulls }).request, empty);
});

Deno.test("decodeRequest() reads every argument", () => {
  const { request } = decodeRequest({
    ...least,
    current_state: "PRESENT",
    requestor_account_key: "3",
    device_owner_account_key: 2,
    instance_key: "9",
    app_cred_epoch: 4.0,
    release_key: "7",
    new_release_key: 8,
    version: "3",
    present_version: "1",
    newest_version: "2",
    request_update: true,
    cancel_transition: true,
    environment: { A: { value: 1 } },
    environment_template: { A: { defaultValue: 2 } },
    ports: [{ port: 80 }],
    docker_compose: { services: {} },
    new_docker_compose: { services: { a: {} } },
    docker_credentials: { "r.example.com": { username: "u", password: "p" } },
  });
  assert.deepEqual({ ...request, ports: request.ports.length }, {
    ...empty,
    current: "PRESENT",
    requestorAccountKey: 3,
    deviceOwnerAccountKey: 2,
    instanceKey: 9,
    appCredEpoch: 4,
    releaseKey: 7,
    newReleaseKey: 8,
    version: "3",
    presentVersion: "1",
    newestVersion: "2",
    requestUpdate: true,
    cancelTransition: true,
    environment: { A: { value: 1 } },
    environmentTemplate: { A: { defaultValue: 2 } },
    ports: 1,
    dockerCompose: { services: {} },
    newDockerCompose: { services: { a: {} } },
    dockerCredentials: { "r.example.com": { username: "u", password: "p" } },
  });
});

Deno.test("decodeRequest() takes the older names where the newer ones say nothing", () => {
  const { app_key, app_name, stage } = least;
  const older = { app_key, app_name, stage, manually_requested_state: "PRESENT", state: "FAILED", account_id: "12" };
  const { request } = decodeRequest({ ...older, target_state: "", current_state: "", requestor_account_key: 0 });
  assert.deepEqual([request.target, request.current, request.requestorAccountKey], ["PRESENT", "FAILED", 12]);
});

Deno.test("decodeRequest() answers wrong arguments in the words of the contract", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ app_key: "7" }, "failed to parse app_key"],
    [{ app_key: -7 }, "failed to parse app_key"],
    [{ app_key: 1.5 }, "failed to parse app_key"],
    [{ app_key: 0 }, "missing from payload app_key"],
    [{ app_key: undefined }, "missing from payload app_key"],
    [{ app_name: "" }, "failed to parse appName"],
    [{ app_name: 5 }, "failed to parse appName"],
    [{ app_name: "../../etc" }, "failed to parse appName"],
    [{ app_name: "a/b" }, "failed to parse appName"],
    [{ app_name: "a\u0000b" }, "failed to parse appName"],
    [{ stage: "" }, "missing from payload stage"],
    [{ stage: 5 }, "failed to parse stage"],
    [{ stage: "TEST" }, "failed to parse stage"],
    [{ target_state: 5 }, "failed to parse requestedState"],
    [{ target_state: "DANCING" }, "failed to parse requestedState"],
    [{ target_state: "STOPPED" }, "failed to parse requestedState"],
    [{ target_state: undefined }, "failed to parse requestedState"],
    [{ target_state: "", manually_requested_state: [] }, "failed to parse manuallyRequestedState"],
    [{ current_state: {} }, "failed to parse currentState"],
    [{ current_state: "DANCING" }, "failed to parse currentState"],
    [{ state: 1 }, "failed to parse currentState2"],
    [{ requestor_account_key: [] }, "failed to parse requestorAccountKey"],
    [{ requestor_account_key: "x" }, 'strconv.Atoi: parsing "x": invalid syntax'],
    [{ account_id: -1 }, "failed to parse requestorAccountKey2"],
    [{ account_id: '"' }, 'strconv.Atoi: parsing "\\"": invalid syntax'],
    [{ device_owner_account_key: true }, "failed to parse deviceOwnerAccountKey"],
    [
      { device_owner_account_key: "99999999999999999999" },
      'strconv.Atoi: parsing "99999999999999999999": value out of range',
    ],
    [{ release_key: {} }, "failed to parse releaseKeyString"],
    [{ release_key: "-1" }, 'strconv.ParseUint: parsing "-1": invalid syntax'],
    [{ new_release_key: "8" }, "failed to parse newReleaseKey"],
    [{ version: 1 }, "failed to parse version"],
    [{ present_version: 1 }, "failed to parse presentVersion"],
    [{ newest_version: [] }, "failed to parse newestVersion"],
    [{ request_update: "true" }, "failed to parse requestUpdate"],
    [{ cancel_transition: 1 }, "failed to parse cancelTransition"],
    [{ environment: [] }, "failed to parse environment"],
    [{ environment_template: "x" }, "failed to parse environment template"],
    [{ ports: {} }, "failed to parse ports"],
    [{ docker_compose: [] }, "failed to parse docker compose"],
    [{ new_docker_compose: 5 }, "failed to parse new docker compose"],
    [{ docker_credentials: [] }, "failed to parse docker credentials"],
    [{ docker_credentials: { r: { username: "u" } } }, "failed to parse docker credentials"],
  ];
  for (const [change, expected] of cases) {
    assert.equal(errorOf({ ...least, ...change }), expected, JSON.stringify(change));
  }
});

Deno.test("decodeRequest() never fails for an instance key or a credential epoch", () => {
  for (const value of ["x", -1, 1.5, [], {}, true, null]) {
    const { request } = decodeRequest({ ...least, instance_key: value, app_cred_epoch: value });
    assert.deepEqual([request.instanceKey, request.appCredEpoch], [0, 0]);
  }
});

Deno.test("decodeRequest() skips a malformed port rule and says so", () => {
  const { request, problems } = decodeRequest({ ...least, ports: [{ port: "80" }, { port: 81 }] });
  assert.deepEqual(request.ports.map(({ port }) => port), [81]);
  assert.equal(problems.length, 1);
});

Deno.test("decodeRequest() is not fooled by names that every object has", () => {
  assert.equal(errorOf(JSON.parse('{"__proto__": {"app_key": 7}, "app_name": "x"}')), "missing from payload app_key");
  assert.equal(errorOf({ ...least, toString: 5, constructor: [] }), undefined);
});

Deno.test("decodeRow() takes a member of the wrong type as missing", () => {
  const row = {
    ...least,
    release_key: "7",
    environment: [],
    request_update: "yes",
    present_version: "1",
    current_state: 5,
  };
  assert.deepEqual(decodeRow(row).request, { ...empty, version: "1", presentVersion: "1" });
});

Deno.test("decodeRow() refuses a row that does not say what is wanted of which app", () => {
  const wrong = [null, 7, "x", [], {}, { ...least, app_key: "7" }, { ...least, app_key: 0 }, { ...least, stage: "X" }];
  const states = [{ ...least, target_state: "STOPPED" }, { ...least, target_state: 5 }, { ...least, app_name: "a/b" }];
  for (const row of [...wrong, ...states]) {
    assert.throws(() => decodeRow(row), { code: "bad_request" }, JSON.stringify(row));
  }
});

Deno.test("inheritingApp() gives the app of a row that wants nothing of it", () => {
  assert.deepEqual(inheritingApp({ ...least, target_state: "INHERIT" }), { appKey: 7, stage: "PROD" });
  assert.equal(inheritingApp(least), undefined);
  assert.equal(inheritingApp({ target_state: "INHERIT", stage: "PROD" }), undefined);
  assert.equal(inheritingApp("INHERIT"), undefined);
});
