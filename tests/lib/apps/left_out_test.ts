import assert from "node:assert/strict";
import { FakeDevice } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;

function warningsIn(entries: readonly string[]): string[] {
  return entries.filter((entry) => entry.startsWith('"Warning: '));
}

const portText = '"Warning: The port rule "web" is left out: port must be a whole number from 1 to 65535, got "http""';
const nameText = '"Warning: The variable "A=B" is left out: its name cannot be that of a variable"';
const entryText = '"Warning: The variable "LEVEL" is left out: its entry is not an object"';
const fieldText = '"Warning: The field "instance_key" is left out: it must be a whole number, got "seven""';
const broken = {
  ports: [{ name: "web", port: "http" }, { port: "8080" }],
  environment: { "A=B": { value: "1" }, LEVEL: "debug" },
  instance_key: "seven",
};

Deno.test("#17: what is left out of a request is told in the app's own log, at the start of the app", async () => {
  await using device = new FakeDevice();
  const entries = await device.request("RUNNING", broken);
  assert.deepEqual(warningsIn(entries), [fieldText, portText, nameText, entryText]);
  assert.ok(entries.indexOf(portText) > entries.indexOf("STARTING"), "viewers see it from the start on");
  const details = await device.engine.inspect("prod_7_shop", never);
  assert.deepEqual(Object.keys(details?.portBindings ?? {}), ["8080/tcp"]);
  // Not again for the same request, but for each start.
  assert.deepEqual(warningsIn(await device.request("RUNNING", broken)), []);
  assert.deepEqual(warningsIn(await device.request("PRESENT", broken)), []);
  assert.deepEqual(warningsIn(await device.request("RUNNING", broken)), [fieldText, portText, nameText, entryText]);
});

Deno.test("#17: a request for an app that runs already is told of, too", async () => {
  await using device = new FakeDevice();
  assert.deepEqual(warningsIn(await device.request("RUNNING")), []);
  assert.deepEqual(warningsIn(await device.request("RUNNING", broken)), [fieldText, portText, nameText, entryText]);
  assert.deepEqual(warningsIn(await device.request("RUNNING")), []);
});

Deno.test("#17: fields of Studio's answer of another type are told of, and numbers may be text", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  const app = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", newest_version: "1" };
  device.studio.clear();
  device.studio.answer = () => [{ ...app, present_version: 1, release_key: "7", environment: [], ports: "80" }];
  await device.apps.reconcileLocal(never);
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.deepEqual(warningsIn(device.studio.entries), [
    '"Warning: The field "ports" is left out: it must be a list"',
    '"Warning: The field "environment" is left out: it must be an object"',
    '"Warning: The field "present_version" is left out: it must be text, got 1"',
  ]);
});

Deno.test("#17: variables that the agent replaces, or that are too long for a container, are told of", async () => {
  await using device = new FakeDevice();
  const entries = await device.request("RUNNING", {
    ports: [{ port: 53 }],
    environment: { DEVICE_PORT_FOR_53: { value: "1" }, LONG: { value: "x".repeat(20_480) } },
  });
  assert.deepEqual(warningsIn(entries), [
    '"Warning: The variable "DEVICE_PORT_FOR_53" is left out: the agent sets it"',
    '"Warning: The variable "LONG" is only in the file /data/env/LONG.txt: it has more than 20480 bytes"',
  ]);
});

Deno.test("#17: of many parts the first are told, and how many more there are", async () => {
  await using device = new FakeDevice();
  const ports = Array.from({ length: 50 }, (_, index) => ({ name: `p${index}`, port: "x" }));
  const lines = warningsIn(await device.request("RUNNING", { ports }));
  assert.deepEqual([lines.length, lines.at(-1)], [20, '"Warning: 31 more parts are left out"']);
});
