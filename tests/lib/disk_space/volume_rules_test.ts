import assert from "node:assert/strict";
import type { AppId } from "../../../lib/model/app.ts";
import { anonymousVolumeLabel, volumeLabels } from "../../../lib/model/labels.ts";
import { normalizeProject } from "../../../lib/model/app_names.ts";
import { removableVolumes, type VolumeOwners } from "../../../lib/disk_space/volume_rules.ts";

const hex = "0123456789abcdef".repeat(4);
const project = (name: string) => ({ "com.docker.compose.project": name });
const app = (stage: AppId["stage"], appKey: number, appName: string) => ({ id: { stage, appKey }, appName });

const owners: VolumeOwners = {
  apps: [app("PROD", 7, "Shop"), app("DEV", 8, "Edge.Hub"), app("PROD", 9, "prod_3_odd_compose")],
  kept: new Set(["e".repeat(64)]),
  folders: { PROD: ["Shop", "Ghost", "Edge.Hub+2"], DEV: ["Draft"] },
};

const cases: [string, string, Record<string, string>, boolean][] = [
  ["an anonymous volume", hex, {}, true],
  ["an anonymous volume of an engine that labels them", hex, { "com.docker.volume.anonymous": "" }, true],
  ["an anonymous name with a foreign label", hex, { "com.docker.volume.anonymous": "", owner: "me" }, false],
  ["a name of 63 characters", hex.slice(1), {}, false],
  ["a name of 65 characters", `${hex}a`, {}, false],
  ["a name in upper case", hex.toUpperCase(), {}, false],
  ["a volume with a name", "data", {}, false],
  ["a volume with a name that is labelled as anonymous", "data", { "com.docker.volume.anonymous": "" }, false],
  ["another label", "data", { owner: "me" }, false],
  ["the appliance", "x", project("ironflock-appliance"), false],
  ["a running or stopped app", "x", project("prod_7_shop_compose"), false],
  ["an app of this name in the other stage, without a folder there", "x", project("dev_7_shop_compose"), false],
  ["an app that was renamed", "x", project("prod_7_ghost_compose"), false],
  ["an app whose own name looks like a project", "x", project("prod_3_odd_compose"), false],
  ["an unknown app with a folder", "x", project("prod_5_ghost_compose"), true],
  ["an unknown app with a folder of odd characters", "x", project("prod_5_edgehub2_compose"), true],
  ["an unknown app in development with a folder", "x", project("dev_5_draft_compose"), true],
  ["an unknown app with a folder of the other stage", "x", project("prod_5_draft_compose"), false],
  ["an unknown app without a folder", "x", project("prod_5_nobody_compose"), false],
  ["a foreign project with the name of an app", "x", project("ghost"), false],
  ["a foreign project", "x", project("nextcloud"), false],
  ["a project without a key", "x", project("prod_x_ghost_compose"), false],
  ["a project of a third stage", "x", project("pub_5_ghost_compose"), false],
  ["a project without the ending", "x", project("prod_5_ghost"), false],
  ["a project in upper case", "x", project("PROD_5_GHOST_COMPOSE"), false],
  ["an empty project", "x", project(""), false],
];

for (const [what, name, labels, isRemoved] of cases) {
  Deno.test(`removableVolumes() ${isRemoved ? "removes" : "keeps"} ${what}`, () => {
    assert.equal(removableVolumes([{ name, labels }], owners).length, isRemoved ? 1 : 0);
  });
}

Deno.test("#1: removableVolumes() keeps what stopped apps need, with or without a name of the agent's", () => {
  const named = { name: "prod_7_state_0f1e", labels: volumeLabels({ stage: "PROD", appKey: 7 }, "/state") };
  const anonymous = { name: "e".repeat(64), labels: { [anonymousVolumeLabel]: "" } };
  assert.deepEqual(removableVolumes([named, anonymous], owners), []);
});

Deno.test("removableVolumes() keeps every volume of a project while the apps are not known", () => {
  const volumes = cases.map(([, name, labels]) => ({ name, labels }));
  const removed = removableVolumes(volumes, { ...owners, apps: undefined });
  assert.deepEqual(removed.map(({ name }) => name), [hex, hex]);
});

Deno.test("for every set of apps, removableVolumes() keeps the project of each of them", () => {
  const names = ["Shop", "shop", "Edge.Hub", "my_app", "_x", "a-b", "prod_1_a", "compose"];
  for (const [appKey, appName] of names.entries()) {
    for (const stage of ["PROD", "DEV"] as const) {
      const label = `${stage}_${appKey}_${appName}_compose`.toLowerCase();
      for (const written of [label, normalizeProject(label)]) {
        const volume = { name: "x", labels: project(written) };
        const folders = { PROD: names, DEV: names };
        assert.deepEqual(
          removableVolumes([volume], { apps: [app(stage, appKey, appName)], kept: new Set(), folders }),
          [],
          written,
        );
      }
    }
  }
});
