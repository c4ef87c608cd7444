import assert from "node:assert/strict";
import { findLayerFaults } from "../../../scripts/gate/layers.ts";

const table: { name: string; path: string; text: string; faults: string[] }[] = [
  {
    name: "an import to the left passes",
    path: "lib/apps/plan/container_plan.ts",
    text: `import { Engine } from "../docker/engine.ts";`,
    faults: [],
  },
  {
    name: "an import to the right fails",
    path: "lib/async/clock.ts",
    text: `import { Engine } from "../docker/engine.ts";`,
    faults: ["lib/async/clock.ts imports lib/docker/engine.ts: imports point to the left only"],
  },
  {
    name: "areas are ordered: a later one may use an earlier one",
    path: "lib/apps/plan/container_plan.ts",
    text: `import type { Batch } from "../app_logs/batch.ts";`,
    faults: [],
  },
  {
    name: "areas are ordered: an earlier one may not use a later one",
    path: "lib/app_logs/batch.ts",
    text: `import { plan } from "../apps/plan/container_plan.ts";`,
    faults: ["lib/app_logs/batch.ts imports lib/apps/plan/container_plan.ts: imports point to the left only"],
  },
  {
    name: "a file may import from the folder of its own name",
    path: "lib/flags.ts",
    text: `import { helpText } from "./flags/help.ts";`,
    faults: [],
  },
  {
    name: "a folder belongs to the file of its name",
    path: "lib/flags/help.ts",
    text: `import { agentVersion } from "../version.ts";`,
    faults: ["lib/flags/help.ts imports lib/version.ts: imports point to the left only"],
  },
  {
    name: "a re-export counts",
    path: "lib/store/app_rows.ts",
    text: `export { Session } from "../wamp/session.ts";`,
    faults: ["lib/store/app_rows.ts imports lib/wamp/session.ts: imports point to the left only"],
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
    text: `import {\n  a,\n  b,\n} from "./handlers/procedures.ts";`,
    faults: ["lib/config.ts imports lib/handlers/procedures.ts: imports point to the left only"],
  },
  {
    name: "a package has one owner",
    path: "lib/apps/work/container_steps.ts",
    text: `import Docker from "dockerode";`,
    faults: ["lib/apps/work/container_steps.ts imports dockerode: only lib/docker/ may"],
  },
  {
    name: "a file outside of all layers fails",
    path: "lib/shared/thing.ts",
    text: `import { Clock } from "../base/clock.ts";`,
    faults: ["lib/shared/thing.ts belongs to no layer"],
  },
  {
    name: "an import in a comment does not count",
    path: "lib/async/clock.ts",
    text: `// import { a } from "../agent.ts";\n/* import "../agent.ts" */`,
    faults: [],
  },
];

for (const row of table) {
  Deno.test(`findLayerFaults(): ${row.name}`, () => {
    assert.deepEqual(findLayerFaults([{ path: row.path, text: row.text }]), row.faults);
  });
}
