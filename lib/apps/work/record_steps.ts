/** The steps of a transition that change what is stored of the app: its state and its update. */

import type { Step } from "../plan/steps.ts";
import type { StepContext } from "./step_context.ts";
import { done, type Effect } from "./transition.ts";

/** The steps of this file. */
export type RecordStep = Extract<
  Step,
  { kind: "report" | "openSwitch" | "adoptVersion" | "revertVersion" | "closeUpdate" }
>;

/** Performs a step; see `StepExecutor.perform()`. */
export async function performRecordStep(
  context: StepContext,
  step: RecordStep,
  signal: AbortSignal,
): Promise<Effect> {
  const { app, reporter, reason, records: { updates } } = context;
  switch (step.kind) {
    case "report":
      if (step.state === "RUNNING") app.isUnsettled = false;
      await reporter.announce(app, step.state, signal);
      return done;
    case "openSwitch":
      return await openSwitch(context, signal);
    case "adoptVersion":
      updates.adopt(
        app,
        { version: step.version, releaseKey: step.releaseKey },
        { dockerCompose: context.definition },
      );
      return done;
    case "revertVersion":
      // An agent that starts again before the old project has, must not take the services of the new one for it.
      if (context.definition !== null) reporter.setState(app, "STARTING");
      updates.revert(app, reason);
      return done;
    case "closeUpdate":
      updates.close(app.id);
      return done;
  }
}

async function openSwitch(context: StepContext, signal: AbortSignal): Promise<Effect> {
  const { app, engine, records, request, names } = context;
  const container = await engine.settingsOf(names.container, signal) ?? null;
  records.updates.openSwitch(app, {
    to: { version: request.newestVersion, releaseKey: request.newReleaseKey },
    container,
    ...(request.dockerCompose === null ? {} : { dockerCompose: request.dockerCompose }),
  });
  return done;
}
