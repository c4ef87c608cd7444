/** Observes one app: its containers and its images, as the engine has them at this moment. */

import { idText } from "../../model/app.ts";
import { type AppNames, containerNameOf } from "../../model/app_names.ts";
import { ownerOf, type ProjectFolders } from "../../model/owner.ts";
import type { Engine } from "../../docker/engine.ts";
import type { ContainerDetails } from "../../docker/decode.ts";
import type { LiveApp } from "../state/live_app.ts";
import { formerPartsOf, type ObservedApp, type ObservedContainer } from "../state/observed_app.ts";
import { EngineSnapshot } from "./engine_snapshot.ts";
import { observeProject } from "./observe_project.ts";
import { wasKilledOutside } from "./observed_state.ts";

/** The engine as an observation needs it. */
export type ObservedEngine = Pick<Engine, "inspect" | "imagesOf" | "listContainers" | "listImages" | "listProject">;

/** What of an app is looked for. */
interface SoughtApp {
  app: LiveApp;
  names: AppNames;
  /** The images of a compose app; absent for every other. */
  images?: readonly string[] | undefined;
  /** Where compose files of apps are. */
  folders: ProjectFolders;
}

/**
 * Observes an app, with the project of a compose app, by the names that it is worked on with, and notes in it whether
 * there is anything under other names. Throws `engine_unreachable`, `engine_failed`, `canceled`.
 */
export async function observeApp(
  engine: ObservedEngine,
  sought: SoughtApp,
  signal: AbortSignal,
): Promise<ObservedApp> {
  const { app, names, images } = sought;
  const [observed, project] = await Promise.all([
    app.former === undefined ? observeContainers(engine, sought, signal) : observeFormer(engine, sought, signal),
    images === undefined ? undefined : observeProject(engine, { ...names, images }, signal),
  ]);
  const all = project === undefined ? observed : { ...observed, project };
  // Work that began under an earlier name does not see what there is from there.
  if (app.former !== undefined && names.container === containerNameOf(app)) app.former = formerPartsOf(all);
  return all;
}

async function observeContainers(
  engine: ObservedEngine,
  { app, names }: SoughtApp,
  signal: AbortSignal,
): Promise<ObservedApp> {
  const { container, repository } = names;
  const [details, tags] = await Promise.all([engine.inspect(container, signal), engine.imagesOf(repository, signal)]);
  return { containers: details === undefined ? [] : ownContainers(app, { name: container, details }), tags };
}

/** With all that there is under other names; it takes lists of everything. */
async function observeFormer(
  engine: ObservedEngine,
  { app, names, images: ofServices, folders }: SoughtApp,
  signal: AbortSignal,
): Promise<ObservedApp> {
  const [containers, images] = await Promise.all([engine.listContainers(signal), engine.listImages(signal)]);
  const listed = new EngineSnapshot({ takenAtMs: 0, containers, images }).find(app.id, names, {
    images: ofServices,
    folders,
  });
  const looks = listed.containers.map(async (container) => {
    const details = await engine.inspect(container.id, signal);
    return details === undefined ? [] : [{ ...container, ...containerFromDetails(container.name, details) }];
  });
  return { ...listed, containers: (await Promise.all(looks)).flat() };
}

/** A container that only has the name of the app's is somebody else's. */
function ownContainers(app: LiveApp, { name, details }: { name: string; details: ContainerDetails }) {
  const owner = ownerOf({ names: [name], labels: details.labels });
  return owner !== undefined && idText(owner) === idText(app.id) ? [containerFromDetails(name, details)] : [];
}

function containerFromDetails(name: string, details: ContainerDetails): ObservedContainer {
  const { id, status, startedAt, exitCode, health } = details;
  const seen = { id, name, status, startedAt, exitCode, wasKilled: wasKilledOutside(details) };
  return health === undefined || status !== "running" ? seen : { ...seen, health: health.status };
}
