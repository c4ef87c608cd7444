/** The names of the containers of compose projects. */

import { isCanceled } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Engine } from "../../docker/engine.ts";
import type { ObservedService } from "../state/observed_app.ts";

/** While compose replaces a container, the new one has the id of the old one before its name. */
const replacing = /^[0-9a-f]{12}_/;

/** The containers that have kept such a name, with the names that they should have; pure. */
export function unfinishedNames(
  services: readonly Pick<ObservedService, "id" | "name" | "service" | "number">[],
  project: string,
): { id: string; name: string }[] {
  const taken = new Set(services.map(({ name }) => name));
  return services.flatMap(({ id, name: current, service, number }) => {
    const name = `${project}-${service}-${number}`;
    return current.replace(replacing, "") === name && !taken.has(name) ? [{ id, name }] : [];
  });
}

/** Renames containers whose replacement was cut off, which compose never does. Throws `canceled` only. */
export async function finishNames(
  { engine, log }: { engine: Pick<Engine, "rename">; log: Log },
  { project, services }: { project: string; services: readonly ObservedService[] },
  signal: AbortSignal,
): Promise<void> {
  for (const { id, name } of unfinishedNames(services, project)) {
    try {
      await engine.rename(id, name, signal);
    } catch (error) {
      if (isCanceled(error)) throw error;
      log.warn("Cannot give a container of a compose app its name", { name, error });
    }
  }
}
