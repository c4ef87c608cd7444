import assert from "node:assert/strict";
import type { AppState, UpdateStatus } from "../../../lib/model/app.ts";
import {
  applyReport,
  type DeviceApp,
  type InstalledRelease,
  isWanted,
  type ReportedState,
} from "../../../scripts/studio/device_apps.ts";

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

/** What the Studio knows of release 7, 8 and 9: versions 1, 2 and 3. */
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

/** The app after each of these reports, in order. */
function tell(app: DeviceApp, ...reports: ReportedState[]): DeviceApp {
  return reports.reduce((known, report) => applyReport(known, report, { named: releaseOf(report.releaseKey) }), app);
}

function report(state: AppState, releaseKey: number, updateStatus: UpdateStatus = ""): ReportedState {
  return { state, releaseKey, updateStatus };
}

/** The part of an app that the release that is installed decides about. */
function short(app: DeviceApp): string {
  const { presentVersion, releaseKey, newestVersion, newReleaseKey, requestUpdate } = app;
  return `${presentVersion}(${releaseKey}) of ${newestVersion}(${newReleaseKey})${requestUpdate ? " update" : ""}`;
}

/** What the device says when an update goes through. */
const through = [
  report("UPDATING", 7),
  report("PRESENT", 8, "pending_remote_confirmation"),
  report("STARTING", 8, "completed"),
  report("RUNNING", 8, "completed"),
];

Deno.test("applyReport() keeps the state, and takes the release that a report names as the one that is installed", () => {
  const before = "1(7) of 2(8) update";
  const after = "2(8) of 2(8)";
  const table: [told: ReportedState, expected: string][] = [
    [report("UPDATING", 7), before],
    [report("RUNNING", 7, "completed"), before],
    [report("RUNNING", 7, "canceled"), before],
    [report("PRESENT", 8, "pending_remote_confirmation"), after],
    [report("RUNNING", 8), after],
    [report("RUNNING", 99), before],
    [report("REMOVED", 8), before],
    [report("UNINSTALLED", 8), before],
  ];
  for (const [told, expected] of table) {
    const app = tell(updating, told);
    assert.equal(short(app), expected, JSON.stringify(told));
    assert.equal(app.current, told.state);
    assert.equal(app.updateStatus, told.updateStatus);
    assert.deepEqual(app.dockerCompose, expected === after ? { services: {} } : null);
  }
});

Deno.test("applyReport() takes the version before as the installed one again when an update was rolled back", () => {
  const ends: readonly (readonly ReportedState[])[] = [
    [report("STARTING", 7, "canceled"), report("RUNNING", 7, "canceled")],
    // An agent that was started anew does not know what became of the update.
    [report("RUNNING", 7)],
  ];
  for (const end of ends) {
    const app = tell(updating, ...through, ...end);
    assert.equal(short(app), "1(7) of 2(8)");
    assert.deepEqual([app.current, app.updateStatus], ["RUNNING", end.at(-1)?.updateStatus]);
    assert.deepEqual([app.dockerCompose, app.newDockerCompose], [null, { services: {} }]);
    assert.deepEqual(app.environmentTemplate, { V: { defaultValue: "1" } });
  }
});

Deno.test("applyReport() goes back to what has worked last, over more than one release", () => {
  const asked: DeviceApp = { ...tell(updating, ...through), newestVersion: "3", newReleaseKey: 9, requestUpdate: true };
  assert.equal(short(tell(asked, report("RUNNING", 8, "completed"))), "2(8) of 3(9) update");
  const third = tell(asked, report("PRESENT", 9, "pending_remote_confirmation"));
  assert.equal(short(third), "3(9) of 3(9)");
  assert.equal(short(tell(third, report("RUNNING", 7, "canceled"))), "1(7) of 3(9)");
});

Deno.test("applyReport() still asks for a release when another one than that was installed", () => {
  const asked: DeviceApp = { ...updating, newestVersion: "3", newReleaseKey: 9 };
  assert.equal(short(tell(asked, report("PRESENT", 8, "pending_remote_confirmation"))), "2(8) of 3(9) update");
});

Deno.test("applyReport() leaves the versions alone when no update was asked for", () => {
  const app = { ...updating, newestVersion: "1", newReleaseKey: 7, requestUpdate: false };
  const told = tell(app, report("RUNNING", 7, "completed"));
  assert.deepEqual(told, { ...app, current: "RUNNING", updateStatus: "completed" });
});

Deno.test("isWanted() is false only for an app that is to be gone and is", () => {
  assert.equal(isWanted(updating), true);
  assert.equal(isWanted({ ...updating, target: "UNINSTALLED" }), true);
  assert.equal(isWanted({ ...updating, target: "UNINSTALLED", current: "UNINSTALLED" }), false);
  assert.equal(isWanted({ ...updating, current: "UNINSTALLED" }), true);
});
