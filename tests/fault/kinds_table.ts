/**
 * The table of faults for apps that are not one container of a release: compose apps, and apps that are built on the
 * device. Its rows are made from the steps that the agent takes when nothing goes wrong. Pure.
 */

import type { Dict } from "../../lib/base/json.ts";
import { busyboxImage } from "../../scripts/testbed/dockerd.ts";
import { scriptOf } from "../../scripts/testbed/images.ts";
import type { TarEntry } from "../fakes/tar_archive.ts";
import { inVersion, updateTo } from "./releases.ts";
import { type BasicRow, type BasicScenario, type Fault, faults, type RequestedApp } from "./table.ts";

const runs: RequestedApp = { target: "RUNNING" };
const compose: RequestedApp = { ...inVersion("c1"), ...runs };
const runningProject = { request: compose, until: "RUNNING" };

const dockerfile = `FROM ${busyboxImage}\nCOPY file /file\nCMD ${JSON.stringify(["sh", "-c", scriptOf({})])}\n`;
const upload: readonly TarEntry[] = [
  { name: "Dockerfile", content: dockerfile },
  { name: "file", content: "content" },
];
const dev: Partial<RequestedApp> = { stage: "DEV", presentVersion: "", newestVersion: "" };
const devServices: Dict = {
  services: {
    web: { build: ".", image: "registry.example.com/apps/prod_amd64_7_shop_built:1.0.0" },
    worker: { build: "." },
  },
};
const devCompose: Partial<RequestedApp> = { ...dev, dockerCompose: devServices };
const build: RequestedApp = { ...dev, target: "BUILT" };
const built = { request: build, until: "PRESENT" };
const buildServices: RequestedApp = { ...devCompose, target: "BUILT" };
const builtServices = { request: buildServices, until: "PRESENT" };
const byDeveloper = { upload, isRepeated: true };

/** All scenarios. */
export const kindScenarios: readonly BasicScenario[] = [
  { name: "a compose app is installed", before: [], request: { ...compose, target: "PRESENT" }, end: "PRESENT" },
  { name: "a compose app runs for the first time", before: [], request: compose, end: "RUNNING" },
  { name: "a compose app is stopped", before: [runningProject], request: { target: "PRESENT" }, end: "PRESENT" },
  { name: "a compose app is removed", before: [runningProject], request: { target: "REMOVED" }, end: "REMOVED" },
  {
    name: "a compose app is uninstalled",
    before: [runningProject],
    request: { target: "UNINSTALLED" },
    end: "UNINSTALLED",
  },
  {
    name: "a compose app is updated",
    before: [runningProject],
    request: { ...updateTo("c2"), ...runs },
    end: "RUNNING",
  },
  {
    name: "an update of a compose app is rolled back",
    before: [runningProject],
    request: { ...updateTo("cdies"), ...runs },
    end: "RUNNING",
    endVersion: "c1",
  },
  {
    name: "a compose app gets another name",
    before: [{ request: { ...inVersion("cnamed"), ...runs }, until: "RUNNING" }],
    request: { ...inVersion("cnamed"), ...runs, appName: "Renamed" },
    end: "RUNNING",
  },
  {
    name: "an app becomes a compose app",
    before: [{ request: runs, until: "RUNNING" }],
    request: { ...updateTo("c2"), ...runs },
    end: "RUNNING",
  },
  {
    name: "a compose app becomes an app of one container",
    before: [runningProject],
    request: { ...updateTo("2"), ...runs },
    end: "RUNNING",
  },
  { name: "a DEV app is built", before: [], request: build, end: "PRESENT", ...byDeveloper },
  { name: "a DEV app runs", before: [built], request: { ...dev, ...runs }, end: "RUNNING", ...byDeveloper },
  {
    name: "a DEV app is published",
    before: [built],
    request: { ...dev, target: "PUBLISHED" },
    end: "PUBLISHED",
    ...byDeveloper,
  },
  {
    name: "a DEV app is uninstalled",
    before: [built, { request: { ...dev, ...runs }, until: "RUNNING" }],
    request: { ...dev, target: "UNINSTALLED" },
    end: "UNINSTALLED",
    ...byDeveloper,
  },
  { name: "a DEV compose app is built", before: [], request: buildServices, end: "PRESENT", ...byDeveloper },
  {
    name: "a DEV compose app runs",
    before: [builtServices],
    request: { ...devCompose, ...runs },
    end: "RUNNING",
    ...byDeveloper,
  },
  {
    name: "a DEV compose app is published",
    before: [builtServices],
    request: { ...devCompose, target: "PUBLISHED" },
    end: "PUBLISHED",
    ...byDeveloper,
  },
  {
    name: "a DEV compose app is uninstalled",
    before: [builtServices, { request: { ...devCompose, ...runs }, until: "RUNNING" }],
    request: { ...devCompose, target: "UNINSTALLED" },
    end: "UNINSTALLED",
    ...byDeveloper,
  },
];

/** The faults of these rows; what the clock does makes no difference between the kinds of apps. */
const faultsOfKinds: readonly Fault[] = [
  ...["kill", "killAfter", "engineKill", "linkCut", "agentDiskFull", "engineDiskFull"] as const,
];

/** Steps that only tell of others. */
const tellingSteps = /^(?:say|sayRelease|clearHistory|clearViewer|clearReleaseHistory|markBuild|follow\w+)\b/;

/** The rows of a scenario: its steps as they were taken, with every fault. */
export function rowsOfScenario(
  scenario: BasicScenario,
  steps: readonly { goal: string; step: string }[],
): BasicRow[] {
  const shown = new Map(steps.filter(({ step }) => !tellingSteps.test(step)).map((one) => [textOf(one), one]));
  return [...shown].flatMap(([text, { goal, step }]) =>
    faultsOfKinds.map((fault): BasicRow => ({
      name: `${scenario.name}; ${faults[fault]} ${text}`,
      scenario,
      point: { goal, step, at: fault === "killAfter" ? "end" : "begin" },
      fault,
    }))
  );
}

/** The scenarios of a regular test run. */
export function isScenarioInSample({ name }: BasicScenario): boolean {
  return sample.some(([wanted]) => wanted === name);
}

/** The rows of a regular test run: one fault at an important step of each kind of scenario. */
export function isInSample({ scenario, point, fault }: BasicRow): boolean {
  return sample.some(([name, step, wanted]) => {
    return scenario.name === name && fault === wanted && point.step.split(" ")[0] === step;
  });
}

const sample: readonly (readonly [scenario: string, step: string, fault: Fault])[] = [
  ["a compose app runs for the first time", "startProject", "kill"],
  ["a compose app runs for the first time", "pullImages", "engineKill"],
  ["a compose app is stopped", "stopProject", "engineKill"],
  ["a compose app is uninstalled", "downProject", "killAfter"],
  ["a compose app is uninstalled", "downProject", "agentDiskFull"],
  ["a compose app is updated", "startProject", "kill"],
  ["an update of a compose app is rolled back", "restoreImages", "kill"],
  ["an app becomes a compose app", "startProject", "kill"],
  ["a compose app becomes an app of one container", "downProject", "killAfter"],
  ["a DEV app is built", "buildImage", "kill"],
  ["a DEV app is built", "buildImage", "engineDiskFull"],
  ["a DEV app is published", "pushImage", "engineKill"],
  ["a DEV compose app is built", "buildServices", "kill"],
  ["a DEV compose app is uninstalled", "deleteUpload", "kill"],
];

function textOf({ goal, step }: { goal: string; step: string }): string {
  return `${goal}: ${step}`;
}
