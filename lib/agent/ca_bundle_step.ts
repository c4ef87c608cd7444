/** Brings the certificates for apps up to date once, when the device has a connection. */

import type { Clock } from "../async/clock.ts";
import { TaskSet } from "../async/task_set.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import type { ConfigFile } from "../config.ts";
import type { Paths } from "../paths.ts";

/** What the step works with. */
export interface CaBundleStepDeps {
  paths: Pick<Paths, "caBundleFile" | "endpointChainFile">;
  config: Pick<ConfigFile, "current">;
  clock: Clock;
  log: Log;
}

/** Reading hundreds of certificates takes a while, and the device is to be reported as connected first. */
const pauseMs = 1_000;

/**
 * The step; it waits for nothing. After the first connect of the process that goes through, it does nothing more.
 * Disposing waits for its work, which ends with the connection.
 */
export function caBundleStep(deps: CaBundleStepDeps): ConnectStep & AsyncDisposable {
  const { config, log } = deps;
  const tasks = new TaskSet((error) => log.debug("Cannot refresh the certificates for apps", { error: textOf(error) }));
  let isDone = false;
  return {
    name: "refresh the certificates for apps",
    phase: "restore",
    callsBackend: false,
    run: ({ signal }) => {
      if (isDone || config.current.applianceDomain.trim() === "") return Promise.resolve();
      isDone = true;
      const work = refresh(deps, signal).catch((error) => {
        // The next connection is another chance.
        isDone = false;
        throw error;
      });
      void tasks.add(work);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => tasks.settled(),
  };
}

async function refresh({ paths, config, clock, log }: CaBundleStepDeps, signal: AbortSignal): Promise<void> {
  await clock.sleep(pauseMs, signal);
  const { refreshCaBundle } = await import("./ca_bundle.ts");
  await refreshCaBundle({ paths, config: config.current, clock, log }, signal);
}
