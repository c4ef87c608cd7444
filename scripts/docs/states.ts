/** Makes the page about the states of an app from the agent's own tables and plans. Pure. */

import type { Given, Wanted } from "../../lib/apps/plan/given.ts";
import { plan } from "../../lib/apps/plan/plan.ts";
import { type Goal, type Step, stepKey } from "../../lib/apps/plan/steps.ts";
import {
  growsDisk,
  isTransient,
  stableTarget,
  stateOfContainer,
  targetStates,
  transitions,
} from "../../lib/apps/state/transitions.ts";
import { type AppState, appStates } from "../../lib/model/app.ts";
import type { ObservedApp, ObservedContainer } from "../../lib/apps/state/observed_app.ts";
import { blamelessCodes } from "../../lib/apps/plan/rollback.ts";
import { code, table } from "./markdown.ts";

/** Current state, then wanted state, then the name of the transition. */
export type Transitions = Readonly<Partial<Record<AppState, Readonly<Partial<Record<AppState, string>>>>>>;

/** One goal, and a usual situation in which it is planned for. */
interface Example {
  goal: Goal;
  situation: string;
  observed: ObservedApp;
  /** The app at that moment; absent where it is the usual one. */
  wanted?: Partial<Wanted>;
}

const engineWords = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

/** An app that was updated from 1.0.0 to 2.0.0 a moment ago. */
const onProbation: Partial<Wanted> = { version: "2.0.0", fallback: "1.0.0" };

const running: ObservedContainer = { id: "old", name: "prod_7_shop", status: "running" };

const examples: readonly Example[] = [
  { goal: "install", situation: "nothing is there", observed: { containers: [], tags: [] } },
  { goal: "run", situation: "the image is there", observed: { containers: [], tags: ["1.0.0"] } },
  { goal: "run", situation: "the image is missing", observed: { containers: [], tags: [] } },
  {
    goal: "run",
    situation: "it runs under the name that it had before",
    observed: {
      containers: [{ ...running, name: "prod_7_stall", formerName: "stall" }],
      tags: [],
      formerImages: [{
        reference: "registry.example.com/apps/prod_amd64_7_stall:1.0.0",
        tag: "1.0.0",
        appName: "stall",
      }],
    },
  },
  { goal: "run", situation: "after an update", observed: { containers: [], tags: ["1.0.0", "0.9.0"] } },
  { goal: "stop", situation: "it runs", observed: { containers: [running], tags: ["1.0.0"] } },
  { goal: "remove", situation: "it runs", observed: { containers: [running], tags: ["1.0.0"] } },
  { goal: "uninstall", situation: "it runs", observed: { containers: [running], tags: ["1.0.0"] } },
  {
    goal: "recoverPresent",
    situation: "it has failed",
    observed: { containers: [{ ...running, id: "old", status: "exited" }], tags: ["1.0.0"] },
  },
  { goal: "update", situation: "the version before runs", observed: { containers: [running], tags: ["1.0.0"] } },
  {
    goal: "rollBack",
    situation: "the release on probation has ended",
    observed: { containers: [{ ...running, id: "new", status: "exited" }], tags: ["2.0.0", "1.0.0"] },
    wanted: onProbation,
  },
  {
    goal: "closeUpdate",
    situation: "the probation is over",
    observed: { containers: [{ ...running, id: "new", status: "running" }], tags: ["2.0.0", "1.0.0"] },
    wanted: onProbation,
  },
  { goal: "tidy", situation: "an image was left over", observed: { containers: [running], tags: ["1.0.0", "0.9.0"] } },
  { goal: "removeCanceled", situation: "a pull was canceled", observed: { containers: [], tags: [] } },
  { goal: "uninstallCanceled", situation: "a pull was canceled", observed: { containers: [], tags: [] } },
];

const web = "registry.example.com/apps/prod_amd64_7_shop_web:1.0.0";
const newWeb = "registry.example.com/apps/prod_amd64_7_shop_web:2.0.0";
const database = "postgres:16";

/** A compose app with two services. */
const project = { images: [web, database], isFresh: false, isToRun: true };

function observedProject(
  { images, isRunning = false }: { images: readonly string[]; isRunning?: boolean },
): ObservedApp {
  const service = { id: "old", name: "prod_7_shop_compose-web-1", service: "web", number: 1, status: "running" };
  const here = Object.fromEntries(images.map((image) => [image, "sha256:…"]));
  return { containers: [], tags: [], project: { services: isRunning ? [service] : [], images: here } };
}

const composeExamples: readonly Example[] = [
  {
    goal: "run",
    situation: "nothing is there",
    observed: observedProject({ images: [] }),
    wanted: { project: { ...project, isFresh: true } },
  },
  {
    goal: "run",
    situation: "the images are there",
    observed: observedProject({ images: [web, database] }),
    wanted: { project },
  },
  {
    goal: "stop",
    situation: "it runs",
    observed: observedProject({ images: [web], isRunning: true }),
    wanted: { project },
  },
  {
    goal: "uninstall",
    situation: "it runs",
    observed: observedProject({ images: [web, database], isRunning: true }),
    wanted: { project },
  },
  {
    goal: "update",
    situation: "the version before runs",
    observed: observedProject({ images: [web, database], isRunning: true }),
    wanted: { project: { ...project, images: [newWeb, database] }, staleImages: [web] },
  },
  {
    goal: "update",
    situation: "the version before was an app of one container",
    observed: { ...observedProject({ images: [] }), containers: [running], tags: ["1.0.0"] },
    wanted: { project: { ...project, images: [newWeb, database] } },
  },
  {
    goal: "rollBack",
    situation: "a service of the release on probation has failed",
    observed: observedProject({ images: [web, newWeb, database], isRunning: true }),
    wanted: { ...onProbation, project, staleImages: [newWeb] },
  },
  {
    goal: "closeUpdate",
    situation: "the probation is over",
    observed: observedProject({ images: [web, newWeb, database], isRunning: true }),
    wanted: { ...onProbation, project: { ...project, images: [newWeb, database] }, staleImages: [web] },
  },
];

