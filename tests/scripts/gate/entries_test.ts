import assert from "node:assert/strict";
import { findEntryFaults } from "../../../scripts/gate/entries.ts";

const entries = { "lib/log/": ["log.ts"], "lib/backend/": ["backend.ts", "uris.ts"] };

const table: { name: string; path: string; text: string; faults: string[] }[] = [
  { name: "the file of the area's name passes", path: "lib/agent.ts", text: `import "./log/log.ts";`, faults: [] },
  { name: "another listed file passes", path: "lib/apps/a.ts", text: `import "../backend/uris.ts";`, faults: [] },
  { name: "files of the area itself pass", path: "lib/log/log.ts", text: `import "./rotation.ts";`, faults: [] },
  { name: "folders that are not listed pass", path: "lib/agent.ts", text: `import "./store/rows.ts";`, faults: [] },
  {
    name: "an inner file fails",
    path: "main.ts",
    text: `import "./lib/log/rotation.ts";`,
    faults: ["main.ts imports lib/log/rotation.ts; others import lib/log/log.ts"],
  },
  {
    name: "an import of types counts, and every listed file is named",
    path: "lib/apps/a.ts",
    text: `import type { Call } from "../backend/call.ts";`,
    faults: ["lib/apps/a.ts imports lib/backend/call.ts; others import lib/backend/backend.ts or lib/backend/uris.ts"],
  },
];

for (const { name, path, text, faults } of table) {
  Deno.test(`findEntryFaults(): ${name}`, () => assert.deepEqual(findEntryFaults([{ path, text }], entries), faults));
}
