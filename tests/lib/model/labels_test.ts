import assert from "node:assert/strict";
import { isMadeByAgent, type Labels, labelsOfApp } from "../../../lib/model/labels.ts";

const app = { id: { appKey: 71, stage: "DEV" as const }, appName: "Fan_Ctl", version: "1.4.0", releaseKey: 9 };

Deno.test("labelsOfApp() keeps the spelling that other agents know", () => {
  assert.deepEqual(labelsOfApp(app), {
    "real": "True",
    "reagent.app-key": "71",
    "reagent.app-name": "Fan_Ctl",
    "reagent.stage": "DEV",
    "reagent.version": "1.4.0",
    "reagent.release-key": "9",
  });
});

Deno.test("isMadeByAgent() accepts nothing but the exact value of the agents' label", () => {
  assert.equal(isMadeByAgent(labelsOfApp(app)), true);
  const others: Labels[] = [{}, { real: "true" }, { real: "" }, { Real: "True" }];
  for (const labels of others) assert.equal(isMadeByAgent(labels), false);
});
