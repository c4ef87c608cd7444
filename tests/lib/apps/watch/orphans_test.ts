import assert from "node:assert/strict";
import { orphansAmong } from "../../../../lib/apps/watch/orphans.ts";
import type { ContainerSummary } from "../../../../lib/docker/decode.ts";

const own = { real: "True" };

function container(name: string, labels: Record<string, string> = own): ContainerSummary {
  return { id: name, names: [name], state: "running", image: "shop:1", labels, published: {} };
}

Deno.test("orphansAmong() names the agent's own containers without an app, and nothing else", () => {
  const cases: [string, ContainerSummary, boolean][] = [
    ["an app that is gone", container("prod_9_ghost"), true],
    ["a developer's app that is gone", container("dev_9_ghost_two"), true],
    ["a known app", container("prod_7_shop"), false],
    ["a name that only begins like a known one", container("prod_7_shop2"), true],
    ["no label", container("prod_9_ghost", {}), false],
    ["another label", container("prod_9_ghost", { real: "yes" }), false],
    ["another prefix", container("web_9_ghost"), false],
    ["no key", container("prod_x_ghost"), false],
    ["no name", container("prod_9_"), false],
    ["something before the name", container("my_prod_9_ghost"), false],
    ["a compose project's", container("prod_9_ghost", { ...own, "com.docker.compose.project": "p" }), false],
    ["no name at all", { ...container(""), names: [] }, false],
    ["known under one of two names", { ...container("prod_9_ghost"), names: ["prod_9_ghost", "prod_7_shop"] }, false],
  ];
  for (const [name, summary, isOrphan] of cases) {
    assert.equal(orphansAmong([summary], new Set(["prod_7_shop"])).length, isOrphan ? 1 : 0, name);
  }
});
