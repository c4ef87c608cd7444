/** The steps of the agent's own plan for a goal, by name. Pure. */

import { plan } from "../../lib/apps/plan/plan.ts";
import type { ObservedApp } from "../../lib/apps/state/observed_app.ts";
import { type Goal, type Progress, type Step, stepKey } from "../../lib/apps/plan/steps.ts";

/** The state of an app before a goal is worked on. */
export interface Situation {
  /** Status of its container; absent when there is none. */
  container?: string;
  tags?: readonly string[];
  version?: string;
  newest?: string;
  /** The version to which a rollback returns. */
  fallback?: string;
  /** The name that the app has been given; its container, and an image with this tag, have the one from before. */
  renamed?: { appName: string; formerTag: string };
  /** The image of the other name is good enough. */
  mayUseFormerImage?: boolean;
}

/** The name of a step. Container ids vary, so a step on a container is named by its kind only. */
export function stepName(key: string): string {
  return key.replace(/^(stopContainer|removeContainer|awaitGone) .*$/, "$1");
}

/** The steps of the plan in this situation when nothing goes wrong. */
export function stepsOf(goal: Goal, situation: Situation): Step[] {
  const device = new PlannedDevice(situation);
  const steps: Step[] = [];
  let progress: Progress = { done: new Set(), createdContainer: undefined };
  for (let count = 0; count < 100; count += 1) {
    const [step] = plan(goal, { wanted: device.wanted(), observed: device.observe(), progress });
    if (step === undefined) return steps;
    steps.push(step);
    const created = device.apply(step);
    progress = {
      done: new Set([...progress.done, stepKey(step)]),
      createdContainer: created ?? progress.createdContainer,
    };
  }
  throw new Error(`The plan for ${goal} does not end`);
}

/** The name of every container. */
const name = "prod_7_shop";

const usualName = "Shop";

const formerImage = { reference: "r.example.com/apps/prod_amd64_7_shop:1", appName: usualName };

/** A device on which steps have the effects that the plan observes. */
class PlannedDevice {
  #container: { id: string; status: string; formerName?: string } | undefined;
  readonly #appName: string;
  #formerTag: string | undefined;
  #tags: string[];
  #version: string;
  #fallback: string | undefined;
  readonly #newest: string;
  readonly #mayUseFormerImage: boolean;

  constructor(situation: Situation) {
    const { container, tags = [], version = "1", newest = "1", fallback, renamed } = situation;
    const former = renamed === undefined ? {} : { formerName: usualName };
    this.#container = container === undefined ? undefined : { id: "before", status: container, ...former };
    this.#appName = renamed?.appName ?? usualName;
    this.#formerTag = renamed?.formerTag;
    this.#mayUseFormerImage = situation.mayUseFormerImage ?? false;
    this.#tags = [...tags];
    this.#version = version;
    this.#newest = newest;
    this.#fallback = fallback;
  }

  wanted() {
    const newest = { version: this.#newest, releaseKey: 1 };
    const mayUseFormerImage = this.#mayUseFormerImage;
    const versions = { version: this.#version, newest, fallback: this.#fallback };
    return { appName: this.#appName, ...versions, mayUseFormerImage };
  }

  observe(): ObservedApp {
    const tag = this.#formerTag;
    return {
      containers: this.#container === undefined ? [] : [{ ...this.#container, name }],
      tags: [...this.#tags],
      ...(tag === undefined ? {} : { formerImages: [{ ...formerImage, tag }] }),
    };
  }

  /** Applies a step. Returns the id of the container that it created. */
  apply(step: Step): string | undefined {
    switch (step.kind) {
      case "readPull":
      case "adoptFormerImage":
        this.#tags.push(step.tag);
        return undefined;
      case "dropFormerImages":
        this.#formerTag = undefined;
        return undefined;
      case "createContainer":
        this.#container = { id: "created", status: "created" };
        return "created";
      case "startContainer":
        this.#container = { id: "created", status: "running" };
        return undefined;
      case "stopContainer":
        this.#container = { id: step.id, status: "exited" };
        return undefined;
      case "removeContainer":
      case "awaitGone":
        this.#container = undefined;
        return undefined;
      case "untagImages":
        this.#tags = this.#tags.filter((tag) => !step.tags.includes(tag));
        return undefined;
      case "openSwitch":
        this.#fallback ??= this.#version;
        return undefined;
      case "adoptVersion":
        this.#version = step.version;
        return undefined;
      case "revertVersion":
      case "closeUpdate":
        if (step.kind === "revertVersion") this.#version = this.#fallback ?? this.#version;
        this.#fallback = undefined;
    }
    return undefined;
  }
}
