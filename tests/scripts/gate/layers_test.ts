import assert from "node:assert/strict";
import { findLayerViolations } from "../../../scripts/gate/layers.ts";

const table: { name: string; path: string; text: string; violations: string[] }[] = [
  {
    name: "an import from an earlier layer passes",
    path: "lib/apps/plan/container_plan.ts",
    text: `import { Engine } from "../docker/engine.ts";`,
    violations: [],
  },
  {
    name: "an import from a later layer fails",
    path: "lib/async/clock.ts",
    text: `import { Engine } from "../docker/engine.ts";`,
    violations: ["lib/async/clock.ts imports lib/docker/engine.ts, which is in a later layer"],
  },
  {
    name: "areas are ordered: a later one may import from an earlier one",
    path: "lib/apps/plan/container_plan.ts",
    text: `import type { Batch } from "../app_logs/batch.ts";`,
    violations: [],
  },
  {
    name: "areas are ordered: an earlier one may not import from a later one",
    path: "lib/app_logs/batch.ts",
    text: `import { plan } from "../apps/plan/container_plan.ts";`,
    violations: ["lib/app_logs/batch.ts imports lib/apps/plan/container_plan.ts, which is in a later layer"],
  },
  {
    name: "a file may import from the folder of its own name",
    path: "lib/flags.ts",
    text: `import { helpText } from "./flags/help.ts";`,
    violations: [],
  },
  {
    name: "a folder belongs to the file of its name",
    path: "lib/flags/help.ts",
    text: `import { agentVersion } from "../version.ts";`,
    violations: ["lib/flags/help.ts imports lib/version.ts, which is in a later layer"],
  },
  {
    name: "a re-export counts",
    path: "lib/store/app_rows.ts",
    text: `export { Session } from "../wamp/session.ts";`,
    violations: ["lib/store/app_rows.ts imports lib/wamp/session.ts, which is in a later layer"],
  },
  {
    name: "a dynamic import counts",
    path: "lib/config.ts",
    text: `const later = await import("./agent.ts");`,
    violations: ["lib/config.ts imports lib/agent.ts, which is in a later layer"],
  },
  {
    name: "an import of several lines counts",
    path: "lib/config.ts",
    text: `import {\n  a,\n  b,\n} from "./handlers/procedures.ts";`,
    violations: ["lib/config.ts imports lib/handlers/procedures.ts, which is in a later layer"],
  },
  {
    name: "a package has one owner",
    path: "lib/apps/work/container_steps.ts",
    text: `import Docker from "dockerode";`,
    violations: ["lib/apps/work/container_steps.ts imports dockerode, which only lib/docker/ may"],
  },
  {
    name: "a file outside all layers fails",
    path: "lib/shared/thing.ts",
    text: `import { Clock } from "../base/clock.ts";`,
    violations: ["lib/shared/thing.ts is in no layer"],
  },
  {
    name: "an import in a comment does not count",
    path: "lib/async/clock.ts",
    text: `// import { a } from "../agent.ts";\n/* import "../agent.ts" */`,
    violations: [],
  },
];

for (const row of table) {
  Deno.test(`findLayerViolations(): ${row.name}`, () => {
    assert.deepEqual(findLayerViolations([{ path: row.path, text: row.text }]), row.violations);
  });
}
