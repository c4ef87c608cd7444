import assert from "node:assert/strict";
import type { LiveApp } from "../../../../lib/apps/state/live_app.ts";
import { appFromRequest } from "../../../../lib/apps/state/live_app.ts";
import { AppChannels, retiredLogLimit } from "../../../../lib/apps/work/app_channels.ts";
import type { AppId } from "../../../../lib/model/app.ts";
import type { NamedApp } from "../../../../lib/model/app_names.ts";
import { FakeStudio } from "../../../fakes/fake_studio.ts";
import { sampleRequest } from "../../store/samples.ts";

const channel = "prod_71_fan_ctl";
const run = { id: "a", name: channel, status: "running", startedAt: "2026-01-01T00:00:00Z" };

function create() {
  const studio = new FakeStudio();
  const forgotten: string[] = [];
  const appLogs = { ...studio.appLogs(), forget: (_: unknown, name: string) => void forgotten.push(name) };
  const namesOf = ({ id }: NamedApp) => ({
    container: id.appKey === 71 ? channel : `prod_${id.appKey}`,
    repository: "",
    repositoryPrefix: "",
    project: "",
  });
  const known = new Set<number>();
  const records = { find: ({ appKey }: AppId) => known.has(appKey) ? appIn("RUNNING") : undefined };
  return { channels: new AppChannels({ appLogs, records, namesOf }), studio, forgotten, known };
}

function appIn(state: LiveApp["state"]): LiveApp {
  return { ...appFromRequest(sampleRequest({ appName: "Fan_Ctl" }), "RUNNING"), state };
}

Deno.test("follow() follows each run of a container once", () => {
  const { channels, studio } = create();
  channels.follow(run);
  channels.follow(run);
  assert.equal(studio.followed.length, 1);
  channels.follow({ ...run, startedAt: "2026-01-01T00:01:00Z" });
  channels.follow({ ...run, id: "b" });
  assert.equal(studio.followed.length, 3);
});

Deno.test("follow() takes a container from a list for the run that is followed", () => {
  const { channels, studio } = create();
  channels.follow(run);
  channels.follow({ id: "a", name: channel, status: "running" });
  assert.equal(studio.followed.length, 1);
});

Deno.test("follow() follows several containers of an app", () => {
  const { channels, studio } = create();
  for (const name of ["web", "db"]) channels.follow({ ...run, name });
  assert.deepEqual(studio.followed, ["web", "db"]);
});

Deno.test("follow() spares an inspection of a container that an agent has made", () => {
  const { channels, studio } = create();
  channels.follow({ ...run, isMadeByAgent: true });
  assert.deepEqual(studio.followed, [`${channel} a`]);
});

Deno.test("showExit() ends with the exit code", async () => {
  const { channels, studio } = create();
  await channels.showExit(appIn("FAILED"), 3, new AbortController().signal);
  assert.deepEqual(studio.entries, ['"Fan_Ctl (PROD) exited with status code: 3"']);
});

Deno.test("forget() keeps the log of a removed app until its data is deleted", () => {
  const { channels, forgotten } = create();
  channels.forget(appIn("REMOVED"));
  assert.deepEqual(forgotten, []);
  channels.forget(appIn("UNINSTALLED"));
  assert.deepEqual(forgotten, [channel]);
});

Deno.test("#5: the logs of removed apps are kept for the newest of them, and for those that came back", () => {
  const { channels, forgotten, known } = create();
  for (let appKey = 1; appKey <= retiredLogLimit + 3; appKey += 1) {
    channels.forget({ ...appIn("REMOVED"), id: { appKey, stage: "PROD" } });
    if (appKey === 2) known.add(appKey);
  }
  assert.deepEqual(forgotten, ["prod_1", "prod_3"]);
});
