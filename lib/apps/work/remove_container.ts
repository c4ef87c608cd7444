/** Removes a container, whatever it is doing. */

import { allow } from "../../base/errors.ts";
import type { Engine } from "../../docker/engine.ts";
import { stopContainer, type StopDeps } from "./stop_container.ts";

/**
 * Stops a container in order and removes it, by id or exact name. A missing one is fine, and so is one that is being
 * removed.
 */
export async function stopAndRemoveContainer(
  deps: StopDeps & { engine: Pick<Engine, "remove"> },
  idOrName: string,
  signal: AbortSignal,
): Promise<void> {
  await stopContainer(deps, idOrName, signal);
  await removeContainer(deps.engine, idOrName, signal);
}

/** Removes a container by id or exact name, running or not. A missing one, and one that is being removed, is fine. */
export async function removeContainer(
  engine: Pick<Engine, "remove">,
  idOrName: string,
  signal: AbortSignal,
): Promise<void> {
  await allow(engine.remove(idOrName, { force: true, signal }), "container_missing", "removal_running");
}
