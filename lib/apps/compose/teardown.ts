/**
 * Takes compose projects down. The command line is asked first; what it cannot do is done through the engine, by the
 * label of the project, so that no broken plugin or definition keeps an app from being stopped or removed.
 */

import { throwIfAborted } from "../../async/deadline.ts";
import { allow, hasCode, messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { ComposeCli, ComposeProject } from "../../docker/compose_cli.ts";
import type { ContainerSummary } from "../../docker/decode.ts";
import type { Engine } from "../../docker/engine.ts";
import type { OnLines } from "../../host/line_queue.ts";
import { composeLabels, composeProjectLabel } from "../../model/labels.ts";

/** What a project is taken down with. */
export interface TeardownDeps {
  compose: Pick<ComposeCli, "down" | "isSupported" | "removeStopped" | "stop">;
  engine: Pick<
    Engine,
    "listContainers" | "networksWith" | "remove" | "removeNetwork" | "removeVolume" | "stop" | "volumesWith"
  >;
  /** Writes to the log of the app. */
  say(text: string): void;
  log: Log;
}

/** A project, and the app as people know it. */
export interface AppProject extends ComposeProject {
  appName: string;
}

/** What is taken down besides the containers. */
export interface DownOptions {
  /** The volumes of the project with their data, too. */
  volumes: boolean;
  signal: AbortSignal;
  onLines?: OnLines;
}

/** How long a container has when the command line could not stop it. */
const directGraceSeconds = 10;

/**
 * Stops the containers of a project and removes them; networks and volumes stay. Without containers nothing is run.
 * Throws the error of the command line when the engine cannot do it either, and `canceled`.
 */
export async function tearDown(deps: TeardownDeps, project: AppProject, signal: AbortSignal): Promise<void> {
  if ((await listContainersOf(deps, project, signal)).length === 0) return;
  const options = { signal };
  const byCli = async () => {
    await deps.compose.stop(project, options);
    await deps.compose.removeStopped(project, options);
  };
  const directly = (containers: readonly ContainerSummary[]) => {
    return removeContainers(deps, containers.filter((one) => !isOneOff(one)), { volumes: false, signal });
  };
  await runOrDoDirectly(deps, project, { byCli, directly, signal });
}

/**
 * Stops and removes the containers and networks of a project, those of services that are gone included; with `volumes`
 * also its volumes, named or not. Throws as `tearDown()`.
 */
export async function takeDown(deps: TeardownDeps, project: AppProject, options: DownOptions): Promise<void> {
  const { volumes, signal, onLines } = options;
  const directly = async (containers: readonly ContainerSummary[]) => {
    await removeContainers(deps, containers, { volumes, signal });
    await removeRest(deps, project, { volumes, signal });
  };
  if ((await listContainersOf(deps, project, signal)).length === 0) return await directly([]);
  const byCli = () => deps.compose.down(project, { signal, onLines, volumes, removeOrphans: !volumes });
  await runOrDoDirectly(deps, project, { byCli, directly, signal });
}

interface Ways {
  byCli(): Promise<void>;
  /** Takes down these containers, and what else there is. */
  directly(containers: readonly ContainerSummary[]): Promise<void>;
  signal: AbortSignal;
}

async function runOrDoDirectly(deps: TeardownDeps, project: AppProject, ways: Ways): Promise<void> {
  const { byCli, directly, signal } = ways;
  let cliError: unknown;
  try {
    if (await deps.compose.isSupported(signal)) await byCli();
    else deps.log.info("There is no docker compose, so the engine takes the project down", { project: project.name });
  } catch (error) {
    throwIfAborted(signal, `Stopping "${project.appName}"`);
    cliError = error;
  }
  try {
    // The command line leaves services that are no longer defined, and what a busy engine still lists as running right
    // after it was stopped.
    await directly(await listContainersOf(deps, project, signal));
  } catch (error) {
    throwIfAborted(signal, `Stopping "${project.appName}"`);
    if (cliError === undefined) throw error;
    deps.log.warn("The engine could not take a project down either", { project: project.name, error });
    throw cliError;
  }
  if (cliError === undefined) return;
  const reason = messageOf(cliError);
  deps.say(
    `docker compose could not stop ${project.appName} (${reason}); its containers were stopped and removed directly`,
  );
}

async function listContainersOf(
  { engine }: TeardownDeps,
  { name }: ComposeProject,
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  const containers = await engine.listContainers(signal);
  return containers.filter(({ labels }) => labels[composeProjectLabel] === name);
}

/** Somebody has started it by hand, with `docker compose run`. */
function isOneOff({ labels }: ContainerSummary): boolean {
  return labels[composeLabels.oneOff] === "True";
}

/** All at once: each may take its whole grace period. */
async function removeContainers(
  { engine }: TeardownDeps,
  containers: readonly ContainerSummary[],
  { volumes, signal }: { volumes: boolean; signal: AbortSignal },
): Promise<void> {
  const results = await Promise.allSettled(containers.map(async ({ id }) => {
    await allow(engine.stop(id, { graceSeconds: directGraceSeconds, signal }), "container_missing");
    await allow(engine.remove(id, { force: true, volumes, signal }), "container_missing", "removal_running");
  }));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function removeRest(
  { engine, log }: TeardownDeps,
  { name }: ComposeProject,
  { volumes, signal }: { volumes: boolean; signal: AbortSignal },
): Promise<void> {
  const labels = { [composeProjectLabel]: name };
  for (const id of await engine.networksWith(labels, signal)) {
    await unlessInUse(engine.removeNetwork(id, signal), { what: `network ${id}`, log });
  }
  if (!volumes) return;
  for (const volume of await engine.volumesWith(labels, signal)) {
    await unlessInUse(engine.removeVolume(volume, signal), { what: `volume ${volume}`, log });
  }
}

/** A container of somebody else may use it; the app is gone all the same. */
async function unlessInUse(removal: Promise<void>, { what, log }: { what: string; log: Log }): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!hasCode(error, "network_in_use", "volume_in_use")) throw error;
    log.warn("Something of a project stays, because others use it", { what });
  }
}
