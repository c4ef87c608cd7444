import assert from "node:assert/strict";
import { decide } from "../../../../lib/apps/plan/decide.ts";
import type { LiveApp } from "../../../../lib/apps/state/live_app.ts";
import { targetStates, transitionOf } from "../../../../lib/apps/state/transitions.ts";
import { type AppState, appStates, isAppState, type Stage } from "../../../../lib/model/app.ts";
import { sampleRequest } from "../../store/samples.ts";

/** What every wanted state leads to, by current state; `-`: nothing. As all agents do it. */
const matrix = `
|             | PRESENT         | RUNNING     | BUILT | PUBLISHED          | REMOVED         | UNINSTALLED     |
| REMOVED     | install         | run         | build | publish            | no-action       | uninstall       |
| UNINSTALLED | install         | run         | build | publish            | -               | no-action       |
| PRESENT     | no-action       | run         | build | publish            | remove          | uninstall       |
| FAILED      | recover-present | recover-run | build | publish            | remove          | uninstall       |
| BUILT       | no-action       | run         | build | publish            | remove          | uninstall       |
| PUBLISHED   | no-action       | run         | build | publish            | remove          | uninstall       |
| STOPPED     | -               | run         | build | publish            | remove          | uninstall       |
| RUNNING     | stop            | no-action   | stop  | remove-and-publish | remove          | uninstall       |
| STARTING    | stop            | run         | -     | -                  | remove          | uninstall       |
| STOPPING    | stop            | run         | -     | -                  | remove          | uninstall       |
| DELETING    | -               | -           | -     | -                  | remove          | uninstall       |
| DOWNLOADING | install         | -           | -     | -                  | cancel-pull     | cancel-pull     |
| UPDATING    | cancel-update   | -           | -     | -                  | cancel-update   | cancel-update   |
| BUILDING    | -               | -           | -     | -                  | cancel-build    | cancel-build    |
| PUBLISHING  | -               | -           | -     | -                  | cancel-push     | cancel-push     |
| TRANSFERED  | install         | -           | build | -                  | remove          | uninstall       |
| TRANSFERING | cancel-transfer | -           | build | -                  | cancel-transfer | cancel-transfer |
`.trim().split("\n").map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

/** What the agent does for a transition, by stage; a function of the wanted state where that makes a difference. */
type Outcome = string | ((target: string) => string);
const canceled: Outcome = (target) => target === "UNINSTALLED" ? "uninstallCanceled" : "removeCanceled";
const afterUpdate: Outcome = (target) =>
  ({ REMOVED: "remove", UNINSTALLED: "uninstall" } as Readonly<Record<string, string>>)[target] ?? "stop";
const outcomes: Readonly<Record<string, Readonly<Record<Stage, Outcome>>>> = {
  "-": { PROD: "nothing", DEV: "nothing" },
  "no-action": { PROD: "noAction", DEV: "noAction" },
  // A DEV app has no image in the registry that could be pulled.
  install: { PROD: "install", DEV: "noAction" },
  run: { PROD: "run", DEV: "run" },
  "recover-run": { PROD: "run", DEV: "run" },
  "recover-present": { PROD: "recoverPresent", DEV: "recoverBuild" },
  stop: { PROD: "stop", DEV: "stop" },
  remove: { PROD: "remove", DEV: "remove" },
  uninstall: { PROD: "uninstall", DEV: "uninstall" },
  // Releases are made of DEV apps only.
  build: { PROD: "refuse: only DEV apps can be built", DEV: "build" },
  publish: { PROD: "refuse: only DEV apps can be published", DEV: "publish" },
  "remove-and-publish": { PROD: "noAction", DEV: "publish" },
  "cancel-pull": { PROD: canceled, DEV: canceled },
  "cancel-build": { PROD: canceled, DEV: canceled },
  "cancel-push": { PROD: canceled, DEV: canceled },
  "cancel-transfer": { PROD: canceled, DEV: canceled },
  "cancel-update": { PROD: afterUpdate, DEV: afterUpdate },
};

const [[, ...targets] = [], ...rows] = matrix;

function app(stage: Stage, state: AppState): LiveApp {
  return {
    ...{ id: { appKey: 71, stage }, appName: "Fan_Ctl", state, target: state, version: "1.2.0", releaseKey: 12 },
    ...{ requestorAccountKey: 5, requestUpdate: false, releaseBuild: false, updateStatus: "" },
  };
}

/** Cells that are rules of their own. */
const musts: Readonly<Record<string, string>> = {
  "BUILT REMOVED": "M9: ",
  "BUILT UNINSTALLED": "M9: ",
  "BUILT BUILT": "M10: ",
  "PUBLISHED PUBLISHED": "M10: ",
};

Deno.test("the matrix names all 17 states and all 6 wanted ones", () => {
  assert.deepEqual(rows.map(([state]) => state).sort(), [...appStates].sort());
  assert.deepEqual(targets, [...targetStates]);
});

for (const [state = "", ...cells] of rows) {
  for (const [index, target] of targets.entries()) {
    const transition = cells[index] ?? "";
    Deno.test(`${musts[`${state} ${target}`] ?? ""}from ${state} to ${target}: ${transition}`, () => {
      if (!isAppState(state) || !isAppState(target)) throw new Error("not a state");
      assert.equal(transitionOf(state, target) ?? "-", transition);
      for (const stage of ["PROD", "DEV"] as const) {
        for (const dockerCompose of [null, { services: { web: { image: "x" } } }]) {
          const request = sampleRequest({ stage, target, requestUpdate: false, dockerCompose });
          const decision = decide(app(stage, state), request, { mayUpdate: true, isEmergency: false });
          const found = decision.kind === "go"
            ? decision.goal
            : decision.kind === "refuse"
            ? `refuse: ${decision.error.message}`
            : decision.kind;
          const outcome = outcomes[transition]?.[stage];
          assert.equal(found, typeof outcome === "function" ? outcome(target) : outcome, stage);
        }
      }
    });
  }
}

Deno.test("M6, M7: an update goes before everything but a removal, and never for a DEV app", () => {
  for (const [state = ""] of rows) {
    for (const target of targets) {
      if (!isAppState(state) || !isAppState(target)) throw new Error("not a state");
      const request = { target, requestUpdate: true, newestVersion: "1.3.0" };
      const isRemoval = target === "REMOVED" || target === "UNINSTALLED";
      const options = { mayUpdate: true, isEmergency: false };
      const prod = decide(app("PROD", state), sampleRequest({ ...request, stage: "PROD" }), options);
      assert.equal(prod.kind === "go" && prod.goal === "update", !isRemoval, `${state} → ${target}`);
      const dev = decide(app("DEV", state), sampleRequest({ ...request, stage: "DEV" }), options);
      if (isRemoval) assert.notEqual(dev.kind, "refuse");
      else assert.equal(dev.kind === "refuse" && dev.error.message, "cannot update dev app");
    }
  }
});
