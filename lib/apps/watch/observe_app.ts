/** Observes one app: its container and its images, as the engine has them at this moment. */

import type { Engine } from "../../docker/engine.ts";
import type { ContainerDetails } from "../../docker/decode.ts";
import type { AppNames } from "../../model/app_names.ts";
import type { ObservedApp, ObservedContainer } from "../state/observed_app.ts";
import { wasKilledOutside } from "./observed_state.ts";

/** Observes an app. Throws `engine_unreachable`, `engine_failed`, `canceled`. */
export async function observeApp(
  engine: Pick<Engine, "inspect" | "imagesOf">,
  { container, repository }: AppNames,
  signal: AbortSignal,
): Promise<ObservedApp> {
  const [details, tags] = await Promise.all([engine.inspect(container, signal), engine.imagesOf(repository, signal)]);
  return { containers: details === undefined ? [] : [containerFromDetails(container, details)], tags };
}

function containerFromDetails(name: string, details: ContainerDetails): ObservedContainer {
  const { id, status, startedAt, exitCode } = details;
  return { id, name, status, startedAt, exitCode, wasKilled: wasKilledOutside(details) };
}
