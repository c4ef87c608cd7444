import assert from "node:assert/strict";
import { findLayerFaults, importsOf } from "../../scripts/gate/layers.ts";

const table: { name: string; path: string; text: string; faults: string[] }[] = [
  {
    name: "an import to the left passes",
    path: "lib/apps/plan.ts",
    text: `import { Engine } from "../docker/engine.ts";`,
    faults: [],
  },
  {
    name: "an import to the right fails",
    path: "lib/base/clock.ts",
    text: `import { Engine } from "../docker/engine.ts";`,
    faults: ["lib/base/clock.ts imports lib/docker/engine.ts: imports point to the left only"],
  },
  {
    name: "neighbours do not import each other",
    path: "lib/apps/plan.ts",
    text: `import type { Batch } from "../logs/batch.ts";`,
    faults: ["lib/apps/plan.ts imports lib/logs/batch.ts: folders of one group do not import each other"],
  },
  {
    name: "a file may import from the folder of its own name",
    path: "lib/flags.ts",
    text: `import { helpText } from "./flags/help.ts";`,
    faults: [],
  },
  {
    name: "a file may not import from the folder of its neighbour",
    path: "lib/version.ts",
    text: `import { helpText } from "./flags/help.ts";`,
    faults: ["lib/version.ts imports lib/flags/help.ts: folders of one group do not import each other"],
  },
  {
    name: "a re-export counts",
    path: "lib/wamp/session.ts",
    text: `export { readApps } from "../store/app_rows.ts";`,
    faults: ["lib/wamp/session.ts imports lib/store/app_rows.ts: folders of one group do not import each other"],
  },
  {
    name: "a dynamic import counts",
    path: "lib/config.ts",
    text: `const later = await import("./agent.ts");`,
    faults: ["lib/config.ts imports lib/agent.ts: imports point to the left only"],
  },
  {
    name: "an import over several lines counts",
    path: "lib/config.ts",
    text: `import {\n  a,\n  b,\n} from "./handlers/table.ts";`,
    faults: ["lib/config.ts imports lib/handlers/table.ts: imports point to the left only"],
  },
  {
    name: "a package has one owner",
    path: "lib/apps/steps.ts",
    text: `import Docker from "dockerode";`,
    faults: ["lib/apps/steps.ts imports dockerode: only lib/docker/ may"],
  },
  {
    name: "a file outside of all layers fails",
    path: "lib/shared/thing.ts",
    text: `import { Clock } from "../base/clock.ts";`,
    faults: ["lib/shared/thing.ts belongs to no layer"],
  },
  {
    name: "an import in a comment does not count",
    path: "lib/base/clock.ts",
    text: `// import { a } from "../agent.ts";\n/* import "../agent.ts" */`,
    faults: [],
  },
];

for (const row of table) {
  Deno.test(`findLayerFaults(): ${row.name}`, () => {
    assert.deepEqual(findLayerFaults([{ path: row.path, text: row.text }]), row.faults);
  });
}

Deno.test("importsOf() sees side-effect imports", () => {
  assert.deepEqual(importsOf(`import "./a.ts";\nimport b from './b.ts';`), ["./a.ts", "./b.ts"]);
});
