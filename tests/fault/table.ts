/** The table of faults: stories of an app, the steps that each takes, and what may go wrong at each step. Pure. */

import { type Goal, type Step, stepKey } from "../../lib/apps/plan/steps.ts";
import type { DeviceApp } from "../../scripts/studio/device_apps.ts";
import type { Moment } from "./orders.ts";
import { only, updateTo } from "./releases.ts";
import { nameOfStep, type Situation, stepsOf } from "./step_list.ts";

/** What Studio wants of the app. */
export type Wish = Partial<DeviceApp> & Pick<DeviceApp, "target">;

/** What the engine is brought to before a story begins. */
export type Trick =
  /** It has an image of the app that nobody needs. */
  | "uselessImage"
  /** The agent does not run while it removes the app's container, and that takes longer than the agent's start. */
  | "longRemoval";

/** One thing that is done with an app. */
export interface Story {
  name: string;
  /** What is wanted before, and what Studio then has to hear before the story begins. */
  before: readonly { wish: Wish; until: string }[];
  trick?: Trick;
  wish: Wish;
  /** What Studio hears last. */
  end: string;
  /** The app does not come to rest before the story begins. */
  isRestless?: boolean;
  goals: readonly { goal: Goal; situation: Situation }[];
  /** Only these steps are rows: the others are those of another story. */
  only?: readonly Step["kind"][];
}

/** Something that goes wrong. */
export type Fault =
  | ("kill" | "killAfter" | "engineKill" | "linkCut")
  | ("agentDiskFull" | "engineDiskFull" | "clockForward" | "clockBack");

/** One row: a fault at a step of a story. */
export interface Row {
  name: string;
  story: Story;
  kind: Step["kind"];
  moment: Moment;
  fault: Fault;
}

/** One row: a wish that a full disk refuses to store. */
export interface FullDiskRow {
  name: string;
  story: Story;
  /** The agent is killed when all is done, before there is room. */
  isKilled: boolean;
}

/** Every fault, as the name of a row says it. */
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

const runs: Wish = { target: "RUNNING" };
const running = { wish: runs, until: "RUNNING" };
const loading = { wish: { ...only("huge"), ...runs }, until: "DOWNLOADING" } as const;
const runningSituation: Situation = { container: "running", tags: ["1"] };

/** Every story. Together they take every step that there is. */
export const stories: readonly Story[] = [
  {
    name: "an app is installed",
    before: [],
    wish: { target: "PRESENT" },
    end: "PRESENT",
    goals: [{ goal: "install", situation: {} }],
  },
  {
    name: "an app runs for the first time",
    before: [],
    wish: runs,
    end: "RUNNING",
    goals: [{ goal: "run", situation: {} }],
  },
  {
    name: "an app that is stopped runs again",
    before: [{ wish: { target: "PRESENT" }, until: "PRESENT" }],
    wish: runs,
    end: "RUNNING",
    goals: [{ goal: "run", situation: { tags: ["1"] } }],
  },
  {
    name: "an app is stopped",
    before: [running],
    wish: { target: "PRESENT" },
    end: "PRESENT",
    goals: [{ goal: "stop", situation: runningSituation }],
  },
  {
    name: "an app is updated",
    before: [running],
    wish: { ...updateTo("2"), ...runs },
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
    wish: { ...updateTo("dies"), ...runs },
    end: "RUNNING",
    goals: [
      { goal: "rollBack", situation: { container: "exited", tags: ["1", "dies"], version: "dies", fallback: "1" } },
    ],
  },
  {
    name: "an app is removed",
    before: [running],
    wish: { target: "REMOVED" },
    end: "REMOVED",
    goals: [{ goal: "remove", situation: runningSituation }],
  },
  {
    name: "an app is uninstalled",
    before: [running],
    wish: { target: "UNINSTALLED" },
    end: "UNINSTALLED",
    goals: [{ goal: "uninstall", situation: runningSituation }],
  },
  {
    name: "an app that fails is stopped",
    before: [{ wish: { ...only("dies"), ...runs }, until: "FAILED" }],
    wish: { target: "PRESENT" },
    end: "PRESENT",
    isRestless: true,
    goals: [{ goal: "recoverPresent", situation: { container: "exited", tags: ["dies"], version: "dies" } }],
  },
  {
    name: "an app is removed while it is downloaded",
    before: [loading],
    wish: { target: "REMOVED" },
    end: "REMOVED",
    isRestless: true,
    goals: [{ goal: "removeCanceled", situation: {} }],
  },
  {
    name: "an app is uninstalled while it is downloaded",
    before: [loading],
    wish: { target: "UNINSTALLED" },
    end: "UNINSTALLED",
    isRestless: true,
    goals: [{ goal: "uninstallCanceled", situation: {} }],
  },
  {
    name: "an image is left over",
    before: [running],
    trick: "uselessImage",
    wish: runs,
    end: "RUNNING",
    goals: [{ goal: "tidy", situation: { container: "running", tags: ["1", "useless"] } }],
  },
  {
    name: "the agent starts while an app's container is removed",
    before: [running],
    trick: "longRemoval",
    wish: runs,
    end: "RUNNING",
    isRestless: true,
    goals: [{ goal: "run", situation: { container: "removing", tags: ["1"] } }],
    only: ["awaitGone"],
  },
];

/** Every step of every story with every fault. */
export const rows: readonly Row[] = stories.flatMap((story) => {
  return story.goals.flatMap(({ goal, situation }) => {
    const steps = stepsOf(goal, situation).filter((step) => story.only === undefined || story.only.includes(step.kind));
    return steps.flatMap((step) => faultNames.map((fault) => rowOf({ story, goal, step, fault })));
  });
});

/** Every wish that takes something away, on a full disk; what brings something is refused there. */
export const fullDiskRows: readonly FullDiskRow[] = stories
  .filter((story) => story.before.length > 0 && story.wish.target !== "RUNNING")
  .flatMap((story) => [
    { name: `${story.name}; the agent's disk is full when that is asked`, story, isKilled: false },
    {
      name: `${story.name}; the agent's disk is full when that is asked, and it is killed then`,
      story,
      isKilled: true,
    },
  ]);

/**
 * The rows of every test run: each kind of step with a kill of the agent, and with one more fault, by turns; and the last step of each
 * story that has no row by then.
 */
export function sampleRows(): Row[] {
  const kinds = [...new Set(rows.map((row) => row.kind))];
  const others = faultNames.slice(1);
  const sample = kinds.flatMap((kind, index) => {
    const pick = (fault: Fault, turn: number) => {
      const candidates = rows.filter((row) => row.kind === kind && row.fault === fault);
      return candidates.slice(turn % candidates.length).slice(0, 1);
    };
    const second = others[index % others.length] ?? "killAfter";
    return [...pick("kill", index), ...pick(second, index + 1)];
  });
  const missing = stories.filter((story) => !sample.some((row) => row.story === story));
  return [...sample, ...missing.flatMap((story) => rows.filter((row) => row.story === story).slice(-8, -7))];
}

function rowOf(parts: { story: Story; goal: Goal; step: Step; fault: Fault }): Row {
  const { story, goal, step, fault } = parts;
  const name = nameOfStep(stepKey(step));
  const moment: Moment = { goal, step: name, at: fault === "killAfter" ? "end" : "begin" };
  return { name: `${story.name}; ${faults[fault]} ${goal}: ${name}`, story, kind: step.kind, moment, fault };
}
