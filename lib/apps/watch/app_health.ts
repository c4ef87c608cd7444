/** Finds what is wrong with an app that was observed: services that have ended, health checks that say no. Pure. */

import { shownContainerName } from "../../model/app_names.ts";
import type { ReleaseFailure } from "../plan/rollback.ts";
import { type ObservedApp, type ObservedService, soleContainer } from "../state/observed_app.ts";
import type { ComposeFacts } from "./observed_state.ts";
import { projectState } from "./project_state.ts";

/** What an observation is judged by. `project`: the label of the app's project. */
export interface HealthContext {
  project: string;
  compose: ComposeFacts | undefined;
}

/** A container with a health check. */
export interface CheckedContainer {
  id: string;
  isUnhealthy: boolean;
  /** Absent for the only container of an app. */
  service?: { id: string; name: string };
}

/** How an app that is not running has ended. */
export function exitOf(observed: ObservedApp, context: HealthContext): ReleaseFailure & { kind: "exit" } {
  if (context.compose === undefined) {
    const { exitCode = 0, wasKilled = false } = soleContainer(observed) ?? {};
    return { kind: "exit", exitCode, wasKilled };
  }
  return failedServiceOf(observed, { ...context, isStrict: false }) ?? { kind: "exit", exitCode: 0, wasKilled: false };
}

/** The service of a project that has failed. `isStrict`: see `projectState()`. */
export function failedServiceOf(
  { project: observed }: ObservedApp,
  { project, compose, isStrict }: HealthContext & { isStrict: boolean },
): ReleaseFailure & { kind: "exit" } | undefined {
  if (observed === undefined || compose === undefined) return undefined;
  const state = projectState(observed.services, { needs: compose.needs, isStrict });
  if (state.kind !== "failed") return undefined;
  const { exitCode = 0, wasKilled = false } = state.failed;
  return { kind: "exit", exitCode, wasKilled, service: namedService(state.failed, project) };
}

/** All services of a project have done their work, so that starting them again at once would never end. */
export function isFinished({ project }: ObservedApp, { compose }: Pick<HealthContext, "compose">): boolean {
  if (project === undefined || compose === undefined) return false;
  return projectState(project.services, { needs: compose.needs }).kind === "finished";
}

/** The containers whose check has come to a verdict. */
export function checkedContainers(observed: ObservedApp, { project, compose }: HealthContext): CheckedContainer[] {
  const all = compose === undefined
    ? observed.containers.slice(0, 1).map((container) => ({ container, of: {} }))
    : (observed.project?.services ?? []).map((container) => ({
      container,
      of: { service: namedService(container, project) },
    }));
  return all.flatMap(({ container: { id, status, health }, of }) => {
    if (status !== "running" || health === undefined || health === "starting") return [];
    return [{ id, isUnhealthy: health === "unhealthy", ...of }];
  });
}

function namedService({ id, name }: ObservedService, project: string): { id: string; name: string } {
  return { id, name: shownContainerName(name, project) };
}
