import assert from "node:assert/strict";
import { findEntryViolations } from "../../../scripts/gate/entries.ts";

const entries = { "lib/log/": ["log.ts"], "lib/backend/": ["backend.ts", "uris.ts"] };

const table: { name: string; path: string; text: string; violations: string[] }[] = [
  { name: "the file of the area's name passes", path: "lib/agent.ts", text: `import "./log/log.ts";`, violations: [] },
  { name: "another entry file passes", path: "lib/apps/a.ts", text: `import "../backend/uris.ts";`, violations: [] },
  { name: "files of the area itself pass", path: "lib/log/log.ts", text: `import "./rotation.ts";`, violations: [] },
  { name: "folders that are not listed pass", path: "lib/agent.ts", text: `import "./store/rows.ts";`, violations: [] },
  {
    name: "an inner file fails",
    path: "main.ts",
    text: `import "./lib/log/rotation.ts";`,
    violations: ["main.ts imports lib/log/rotation.ts; import lib/log/log.ts instead"],
  },
  {
    name: "an import of types counts, and all entry files are named",
    path: "lib/apps/a.ts",
    text: `import type { Call } from "../backend/call.ts";`,
    violations: [
      "lib/apps/a.ts imports lib/backend/call.ts; import lib/backend/backend.ts or lib/backend/uris.ts instead",
    ],
  },
];

for (const { name, path, text, violations } of table) {
  Deno.test(`findEntryViolations(): ${name}`, () =>
    assert.deepEqual(findEntryViolations([{ path, text }], entries), violations));
}
