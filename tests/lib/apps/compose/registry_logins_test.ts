import assert from "node:assert/strict";
import { AgentError } from "../../../../lib/base/errors.ts";
import { EngineError } from "../../../../lib/docker/errors.ts";
import { appLogins, checkLogins } from "../../../../lib/apps/compose/registry_logins.ts";
import { never } from "../../../fakes/fake_handler_device.ts";

const config = { registryUrl: "https://registry.ironflock.com/", applianceDomain: "", secret: "device-secret" };
const own = { host: "registry.ironflock.com", user: "token", password: "device-secret" };
const login = { username: "u", password: "p" };
const sources = { token: "token", config, logins: {} };

Deno.test("appLogins() are those of the app, and the device's own for its own registry", () => {
  assert.deepEqual(appLogins([], sources), [own]);
  assert.deepEqual(appLogins([], { ...sources, logins: { "GHCR.io/": login, "https://index.docker.io/v1/": login } }), [
    { host: "ghcr.io", user: "u", password: "p" },
    { host: "docker.io", user: "u", password: "p" },
    own,
  ]);
});

Deno.test("appLogins() never overwrite an entry of the app, and do without a token", () => {
  const logins = { "registry.ironflock.com/": login };
  const stored = [{ host: "registry.ironflock.com", user: "u", password: "p" }];
  assert.deepEqual(appLogins([], { ...sources, logins }), stored);
  assert.deepEqual(appLogins([], { ...sources, logins, token: "" }), stored);
  assert.deepEqual(appLogins([], { ...sources, token: "" }), []);
});

Deno.test("appLogins() use the appliance's name of the registry only if an image does", () => {
  const appliance = { ...sources, config: { ...config, applianceDomain: "box.lan" } };
  assert.deepEqual(appLogins(["registry.ironflock.com/a:1", "redis"], appliance), [own]);
  const second = { ...own, host: "registry.box.lan" };
  assert.deepEqual(appLogins(["registry.box.lan/apps/a:1"], appliance), [own, second]);
});

const failures: readonly { name: string; error: AgentError; code: string; message: string }[] = [
  {
    name: "the engine's words when they name an error",
    error: new AgentError("denied", "x", {
      cause: new EngineError("engine_failed", "x", {
        engineText: "login attempt failed\nerror: unauthorized: wrong password\nmore",
      }),
    }),
    code: "denied",
    message: "error: unauthorized: wrong password",
  },
  {
    name: "the registry otherwise",
    error: new AgentError("denied", "x", {
      cause: new EngineError("engine_failed", "x", {
        engineText: "login attempt failed with status: 401 Unauthorized",
      }),
    }),
    code: "denied",
    message: "registry login to a.io failed: login attempt failed with status: 401 Unauthorized",
  },
  {
    name: "that the registry did not answer",
    error: new AgentError("timeout", 'Registry "a.io" did not answer within 10 s: check that the device can reach it'),
    code: "timeout",
    message: 'Registry "a.io" did not answer within 10 s: check that the device can reach it',
  },
];

for (const { name, error, code, message } of failures) {
  Deno.test(`M17: checkLogins() reports ${name}`, async () => {
    const checked: string[] = [];
    const engine = {
      checkLogin({ host }: { host: string }) {
        checked.push(host);
        return host === "a.io" ? Promise.reject(error) : Promise.resolve();
      },
    };
    const logins = ["first.io", "a.io", "b.io"].map((host) => ({ host, user: "u", password: "p" }));
    await assert.rejects(checkLogins(engine, logins, never), { code, message });
    assert.deepEqual(checked, ["first.io", "a.io"]);
  });
}
