import assert from "node:assert/strict";
import { transitions } from "../../../lib/apps/state/transitions.ts";
import { appStates } from "../../../lib/model/app.ts";
import { renderTransitions, statesPage } from "../../../scripts/docs/states.ts";

Deno.test("renderTransitions() writes a row for each state and leaves cells without a transition empty", () => {
  const page = renderTransitions({ RUNNING: { PRESENT: "stop" }, REMOVED: { RUNNING: "run" } });
  assert.ok(page.includes("|  | PRESENT | RUNNING | BUILT | PUBLISHED | REMOVED | UNINSTALLED |"), page);
  assert.ok(page.includes("| **REMOVED** |  | run |  |  |  |  |"), page);
  assert.ok(page.includes("| **RUNNING** | stop |  |  |  |  |  |"), page);
});

Deno.test("renderTransitions() has a column for a target that is not one of the usual ones", () => {
  const page = renderTransitions({ STOPPED: { STOPPED: "no-action" } });
  assert.ok(page.includes("UNINSTALLED | STOPPED |"), page);
});

Deno.test("statesPage() names every state and every transition", () => {
  const page = statesPage();
  const names = Object.values(transitions).flatMap((cells) => Object.values(cells));
  const missing = [...appStates, ...names].filter((name) => !page.includes(name));
  assert.deepEqual(missing, []);
});

Deno.test("statesPage() shows that an update pulls before it stops what runs", () => {
  const update = /### update:[^#]*/.exec(statesPage())?.[0] ?? "";
  assert.ok(update.indexOf("readPull 2.0.0") > 0 && update.indexOf("stopContainer") > 0, update);
  assert.ok(update.indexOf("readPull 2.0.0") < update.indexOf("stopContainer"), update);
});
