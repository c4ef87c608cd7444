import assert from "node:assert/strict";
import { orphansAmong } from "../../../../lib/apps/watch/orphans.ts";
import type { AppId } from "../../../../lib/model/app.ts";
import type { ContainerSummary } from "../../../../lib/docker/decode.ts";

const own = { real: "True" };

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
    assert.equal(orphansAmong([summary], isKnown).length, isOrphan ? 1 : 0, name);
  }
});
