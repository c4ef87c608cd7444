import assert from "node:assert/strict";
import { decodeStateRequest } from "../../../../lib/apps/requests/state_request.ts";
import { emptyRequest, leastRequest } from "./request_samples.ts";

/** The error text for these arguments; undefined when they are valid. */
function errorOf(kwargs: Record<string, unknown>): string | undefined {
  try {
    decodeStateRequest(kwargs);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error && error.code === "bad_request");
    return error.message;
  }
}

Deno.test("decodeStateRequest() fills in what is absent or null", () => {
  assert.deepEqual(decodeStateRequest(leastRequest), { request: emptyRequest, problems: [], leftOut: [] });
  const nulls = Object.fromEntries(["current_state", "ports", "environment", "docker_compose"].map((n) => [n, null]));
  assert.deepEqual(decodeStateRequest({ ...leastRequest, ...nulls }).request, emptyRequest);
});

Deno.test("M59: decodeStateRequest() reads every argument", () => {
  const { request } = decodeStateRequest({
    ...leastRequest,
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
    ...emptyRequest,
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

Deno.test("decodeStateRequest() takes the older names when the newer ones are empty", () => {
  const { app_key, app_name, stage } = leastRequest;
  const older = { app_key, app_name, stage, manually_requested_state: "PRESENT", state: "FAILED", account_id: "12" };
  const { request } = decodeStateRequest({ ...older, target_state: "", current_state: "", requestor_account_key: 0 });
  assert.deepEqual([request.target, request.current, request.requestorAccountKey], ["PRESENT", "FAILED", 12]);
});

Deno.test("decodeStateRequest() rejects wrong arguments with the texts of the contract", () => {
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
    assert.equal(errorOf({ ...leastRequest, ...change }), expected, JSON.stringify(change));
  }
});

Deno.test("decodeStateRequest() never rejects an instance key or a credential epoch", () => {
  for (const value of ["x", -1, 1.5, [], {}, true, null]) {
    const { request } = decodeStateRequest({ ...leastRequest, instance_key: value, app_cred_epoch: value });
    assert.deepEqual([request.instanceKey, request.appCredEpoch], [0, 0]);
  }
});

Deno.test("M30: decodeStateRequest() skips a malformed port rule and reports it", () => {
  const { request, problems } = decodeStateRequest({ ...leastRequest, ports: [{ port: "eighty" }, { port: 81 }] });
  assert.deepEqual(request.ports.map(({ port }) => port), [81]);
  assert.equal(problems.length, 1);
});

Deno.test("decodeStateRequest() is not fooled by members of the prototype", () => {
  assert.equal(errorOf(JSON.parse('{"__proto__": {"app_key": 7}, "app_name": "x"}')), "missing from payload app_key");
  assert.equal(errorOf({ ...leastRequest, toString: 5, constructor: [] }), undefined);
});

Deno.test("change 2.7: logins are read by the hosts of their registries, the first of two for one host, none without", () => {
  const [first, second] = [{ username: "u", password: "p" }, { username: "v", password: "q" }];
  const logins = { "https://R.example.com/": first, "r.example.com": second, " ": second, "http://": second };
  const { request } = decodeStateRequest({ ...leastRequest, docker_credentials: logins });
  assert.deepEqual(request.dockerCredentials, { "r.example.com": first });
});
