/** Stops containers in order: every stop of an app, whatever it is for, goes through here. */

import { allow } from "../../base/errors.ts";
import type { ContainerDetails } from "../../docker/decode.ts";
import type { Engine } from "../../docker/engine.ts";
import { stopSignalNumber } from "../../docker/stop_signal.ts";
import { graceSecondsOf } from "../plan/stop_grace.ts";
import { isAlive } from "../state/observed_app.ts";

/** What a container is stopped with. */
export interface StopDeps {
  engine: Pick<Engine, "inspect" | "inspectImage" | "stop">;
  /** See `handlesSignal()` in `host/process_signals.ts`. */
  handlesSignal(container: { containerId: string; pid: number }, signal: number): boolean | undefined;
}

/**
 * Stops a container by id or exact name: its stop signal, a grace period that depends on what it makes of the signal,
 * SIGKILL. A missing one, and one that does not run, is fine.
 */
export async function stopContainer(deps: StopDeps, idOrName: string, signal: AbortSignal): Promise<void> {
  const { engine } = deps;
  const details = await engine.inspect(idOrName, signal);
  if (details === undefined || !isAlive(details.status)) return;
  const graceSeconds = await graceOf(deps, details, signal);
  await allow(engine.stop(details.id, { graceSeconds, signal }), "container_missing");
}

async function graceOf(deps: StopDeps, details: ContainerDetails, signal: AbortSignal): Promise<number> {
  const { id: containerId, pid, stopSignal, imageId } = details;
  const handlesSignal = deps.handlesSignal({ containerId, pid }, stopSignalNumber(stopSignal));
  const stopTimeoutSeconds = details.stopTimeoutSeconds ?? (await imageOf(deps, imageId, signal))?.stopTimeoutSeconds;
  return graceSecondsOf({ handlesSignal, stopTimeoutSeconds });
}

/** An image that cannot be read must not keep its container from being stopped. */
async function imageOf({ engine }: StopDeps, imageId: string, signal: AbortSignal) {
  try {
    return imageId === "" ? undefined : await engine.inspectImage(imageId, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}
