import assert from "node:assert/strict";
import { applyReport, type DeviceApp, isWanted, type ReportedState } from "../../scripts/studio/device_apps.ts";

/** Version 1 runs, version 2 was asked for. */
const updating: DeviceApp = {
  appKey: 42,
  appName: "shop",
  stage: "PROD",
  target: "RUNNING",
  current: "RUNNING",
  updateStatus: "",
  presentVersion: "1",
  newestVersion: "2",
  releaseKey: 7,
  newReleaseKey: 8,
  requestUpdate: true,
  requestorAccountKey: 1,
  environment: {},
  environmentTemplate: {},
  ports: [],
  dockerCompose: null,
  newDockerCompose: { services: {} },
  instanceKey: 0,
  appCredEpoch: 1,
};

Deno.test("applyReport() keeps the state, and takes an update as done when the device has said so", () => {
  const before = { present: "1", releaseKey: 7, requestUpdate: true };
  const after = { present: "2", releaseKey: 8, requestUpdate: false };
  const table: [report: ReportedState, expected: typeof before][] = [
    [{ state: "UPDATING", releaseKey: 7, updateStatus: "" }, before],
    [{ state: "RUNNING", releaseKey: 7, updateStatus: "completed" }, before],
    [{ state: "RUNNING", releaseKey: 7, updateStatus: "canceled" }, before],
    [{ state: "STARTING", releaseKey: 7, updateStatus: "pending_remote_confirmation" }, before],
    [{ state: "PRESENT", releaseKey: 7, updateStatus: "pending_remote_confirmation" }, after],
    [{ state: "PRESENT", releaseKey: 8, updateStatus: "pending_remote_confirmation" }, after],
    [{ state: "RUNNING", releaseKey: 8, updateStatus: "" }, after],
  ];
  for (const [report, expected] of table) {
    const app = applyReport(updating, report);
    const { presentVersion: present, releaseKey, requestUpdate } = app;
    assert.deepEqual({ present, releaseKey, requestUpdate }, expected, JSON.stringify(report));
    assert.equal(app.current, report.state);
    assert.equal(app.updateStatus, report.updateStatus);
    assert.deepEqual(app.dockerCompose, expected === after ? { services: {} } : null);
  }
});

Deno.test("applyReport() leaves the versions alone when no update was asked for", () => {
  const app = { ...updating, newestVersion: "1", newReleaseKey: 7, requestUpdate: false };
  const told = applyReport(app, { state: "RUNNING", releaseKey: 7, updateStatus: "completed" });
  assert.deepEqual(told, { ...app, updateStatus: "completed" });
});

Deno.test("isWanted() is false only for an app that is to be gone and is", () => {
  assert.equal(isWanted(updating), true);
  assert.equal(isWanted({ ...updating, target: "UNINSTALLED" }), true);
  assert.equal(isWanted({ ...updating, target: "UNINSTALLED", current: "UNINSTALLED" }), false);
  assert.equal(isWanted({ ...updating, current: "UNINSTALLED" }), true);
});
