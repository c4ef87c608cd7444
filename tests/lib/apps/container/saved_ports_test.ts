import assert from "node:assert/strict";
import { encodePortRule } from "../../../../lib/model/port_rule.ts";
import { readRequest, writeRequest } from "../../../../lib/store/request_rows.ts";
import { Folder, sampleRequest, warningsLog } from "../../store/samples.ts";
import { FakeDevice } from "../../../fakes/fake_device.ts";

const never = new AbortController().signal;
const unreadable = [{ port: "eighty", color: "red" }, null, "x"];

Deno.test("entries of the port list that cannot be read are saved back unchanged, next to the rules", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING", { ports: [unreadable[0], { port: 8080, color: "blue" }, ...unreadable.slice(1)] });
  const saved = device.studio.ports.at(-1);
  assert.deepEqual(saved?.others, unreadable);
  const [wire] = saved?.ports.map(encodePortRule) ?? [];
  assert.deepEqual([wire?.port, wire?.color, typeof wire?.host_port], [8080, "blue", "number"]);
  assert.equal(device.state, "RUNNING");
});

Deno.test("entries that cannot be read are restored from the database after a restart, and saved again", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING", { ports: [...unreadable, { port: 8080 }] });
  await device.stopAgent();
  device.startAgent();
  device.studio.ports.length = 0;
  const ports = [...unreadable, { port: 8080 }];
  const app = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", present_version: "1" };
  device.studio.answer = () => [{ ...app, newest_version: "1", ports }];
  await device.apps.reconcileLocal(never);
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.deepEqual(device.studio.ports.at(-1)?.others, unreadable);
  assert.deepEqual(device.studio.ports.at(-1)?.ports.map(({ port }) => port), [8080]);
});

Deno.test("writeRequest() stores entries that cannot be read after the rules, once", () => {
  using folder = new Folder();
  const log = warningsLog();
  using database = folder.open(log);
  const id = { appKey: 71, stage: "PROD" } as const;
  const options = { state: "RUNNING", now: new Date("2031-03-05T07:00:00Z") } as const;
  writeRequest(database, sampleRequest({ otherPorts: unreadable }), options);
  for (let count = 0; count < 3; count += 1) {
    const request = readRequest(database, id);
    assert.ok(request);
    assert.deepEqual(request.otherPorts, unreadable);
    assert.deepEqual(request.ports, sampleRequest().ports);
    writeRequest(database, request, options);
  }
  const stored: unknown = JSON.parse(String(database.first("SELECT ports FROM RequestedAppStates")?.ports));
  assert.deepEqual(stored, [...sampleRequest().ports.map(encodePortRule), ...unreadable]);
  // A row is read many times; the request that brought them was logged.
  assert.deepEqual(log.warnings, []);
});
