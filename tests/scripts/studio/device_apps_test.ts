import assert from "node:assert/strict";
import type { AppState, UpdateStatus } from "../../../lib/model/app.ts";
import {
  applyReport,
  type DeviceApp,
  type InstalledRelease,
  isWanted,
  type ReportedState,
} from "../../../scripts/studio/device_apps.ts";

/** Version 1 runs, version 2 is requested. */
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

/** The releases 7, 8 and 9 are the versions 1, 2 and 3. */
function releaseOf(releaseKey: number): InstalledRelease | undefined {
  if (![7, 8, 9].includes(releaseKey)) return undefined;
  const version = String(releaseKey - 6);
  return {
    version,
    releaseKey,
    dockerCompose: releaseKey === 8 ? { services: {} } : null,
    environmentTemplate: { V: { defaultValue: version } },
  };
}

/** The app after the given reports, in order. */
function applyAll(app: DeviceApp, ...reports: ReportedState[]): DeviceApp {
  return reports.reduce((known, report) => applyReport(known, report, { named: releaseOf(report.releaseKey) }), app);
}

function report(state: AppState, releaseKey: number, updateStatus: UpdateStatus = ""): ReportedState {
  return { state, releaseKey, updateStatus };
}

/** The members of an app that depend on its releases. */
function short(app: DeviceApp): string {
  const { presentVersion, releaseKey, newestVersion, newReleaseKey, requestUpdate } = app;
  return `${presentVersion}(${releaseKey}) of ${newestVersion}(${newReleaseKey})${requestUpdate ? " update" : ""}`;
}

/** The reports of a completed update. */
const completed = [
  report("UPDATING", 7),
  report("PRESENT", 8, "pending_remote_confirmation"),
  report("STARTING", 8, "completed"),
  report("RUNNING", 8, "completed"),
];

Deno.test("applyReport() takes over the state, and the reported release as the installed one", () => {
  const before = "1(7) of 2(8) update";
  const after = "2(8) of 2(8)";
  const table: [reported: ReportedState, expected: string][] = [
    [report("UPDATING", 7), before],
    [report("RUNNING", 7, "completed"), before],
    [report("RUNNING", 7, "canceled"), before],
    [report("PRESENT", 8, "pending_remote_confirmation"), after],
    [report("RUNNING", 8), after],
    [report("RUNNING", 99), before],
    [report("REMOVED", 8), before],
    [report("UNINSTALLED", 8), before],
  ];
  for (const [reported, expected] of table) {
    const app = applyAll(updating, reported);
    assert.equal(short(app), expected, JSON.stringify(reported));
    assert.equal(app.current, reported.state);
    assert.equal(app.updateStatus, reported.updateStatus);
    assert.deepEqual(app.dockerCompose, expected === after ? { services: {} } : null);
  }
});

Deno.test("applyReport() returns to the previous version when an update was rolled back", () => {
  const ends: readonly (readonly ReportedState[])[] = [
    [report("STARTING", 7, "canceled"), report("RUNNING", 7, "canceled")],
    // A restarted agent does not know the outcome of the update.
    [report("RUNNING", 7)],
  ];
  for (const end of ends) {
    const app = applyAll(updating, ...completed, ...end);
    assert.equal(short(app), "1(7) of 2(8)");
    assert.deepEqual([app.current, app.updateStatus], ["RUNNING", end.at(-1)?.updateStatus]);
    assert.deepEqual([app.dockerCompose, app.newDockerCompose], [null, { services: {} }]);
    assert.deepEqual(app.environmentTemplate, { V: { defaultValue: "1" } });
  }
});

Deno.test("applyReport() can go back by more than one release", () => {
  const requested: DeviceApp = {
    ...applyAll(updating, ...completed),
    newestVersion: "3",
    newReleaseKey: 9,
    requestUpdate: true,
  };
  assert.equal(short(applyAll(requested, report("RUNNING", 8, "completed"))), "2(8) of 3(9) update");
  const third = applyAll(requested, report("PRESENT", 9, "pending_remote_confirmation"));
  assert.equal(short(third), "3(9) of 3(9)");
  assert.equal(short(applyAll(third, report("RUNNING", 7, "canceled"))), "1(7) of 3(9)");
});

Deno.test("applyReport() keeps a release requested when another one was installed", () => {
  const requested: DeviceApp = { ...updating, newestVersion: "3", newReleaseKey: 9 };
  assert.equal(short(applyAll(requested, report("PRESENT", 8, "pending_remote_confirmation"))), "2(8) of 3(9) update");
});

Deno.test("applyReport() leaves the versions alone when no update was requested", () => {
  const app = { ...updating, newestVersion: "1", newReleaseKey: 7, requestUpdate: false };
  const reported = applyAll(app, report("RUNNING", 7, "completed"));
  assert.deepEqual(reported, { ...app, current: "RUNNING", updateStatus: "completed" });
});

Deno.test("isWanted() is false only for an app that is uninstalled and is to stay so", () => {
  assert.equal(isWanted(updating), true);
  assert.equal(isWanted({ ...updating, target: "UNINSTALLED" }), true);
  assert.equal(isWanted({ ...updating, target: "UNINSTALLED", current: "UNINSTALLED" }), false);
  assert.equal(isWanted({ ...updating, current: "UNINSTALLED" }), true);
});
