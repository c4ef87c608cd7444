import assert from "node:assert/strict";
import { withInstalledDefinition } from "../../../../lib/apps/requests/installed_definition.ts";
import type { AppRequest } from "../../../../lib/model/app.ts";
import type { LiveApp } from "../../../../lib/apps/state/live_app.ts";
import type { StoredUpdate } from "../../../../lib/store/update_rows.ts";
import { sampleRequest } from "../../store/samples.ts";

const id = { appKey: 71, stage: "PROD" } as const;
const one = { services: { web: { image: "web:1" } } };
const two = { services: { web: { image: "web:2" } } };

function installed(version: string): LiveApp {
  return {
    ...{ id, appName: "Fan_Ctl", state: "RUNNING", target: "RUNNING", version, releaseKey: 1 },
    ...{ requestorAccountKey: 0, requestUpdate: false, releaseBuild: false, updateStatus: "" },
  };
}

const failed: StoredUpdate = {
  ...{ id, phase: "failed", from: { version: "1", releaseKey: 1 }, to: { version: "2", releaseKey: 2 } },
  ...{ container: null, dockerCompose: one, reason: "it crashed" },
};

Deno.test("withInstalledDefinition() takes the release of an update that Studio has not heard of", () => {
  const request = sampleRequest({
    ...{ presentVersion: "1", newestVersion: "2", requestUpdate: true },
    ...{ dockerCompose: one, newDockerCompose: two },
  });
  const adopted = withInstalledDefinition(request, { app: { ...installed("2"), releaseKey: 2 }, update: undefined });
  assert.deepEqual(adopted, { ...request, presentVersion: "2", releaseKey: 2, dockerCompose: two });
  assert.equal(withInstalledDefinition(request, { app: installed("1"), update: undefined }), request);
  const toSingle = { ...request, newDockerCompose: null };
  assert.equal(withInstalledDefinition(toSingle, { app: installed("2"), update: undefined }).dockerCompose, null);
});

Deno.test("withInstalledDefinition() keeps the release from before an update that has failed", () => {
  const request = sampleRequest({
    ...{ presentVersion: "2", newestVersion: "2", requestUpdate: false },
    ...{ dockerCompose: two, newDockerCompose: two },
  });
  assert.deepEqual(
    withInstalledDefinition(request, { app: installed("1"), update: failed }),
    { ...request, presentVersion: "1", releaseKey: 1, dockerCompose: one },
  );
  const wasSingle: StoredUpdate = { ...failed };
  delete wasSingle.dockerCompose;
  assert.equal(withInstalledDefinition(request, { app: installed("1"), update: wasSingle }).dockerCompose, null);
});

Deno.test("withInstalledDefinition() leaves every other request alone", () => {
  const request = sampleRequest({ presentVersion: "1", newestVersion: "1", requestUpdate: false, dockerCompose: one });
  assert.equal(withInstalledDefinition(request, { app: installed("1"), update: failed }), request);
  const ofDev = { ...request, stage: "DEV" as const };
  assert.equal(withInstalledDefinition(ofDev, { app: installed("1"), update: failed }), ofDev);
  assert.equal(withInstalledDefinition(request, { app: installed(""), update: undefined }), request);
});

Deno.test("#13: withInstalledDefinition() keeps the file of a compose app that a request does not mention", () => {
  const request = sampleRequest({ presentVersion: "1", newestVersion: "1", requestUpdate: false, dockerCompose: null });
  const stored = { ...request, dockerCompose: one };
  const removal = { ...request, presentVersion: "2", target: "REMOVED" as const };
  const app = installed("1");
  const ofAnother = { ...request, presentVersion: "2" };
  const cases: [string, AppRequest, LiveApp, object | null][] = [
    ["the installed release", request, app, one],
    ["a removal", removal, app, one],
    ["another release", ofAnother, app, null],
    ["an app that is gone", request, { ...app, state: "REMOVED" }, null],
  ];
  for (const [name, asked, known, expected] of cases) {
    const { dockerCompose } = withInstalledDefinition(asked, { app: known, update: undefined, stored });
    assert.deepEqual(dockerCompose, expected, name);
  }
  const single = withInstalledDefinition(request, { app, update: undefined, stored: request });
  assert.equal(single.dockerCompose, null);
});
