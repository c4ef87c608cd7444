/** Brings one app to a goal: observes, plans, performs the first step, and starts over until nothing is left to do. */

import type { Clock } from "../../async/clock.ts";
import { AgentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { noRecorder, type Recorder } from "../../base/recorder.ts";
import { type ObservedApp, type ObservedContainer, soleContainer } from "../state/observed_app.ts";
import type { Given } from "../plan/given.ts";
import { type Goal, type Progress, type Step, stepKey } from "../plan/steps.ts";

/** The effect of a step. */
export type Effect =
  | { kind: "done" }
  | { kind: "created"; container: ObservedContainer }
  /** The container cannot be used; another one has to be created. */
  | { kind: "again" }
  /** The app's process has exited instead of running; `wasKilled`: it was ended from outside. */
  | { kind: "exited"; exitCode: number; wasKilled: boolean; error: AgentError };

/** The effect of a step that has nothing more to say. */
export const done: Effect = { kind: "done" };

/** Executes the steps of one transition. */
export interface StepExecutor {
  /** What is left to do, in order; empty when the goal is reached. */
  plan(goal: Goal, given: Omit<Given, "wanted">): Step[];
  observe(signal: AbortSignal): Promise<ObservedApp>;
  /** Throws whatever the step fails with, `canceled` when `signal` is aborted. */
  perform(step: Step, signal: AbortSignal): Promise<Effect>;
}

/** How a transition ended. */
export type Ending =
  | { kind: "reached" }
  | { kind: "canceled" }
  | { kind: "exited"; exitCode: number; wasKilled: boolean; error: AgentError; step: Step }
  /** `step` is the one that failed; undefined when the engine could not even be observed. */
  | { kind: "failed"; error: unknown; step: Step | undefined };

/** How a transition is run. */
export interface TransitionOptions {
  signal: AbortSignal;
  clock: Pick<Clock, "now">;
  log: Log;
  /** Measures steps; nothing does without it. */
  recorder?: Recorder;
  /** Called before each step. */
  onStep(step: Step): void;
}

/** That of a transition that has not begun. */
export const noProgress: Progress = { done: new Set(), createdContainer: undefined };

/** No plan is longer, even with three tries for a free port. */
const stepLimit = 100;

/** Runs the transition. Never throws. */
export async function runTransition(goal: Goal, executor: StepExecutor, options: TransitionOptions): Promise<Ending> {
  const { signal, clock, log, recorder = noRecorder, onStep } = options;
  let step: Step | undefined;
  try {
    let progress = noProgress;
    let observed: ObservedApp | undefined;
    for (let count = 0; count < stepLimit; count += 1) {
      observed ??= await executor.observe(signal);
      [step] = executor.plan(goal, { observed, progress });
      if (step === undefined) return { kind: "reached" };
      onStep(step);
      log.trace("Step begins", { goal, step: stepKey(step) });
      const startedAt = clock.now();
      const effect = await performStep(step, { executor, recorder, signal });
      log.debug("Step", { goal, step: stepKey(step), durationMs: Math.round(clock.now() - startedAt) });
      if (effect.kind === "exited") return { ...effect, step };
      progress = advance(progress, step, effect);
      observed = observedAfter(observed, step, effect);
      step = undefined;
    }
    throw new AgentError("internal", `The plan for ${goal} does not end`);
  } catch (error) {
    // Whatever an aborted call throws, the abort is the reason.
    if (signal.aborted) return { kind: "canceled" };
    return { kind: "failed", error, step };
  }
}

async function performStep(
  step: Step,
  { executor, recorder, signal }: { executor: StepExecutor; recorder: Recorder; signal: AbortSignal },
): Promise<Effect> {
  return await recorder.record({ kind: "step", name: step.kind }, async (fail) => {
    const effect = await executor.perform(step, signal);
    if (effect.kind === "exited") fail("exited");
    return effect;
  });
}

/**
 * What the engine has of the app after a step; undefined when the effect does not tell and it has to be observed. Pure.
 */
function observedAfter(
  observed: ObservedApp,
  step: Step,
  effect: Exclude<Effect, { kind: "exited" }>,
): ObservedApp | undefined {
  if (effect.kind === "again") return undefined;
  const container = soleContainer(observed);
  switch (step.kind) {
    case "stopContainer":
      return { ...observed, containers: observed.containers.map((one) => ended(one, step.id)) };
    case "createContainer":
      return effect.kind === "created" ? { ...observed, containers: [effect.container] } : undefined;
    case "startContainer":
      return container && { ...observed, containers: [{ ...container, status: "running" }] };
    case "readPull":
      return afterPull(observed, step.tag);
    default:
      return changesEngine[step.kind] ? undefined : observed;
  }
}

/** Whether a step changes what the engine has of the app. */
const changesEngine: Readonly<Record<Step["kind"], boolean>> = {
  removeContainer: true,
  awaitGone: true,
  untagImages: true,
  adoptFormerImage: true,
  dropFormerImages: true,
  pullImages: true,
  keepImages: true,
  restoreImages: true,
  dropImages: true,
  dropKeptImages: true,
  startProject: true,
  awaitProject: true,
  stopProject: true,
  downProject: true,
  downFormerProject: true,
  buildImage: true,
  buildServices: true,
  pullServices: true,
  tagRelease: true,
  stopContainer: true,
  createContainer: true,
  startContainer: true,
  readPull: true,
  clearViewer: false,
  clearHistory: false,
  say: false,
  sayRenamed: false,
  report: false,
  openPull: false,
  awaitStartup: false,
  verifyImage: false,
  removeVolumes: false,
  openSwitch: false,
  adoptVersion: false,
  revertVersion: false,
  closeUpdate: false,
  followLogs: false,
  deleteEnvFiles: false,
  releasePorts: false,
  deleteData: false,
  awaitPermission: false,
  checkProject: false,
  followProject: false,
  deleteProjectEnv: false,
  deleteProjectFolder: false,
  checkUpload: false,
  extractUpload: false,
  pushImage: false,
  dropReleases: false,
  rehostImages: false,
  pushServices: false,
  deleteUpload: false,
  markBuild: false,
  sayRelease: false,
  clearReleaseHistory: false,
};

/** A pull may take hours, in which anything can become of containers; without any, it has only added a tag. */
function afterPull(observed: ObservedApp, tag: string): ObservedApp | undefined {
  const { containers, tags, formerImages, formerProjects, project } = observed;
  const hasMore = formerImages !== undefined || formerProjects !== undefined || project !== undefined;
  if (containers.length > 0 || hasMore) return undefined;
  return { ...observed, tags: [...new Set([...tags, tag])] };
}

function ended(container: ObservedContainer, id: string): ObservedContainer {
  return container.id === id ? { ...container, status: "exited" } : container;
}

function advance(progress: Progress, step: Step, effect: Exclude<Effect, { kind: "exited" }>): Progress {
  switch (effect.kind) {
    case "done":
      return { ...progress, done: new Set([...progress.done, stepKey(step)]) };
    case "created":
      return { done: new Set([...progress.done, stepKey(step)]), createdContainer: effect.container.id };
    case "again":
      // The plan removes the container of this try.
      return { ...progress, createdContainer: undefined };
  }
}