const buildExamples: readonly Example[] = [
  { goal: "build", situation: "one container", observed: { containers: [], tags: [] }, wanted: { isDev: true } },
  {
    goal: "build",
    situation: "a compose app",
    observed: observedProject({ images: [] }),
    wanted: { isDev: true, project },
  },
  {
    goal: "publish",
    situation: "one container",
    observed: { containers: [], tags: ["latest"] },
    wanted: { isDev: true, release: "2.0.0" },
  },
  {
    goal: "publish",
    situation: "a compose app",
    observed: observedProject({ images: [] }),
    wanted: { isDev: true, project, release: "2.0.0" },
  },
];

const usual: Wanted = {
  appName: "shop",
  version: "1.0.0",
  fallback: undefined,
  newest: { version: "2.0.0", releaseKey: 2 },
};

/** The page of this agent as Markdown, not yet formatted. */
export function statesPage(): string {
  return [head, renderTransitions(transitions), states(), engine(), rollBack(), plans()].join("\n\n") + "\n";
}

const head = `# States of an app

Made by \`deno task docs\` from \`lib/apps/state/transitions.ts\` and the plans in \`lib/apps/plan/\`; edit those.

An app has a state (what the agent believes) and a target (what Studio wants). The table names the transition that leads
from one to the other; where it has no word, nothing happens. What a transition means for a DEV and for a PROD app is
decided in \`lib/apps/plan/decide.ts\`.`;

/** The table of transitions alone, with a row for each current state and a column for each wanted one. */
export function renderTransitions(cells: Transitions): string {
  const rows = appStates.filter((state) => cells[state] !== undefined);
  const used = new Set(rows.flatMap((state) => Object.keys(cells[state] ?? {})));
  const isTarget = (state: AppState) => targetStates.some((target) => target === state);
  const columns = [...targetStates, ...appStates.filter((state) => !isTarget(state) && used.has(state))];
  return `## Transitions

Rows: the state. Columns: the target.

${table(["", ...columns], rows.map((row) => [`**${row}**`, ...columns.map((column) => cells[row]?.[column] ?? "")]))}`;
}

function states(): string {
  const rows = appStates.map((state) => [
    code(state),
    isTransient(state) ? "transient" : "stable",
    stableTarget(state) === state ? "" : code(stableTarget(state)),
    growsDisk(state) ? "yes" : "",
  ]);
  return `## What the states are

A transient target means the state in the third column. A target that needs disk is refused while the disk is too full
to work.

${table(["State", "Kind", "As a target", "Needs disk"], rows)}`;
}

function engine(): string {
  const rows = engineWords.map((word) => [code(word), code(stateOfContainer(word) ?? "")]);
  return `## What the engine's words mean

${table(["Container", "State of the app"], rows)}

A paused container counts as running.`;
}

function rollBack(): string {
  return `## When an update is rolled back

Decided in \`lib/apps/plan/rollback.ts\`. After the switch of an update the release is on probation until it has run for a
minute; the image and the container settings of the version before are kept for so long.

- The release is rolled back when its process ends during the probation, or when a step of its start fails.
- It is not to blame, and is started again, when its process was killed from outside, when the engine has just come back,
  when the disk was full within the last minute, and after these errors: ${blamelessCodes.map(code).join(", ")}.
- A version that was rolled back, or that cannot run on this machine, is not tried again until Studio asks for an update.
- An update that fails before the switch leaves the running container alone, and is tried again later.`;
}

function plans(): string {
  return `## What is done

A transition is planned as a list of steps. After each step the agent looks at the engine and plans again, so a step may
run twice, fail or be interrupted anywhere. These are the plans of usual situations, for an app \`shop\` whose version 1.0.0 is
wanted (for an update: 2.0.0).

${planned(examples, "")}

${planned(composeExamples, "Compose app, ")}

${planned(buildExamples, "DEV app, ")}`;
}

function planned(all: readonly Example[], kind: string): string {
  const entries = all.map(({ goal, situation, observed, wanted }) => {
    const progress = { done: new Set<string>(), createdContainer: undefined };
    const given: Given = { wanted: { ...usual, ...wanted }, observed, progress };
    const steps = plan(goal, given).map((step) => `1. ${stepText(step)}`);
    return `### ${kind}${goal}: ${situation}\n\n${steps.join("\n")}`;
  });
  return entries.join("\n\n");
}

function stepText(step: Step): string {
  switch (step.kind) {
    case "say":
    case "sayRelease":
      return `${step.kind} "${step.text}"`;
    case "pullImages":
      return `pullImages ${step.images.join(", ")}`;
    case "dropImages":
      return `dropImages ${step.images.join(", ")}${step.isNeeded ? "" : " (may fail)"}`;
    case "downProject":
      return `downProject${step.withVolumes ? " with its volumes" : ""}`;
    case "report":
      return `report ${code(step.state)}`;
    case "untagImages":
      return `untagImages ${step.tags.join(", ")}${step.isNeeded ? "" : " (may fail)"}`;
    case "dropFormerImages":
      return `dropFormerImages ${step.references.join(", ")}${step.isNeeded ? "" : " (may fail)"}`;
    case "adoptVersion":
      return `adoptVersion ${step.version}`;
    default:
      return stepKey(step);
  }
}
