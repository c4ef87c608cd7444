/** The table of faults: scenarios of an app, the steps of each, and what may go wrong at each step. Pure. */

import { type Goal, type Step, stepKey } from "../../lib/apps/plan/steps.ts";
import type { DeviceApp } from "../../scripts/studio/device_apps.ts";
import type { TarEntry } from "../fakes/tar_archive.ts";
import type { FaultPoint } from "./agent_commands.ts";
import { inVersion, updateTo } from "./releases.ts";
import { type Situation, stepName, stepsOf } from "./step_list.ts";

/** What Studio requests of the app. */
export type RequestedApp = Partial<DeviceApp> & Pick<DeviceApp, "target">;

/** The special state of the engine before a scenario begins. */
export type Preparation =
  /** It has an unused image of the app. */
  | "uselessImage"
  /** It removes the app's container, which takes longer than the start of the agent. */
  | "longRemoval";

/** One request for an app, from the state before to the state after. */
export interface BasicScenario {
  name: string;
  /** Earlier requests, each with the state that Studio must know before the scenario goes on. */
  before: readonly { request: RequestedApp; until: string }[];
  preparation?: Preparation;
  request: RequestedApp;
  /** The state that Studio knows at the end. */
  end: string;
  /** The version that Studio knows at the end, where another one is reported on the way in the same state. */
  endVersion?: string;
  /** The agent is still busy with the app when the scenario begins. */
  isBusyBefore?: boolean;
  /** What lies in the build folder as the upload of the app. */
  upload?: readonly TarEntry[];
  /** The agent does not go on by itself after a fault, so the request is repeated. */
  isRepeated?: boolean;
}

/** A scenario whose steps are known without running it. */
export interface Scenario extends BasicScenario {
  goals: readonly { goal: Goal; situation: Situation }[];
  /** Limits the rows to these steps; the others belong to another scenario. */
  steps?: readonly Step["kind"][];
}

/** Something that goes wrong. */
export type Fault =
  | ("kill" | "killAfter" | "engineKill" | "linkCut")
  | ("agentDiskFull" | "engineDiskFull" | "clockForward" | "clockBack");

/** One row: a fault at a step of a scenario. */
export interface BasicRow {
  name: string;
  scenario: BasicScenario;
  point: FaultPoint;
  fault: Fault;
}

/** A row of a scenario whose steps are known without running it. */
export interface FaultRow extends BasicRow {
  scenario: Scenario;
  kind: Step["kind"];
}

/** One row: a request that cannot be stored because the disk is full. */
export interface FullDiskRow {
  name: string;
  scenario: Scenario;
  /** The agent is killed after it has carried out the request, before there is free space. */
  isKilled: boolean;
}

/** How the name of a row describes each fault. */
export const faults: Readonly<Record<Fault, string>> = {
  kill: "the agent is killed right before",
  killAfter: "the agent is killed right after",
  engineKill: "the engine is killed at",
  linkCut: "the link is cut at",
  agentDiskFull: "the agent's disk is full at",
  engineDiskFull: "the engine's disk is full at",
  clockForward: "the clock jumps two days ahead at",
  clockBack: "the clock jumps two days back at",
};

const faultNames: readonly Fault[] = [
  ...["kill", "killAfter", "engineKill", "linkCut"] as const,
  ...["agentDiskFull", "engineDiskFull", "clockForward", "clockBack"] as const,
];

const runs: RequestedApp = { target: "RUNNING" };
const running = { request: runs, until: "RUNNING" };
const downloading = { request: { ...inVersion("huge"), ...runs }, until: "DOWNLOADING" } as const;
const runningSituation: Situation = { container: "running", tags: ["1"] };

