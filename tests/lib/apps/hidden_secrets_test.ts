import assert from "node:assert/strict";
import { FakeDevice } from "../../fakes/fake_device.ts";

const secrets = {
  environment: { DB_PASSWORD: { value: "hunter22" }, PIN: { value: "4711", secret: true }, LEVEL: { value: "info" } },
  docker_credentials: { "r.example.com": { username: "user", password: "swordfish" } },
};

Deno.test("passwords and secret variables of an app are hidden from its request on, and again after a restart", async () => {
  const hidden: [owner: string, texts: readonly string[]][] = [];
  await using device = new FakeDevice({ "1": {} }, () => ({
    hideSecretsOf: (owner, texts) => void hidden.push([owner, texts]),
  }));
  await device.request("RUNNING", secrets);
  const expected = [["PROD:7", ["swordfish", "hunter22", "4711"]]];
  assert.deepEqual(hidden, expected);
  hidden.length = 0;
  await device.stopAgent();
  device.startAgent();
  await device.apps.reconcileLocal(new AbortController().signal);
  assert.deepEqual(hidden, expected);
});

Deno.test("secrets are hidden before a request is stored or refused", async () => {
  const hidden: string[] = [];
  await using device = new FakeDevice({ "1": {} }, () => ({
    hideSecretsOf: (_, texts) => void hidden.push(...texts),
  }));
  device.fillDisk();
  await assert.rejects(device.request("RUNNING", secrets), { code: "store_failed" });
  assert.deepEqual(hidden, ["swordfish", "hunter22", "4711"]);
});
