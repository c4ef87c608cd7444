import assert from "node:assert/strict";
import { decodeRequestedState, inheritingApp } from "../../../../lib/apps/requests/requested_state.ts";
import { emptyRequest, leastRequest } from "./request_samples.ts";

Deno.test("decodeRequestedState() treats a member of the wrong type as missing", () => {
  const row = {
    ...leastRequest,
    release_key: "7",
    environment: [],
    request_update: "yes",
    present_version: "1",
    current_state: 5,
  };
  assert.deepEqual(decodeRequestedState(row).request, {
    ...emptyRequest,
    releaseKey: 7,
    version: "1",
    presentVersion: "1",
  });
});

Deno.test("M56: decodeRequestedState() rejects a row without a valid app or wanted state", () => {
  const wrong = [null, 7, "x", [], {}, { ...leastRequest, app_key: "7x" }, { ...leastRequest, app_key: 0 }, {
    ...leastRequest,
    stage: "X",
  }];
  const states = [{ ...leastRequest, target_state: "STOPPED" }, { ...leastRequest, target_state: 5 }, {
    ...leastRequest,
    app_name: "a/b",
  }];
  for (const row of [...wrong, ...states]) {
    assert.throws(() => decodeRequestedState(row), { code: "bad_request" }, JSON.stringify(row));
  }
});

Deno.test("M59, #17: the key of an app may be text", () => {
  for (const app_key of ["7", " 7", "7.0"]) {
    assert.equal(decodeRequestedState({ ...leastRequest, app_key }).request.appKey, 7);
    assert.deepEqual(inheritingApp({ ...leastRequest, app_key, target_state: "INHERIT" }), {
      appKey: 7,
      stage: "PROD",
    });
  }
  for (const app_key of ["", "0", "-7", "7.5", "0x7", true]) {
    assert.throws(() => decodeRequestedState({ ...leastRequest, app_key }), { code: "bad_request" });
  }
});

Deno.test("inheritingApp() returns the app of a row that wants no state of it", () => {
  assert.deepEqual(inheritingApp({ ...leastRequest, target_state: "INHERIT" }), { appKey: 7, stage: "PROD" });
  assert.equal(inheritingApp(leastRequest), undefined);
  assert.equal(inheritingApp({ target_state: "INHERIT", stage: "PROD" }), undefined);
  assert.equal(inheritingApp("INHERIT"), undefined);
});

Deno.test("change 2.7: rows of DEV apps carry logins, by the hosts of their registries", () => {
  const login = { username: "u", password: "p" };
  const logins = { "https://R.example.com/": login, "": login };
  const loginsOf = (change: Record<string, unknown>) =>
    decodeRequestedState({ ...leastRequest, docker_credentials: logins, ...change }).request.dockerCredentials;
  assert.deepEqual(loginsOf({ stage: "DEV" }), { "r.example.com": login });
  assert.deepEqual(loginsOf({ stage: "PROD" }), {});
  for (const bad of [null, [], "x", { r: { username: 1 } }, { r: null }]) {
    assert.deepEqual(loginsOf({ stage: "DEV", docker_credentials: bad }), {}, JSON.stringify(bad));
  }
});