/** All scenarios. Together they take every kind of step. */
export const scenarios: readonly Scenario[] = [
  {
    name: "an app is installed",
    before: [],
    request: { target: "PRESENT" },
    end: "PRESENT",
    goals: [{ goal: "install", situation: {} }],
  },
  {
    name: "an app runs for the first time",
    before: [],
    request: runs,
    end: "RUNNING",
    goals: [{ goal: "run", situation: {} }],
  },
  {
    name: "an app that is stopped runs again",
    before: [{ request: { target: "PRESENT" }, until: "PRESENT" }],
    request: runs,
    end: "RUNNING",
    goals: [{ goal: "run", situation: { tags: ["1"] } }],
  },
  {
    name: "an app is stopped",
    before: [running],
    request: { target: "PRESENT" },
    end: "PRESENT",
    goals: [{ goal: "stop", situation: runningSituation }],
  },
  {
    name: "an app gets another name",
    before: [running],
    request: { ...runs, appName: "Renamed" },
    end: "RUNNING",
    goals: [{
      goal: "run",
      situation: { container: "running", renamed: { appName: "Renamed", formerTag: "1" } },
    }],
  },
  {
    name: "an app gets a name under which there is no image",
    before: [running],
    request: { ...runs, appName: "Lost" },
    end: "RUNNING",
    goals: [{
      goal: "run",
      situation: { container: "running", renamed: { appName: "Lost", formerTag: "1" }, mayUseFormerImage: true },
    }],
    steps: ["adoptFormerImage"],
  },
  {
    name: "an app is updated",
    before: [running],
    request: { ...updateTo("2"), ...runs },
    end: "RUNNING",
    goals: [
      { goal: "update", situation: { ...runningSituation, newest: "2" } },
      { goal: "run", situation: { tags: ["1", "2"], version: "2", newest: "2", fallback: "1" } },
      { goal: "closeUpdate", situation: { container: "running", tags: ["1", "2"], version: "2", fallback: undefined } },
    ],
  },
  {
    name: "an update is rolled back",
    before: [running],
    request: { ...updateTo("dies"), ...runs },
    end: "RUNNING",
    endVersion: "1",
    goals: [
      { goal: "rollBack", situation: { container: "exited", tags: ["1", "dies"], version: "dies", fallback: "1" } },
    ],
  },
  {
    name: "an app is removed",
    before: [running],
    request: { target: "REMOVED" },
    end: "REMOVED",
    goals: [{ goal: "remove", situation: runningSituation }],
  },
  {
    name: "an app is uninstalled",
    before: [running],
    request: { target: "UNINSTALLED" },
    end: "UNINSTALLED",
    goals: [{ goal: "uninstall", situation: runningSituation }],
  },
  {
    name: "an app that fails is stopped",
    before: [{ request: { ...inVersion("dies"), ...runs }, until: "FAILED" }],
    request: { target: "PRESENT" },
    end: "PRESENT",
    isBusyBefore: true,
    goals: [{ goal: "recoverPresent", situation: { container: "exited", tags: ["dies"], version: "dies" } }],
  },
  {
    name: "an app is removed while it is downloaded",
    before: [downloading],
    request: { target: "REMOVED" },
    end: "REMOVED",
    isBusyBefore: true,
    goals: [{ goal: "removeCanceled", situation: {} }],
  },
  {
    name: "an app is uninstalled while it is downloaded",
    before: [downloading],
    request: { target: "UNINSTALLED" },
    end: "UNINSTALLED",
    isBusyBefore: true,
    goals: [{ goal: "uninstallCanceled", situation: {} }],
  },
  {
    name: "an image is left over",
    before: [running],
    preparation: "uselessImage",
    request: runs,
    end: "RUNNING",
    goals: [{ goal: "tidy", situation: { container: "running", tags: ["1", "useless"] } }],
  },
  {
    name: "the agent starts while an app's container is removed",
    before: [running],
    preparation: "longRemoval",
    request: runs,
    end: "RUNNING",
    isBusyBefore: true,
    goals: [{ goal: "run", situation: { container: "removing", tags: ["1"] } }],
    steps: ["awaitGone"],
  },
];

/** Every step of every scenario with every fault. */
export const faultRows: readonly FaultRow[] = scenarios.flatMap((scenario) => {
  return scenario.goals.flatMap(({ goal, situation }) => {
    const steps = stepsOf(goal, situation).filter((step) => scenario.steps?.includes(step.kind) ?? true);
    return steps.flatMap((step) => faultNames.map((fault) => rowOf({ scenario, goal, step, fault })));
  });
});

/** Every request that removes something, on a full disk; a full disk refuses requests that add something. */
export const fullDiskRows: readonly FullDiskRow[] = scenarios
  .filter((scenario) => scenario.before.length > 0 && scenario.request.target !== "RUNNING")
  .flatMap((scenario) => [
    { name: `${scenario.name}; the agent's disk is full at the request`, scenario, isKilled: false },
    {
      name: `${scenario.name}; the agent's disk is full at the request, and it is killed afterwards`,
      scenario,
      isKilled: true,
    },
  ]);

/**
 * The rows of a regular test run: each kind of step with a kill of the agent and with one of the other faults in turn;
 * and the last step of each scenario that has no row by then.
 */
export function sampleRows(): FaultRow[] {
  const kinds = [...new Set(faultRows.map((row) => row.kind))];
  const others = faultNames.slice(1);
  const sample = kinds.flatMap((kind, index) => {
    const pick = (fault: Fault, index: number) => {
      const candidates = faultRows.filter((row) => row.kind === kind && row.fault === fault);
      return candidates.slice(index % candidates.length).slice(0, 1);
    };
    const second = others[index % others.length] ?? "killAfter";
    return [...pick("kill", index), ...pick(second, index + 1)];
  });
  const missing = scenarios.filter((scenario) => !sample.some((row) => row.scenario === scenario));
  return [
    ...sample,
    ...missing.flatMap((scenario) => faultRows.filter((row) => row.scenario === scenario).slice(-8, -7)),
  ];
}

function rowOf(row: { scenario: Scenario; goal: Goal; step: Step; fault: Fault }): FaultRow {
  const { scenario, goal, step, fault } = row;
  const name = stepName(stepKey(step));
  const point: FaultPoint = { goal, step: name, at: fault === "killAfter" ? "end" : "begin" };
  return { name: `${scenario.name}; ${faults[fault]} ${goal}: ${name}`, scenario, kind: step.kind, point, fault };
}
