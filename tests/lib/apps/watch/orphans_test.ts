import assert from "node:assert/strict";
import { orphansAmong } from "../../../../lib/apps/watch/orphans.ts";
import type { AppId } from "../../../../lib/model/app.ts";
import type { ContainerSummary } from "../../../../lib/docker/decode.ts";

const own = { real: "True" };

const folders = { composeDir: "/apps/compose", buildDir: "/apps/build" };

/** Labels that compose puts onto the containers of a project made from this file. */
const made = (project: string, file: string) => ({
  "com.docker.compose.project": project,
  "com.docker.compose.project.config_files": file,
});

const ofShop = { ...own, "reagent.app-key": "7", "reagent.stage": "PROD" };

function container(name: string, labels: Record<string, string> = own): ContainerSummary {
  return { id: name, names: [name], state: "running", image: "shop:1", labels, published: {} };
}

Deno.test("orphansAmong() names the agent's own containers without an app, and nothing else", () => {
  const cases: [string, ContainerSummary, boolean][] = [
    ["an app that is gone", container("prod_9_ghost"), true],
    ["a developer's app that is gone", container("dev_9_ghost_two"), true],
    ["a known app", container("prod_7_shop"), false],
    ["a known app under the name that it had before", container("prod_7_shop2"), false],
    ["a known app whose container somebody has renamed", container("mine", ofShop), false],
    [
      "an app that is gone whose container somebody has renamed",
      container("mine", { ...ofShop, "reagent.app-key": "9" }),
      true,
    ],
    ["the other stage of a known app", container("dev_7_shop"), true],
    [
      "an app that is gone under the name of a known one",
      container("prod_7_shop", { ...ofShop, "reagent.app-key": "9" }),
      true,
    ],
    ["no label", container("prod_9_ghost", {}), false],
    ["another label", container("prod_9_ghost", { real: "yes" }), false],
    ["another prefix", container("web_9_ghost"), false],
    ["no key", container("prod_x_ghost"), false],
    ["no name", container("prod_9_"), false],
    ["something before the name", container("my_prod_9_ghost"), false],
    ["a compose project's", container("prod_9_ghost", { ...own, "com.docker.compose.project": "p" }), false],
    ["no name at all", { ...container(""), names: [] }, false],
  ];
  for (const [name, summary, isOrphan] of cases) {
    const isKnown = ({ appKey, stage }: AppId) => appKey === 7 && stage === "PROD";
    assert.equal(orphansAmong([summary], { isKnown, folders }).length, isOrphan ? 1 : 0, name);
  }
});

Deno.test("M50, #13: orphansAmong() names containers of projects that were made from a file of the agent's, and no others", () => {
  const file = (name: string) => `/apps/compose/${name}/docker-compose.json`;
  const cases: [string, Record<string, string>, boolean][] = [
    ["an app that is gone", made("prod_9_ghost_compose", file("Ghost")), true],
    ["… whose name has dots, dashes and underscores", made("prod_9_ab-c_d_compose", file("a.B-c_D")), true],
    ["a developer's app", made("dev_9_ghost_compose", "/apps/build/Ghost/docker-compose.json"), true],
    ["a known app", made("prod_7_shop_compose", file("Shop")), false],
    ["a known app under its earlier name", made("prod_7_old_compose", file("Old")), false],
    ["a file of somebody else", made("prod_9_ghost_compose", "/home/me/ghost/docker-compose.json"), false],
    ["the file of another app", made("prod_9_ghost_compose", file("Other")), false],
    ["the file of another stage", made("prod_9_ghost_compose", "/apps/build/Ghost/docker-compose.json"), false],
    ["another file in the folder", made("prod_9_ghost_compose", "/apps/compose/Ghost/mine.yml"), false],
    ["two files", made("prod_9_ghost_compose", `${file("Ghost")},/tmp/more.yml`), false],
    ["a file further inside", made("prod_9_ghost_compose", "/apps/compose/Ghost/x/docker-compose.json"), false],
    ["no file", { "com.docker.compose.project": "prod_9_ghost_compose" }, false],
    ["a look-alike", made("prod_9_ghost_compose2", file("Ghost")), false],
    ["a very short name", made("x", file("x")), false],
    ["the appliance", made("ironflock-appliance", file("ironflock-appliance")), false],
  ];
  for (const [name, labels, isOrphan] of cases) {
    const isKnown = ({ appKey, stage }: AppId) => appKey === 7 && stage === "PROD";
    assert.equal(orphansAmong([container("x-web-1", labels)], { isKnown, folders }).length, isOrphan ? 1 : 0, name);
  }
});
