/** Applies Studio's answer to the question what it wants of all apps. */

import { type AppId, type AppIdText, type AppRequest, idText } from "../../model/app.ts";
import { composeProjectLabel } from "../../model/labels.ts";
import { ownerOf, projectOwnerOf } from "../../model/owner.ts";
import { answerRowLimit } from "../../model/request_limits.ts";
import { throwIfAborted, waitAtMost, within } from "../../async/deadline.ts";
import { summarize } from "../../base/bounds.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { ContainerSummary } from "../../docker/decode.ts";
import type { LiveApp } from "../state/live_app.ts";
import { stopLimitSeconds } from "../plan/stop_grace.ts";
import { orphansAmong } from "../watch/orphans.ts";
import type { ReconcileDeps } from "./reconcile_deps.ts";
import { decodeRequestedState, inheritingApp } from "./requested_state.ts";

/** The engine gets this long to stop and remove a container without an app. */
const orphanLimitMs = 30_000 + stopLimitSeconds * 1000;

/** What is removed may need time to stop; the other apps wait no longer for it. The rest is done in the background. */
const removalPatienceMs = 2_000;

/**
 * Removes the apps that the answer does not name, stores the requests in it, and removes containers without an app.
 * `askedAtMs` is when Studio was asked, on the clock. Throws `engine_unreachable`, `engine_failed`, `store_failed`,
 * `canceled`.
 */
export async function applyAnswer(
  deps: ReconcileDeps,
  answer: { rows: readonly unknown[]; askedAtMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { askedAtMs } = answer;
  // An entry that cannot be read or stored may be for any app, so nothing is removed then.
  const { requests, leftOut, inheriting, isReadable } = readRows(answer.rows, deps.log);
  if (isReadable) {
    await withPatience(deps, removeUnlisted(deps, { listed: [...requests, ...inheriting], askedAtMs }, signal), signal);
  }
  const isStored = storeRequests(deps, { requests, leftOut, askedAtMs });
  if (!isReadable || !isStored) return;
  const orphans = await findOrphans(deps, { requests, inheriting }, signal);
  await withPatience(deps, removeOrphans(deps, orphans, signal), signal);
  deps.onAnswer();
}

/** Throws `canceled` only; `work` handles its own errors. */
async function withPatience(deps: ReconcileDeps, work: Promise<void>, signal: AbortSignal): Promise<void> {
  deps.keep(work);
  await waitAtMost(work, { limitMs: removalPatienceMs, clock: deps.clock, signal });
  throwIfAborted(signal, "Removing what Studio does not know");
}

interface AnswerRows {
  requests: AppRequest[];
  /** What was left out of the request of an app, by the app. */
  leftOut: Map<AppIdText, readonly string[]>;
  /** Apps that Studio names without wanting a state of them. */
  inheriting: AppId[];
  /** False when a row could not be read, or there were too many. */
  isReadable: boolean;
}

/** Reads each row by itself: a bad one costs no other. Whatever is wrong is one line in the log. */
function readRows(rows: readonly unknown[], log: Log): AnswerRows {
  const decoded: AnswerRows = {
    requests: [],
    leftOut: new Map(),
    inheriting: [],
    isReadable: rows.length <= answerRowLimit,
  };
  const skipped: string[] = [];
  const unreadable = decoded.isReadable ? [] : [`${rows.length} rows, of which ${answerRowLimit} are read`];
  for (const row of rows.slice(0, answerRowLimit)) {
    const inheriting = inheritingApp(row);
    if (inheriting !== undefined) decoded.inheriting.push(inheriting);
    else {
      try {
        const { request, problems, leftOut } = decodeRequestedState(row);
        decoded.leftOut.set(idText(request), leftOut);
        decoded.requests.push(request);
        skipped.push(...problems.map((problem) => `${request.appName}: ${problem}`));
      } catch (error) {
        decoded.isReadable = false;
        unreadable.push(messageOf(error));
      }
    }
  }
  if (skipped.length > 0) log.warn("Skipped parts of what Studio wants of its apps", summarize(skipped));
  if (unreadable.length > 0) log.warn("Cannot read what Studio wants of some apps", summarize(unreadable));
  return decoded;
}

/** Returns true when all of them are stored. */
function storeRequests(
  deps: ReconcileDeps,
  { requests, leftOut, askedAtMs }: Pick<AnswerRows, "requests" | "leftOut"> & { askedAtMs: number },
): boolean {
  let isComplete = true;
  const refused: string[] = [];
  for (const request of requests) {
    // A request from after the question is newer than the answer, and a developer at work is not disturbed.
    if (request.stage === "DEV" || deps.wasRequestedSince(request, askedAtMs)) continue;
    try {
      if (!deps.accept(request)) isComplete = false;
      deps.noteLeftOut(request, leftOut.get(idText(request)) ?? []);
    } catch (error) {
      refused.push(`${request.appName}: ${messageOf(error)}`);
      isComplete = false;
    }
  }
  if (refused.length > 0) deps.log.error("Cannot store what Studio wants of some apps", summarize(refused));
  return isComplete;
}

/** An app that was requested after the question is not in the answer, and stays. */
async function removeUnlisted(
  deps: ReconcileDeps,
  answer: { listed: readonly AppId[]; askedAtMs: number },
  signal: AbortSignal,
): Promise<void> {
  const listed = new Set(answer.listed.map(idText));
  const unlisted = deps.records.all().filter((app) => {
    return !listed.has(idText(app.id)) && !deps.wasRequestedSince(app.id, answer.askedAtMs);
  });
  await Promise.all(unlisted.map(async (app) => {
    deps.log.info("Removing an app that Studio does not know any more", { app: app.appName, ...app.id });
    try {
      await deps.workerOf(app.id).replace(async (jobSignal) => {
        await removeContainersOf(deps, app, AbortSignal.any([signal, jobSignal]));
        deps.forget(app);
      });
    } catch (error) {
      // The next connect removes it.
      if (signal.aborted) return;
      deps.log.warn("Cannot remove an app that Studio does not know", { app: app.appName, error });
    }
  }));
}

/** Whatever their names are, and those of its project; the engine lists few. */
async function removeContainersOf(deps: ReconcileDeps, app: LiveApp, signal: AbortSignal): Promise<void> {
  const isCompose = deps.records.request(app.id)?.dockerCompose !== null;
  const { project } = deps.namesOf(app);
  const own = (await deps.engine.listContainers(signal)).filter((container) => {
    const owner = ownerOf(container) ?? projectOwnerOf(container, deps.folders)?.id;
    if (owner !== undefined) return idText(owner) === idText(app.id);
    return isCompose && container.labels[composeProjectLabel] === project;
  });
  await Promise.all(own.map(({ id }) => deps.removeContainer(id, signal)));
  await removeNetworksOf(deps, own, signal);
}

/** Those of the projects whose containers were removed: engines have room for few networks. Throws `canceled` only. */
async function removeNetworksOf(
  { engine, log }: ReconcileDeps,
  removed: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<void> {
  const projects = new Set(removed.flatMap(({ labels }) => labels[composeProjectLabel] ?? []));
  for (const project of projects) {
    try {
      const ids = await engine.networksWith({ [composeProjectLabel]: project }, signal);
      await Promise.all(ids.map((id) => engine.removeNetwork(id, signal)));
    } catch (error) {
      throwIfAborted(signal, "Removing the networks of a project");
      log.warn("Cannot remove the networks of a project without an app", { project, error });
    }
  }
}

/** Containers of apps that Studio names are no orphans, even if nothing is stored of the app, as for DEV apps. */
async function findOrphans(
  deps: ReconcileDeps,
  answer: { requests: readonly AppRequest[]; inheriting: readonly AppId[] },
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  const containers = await deps.engine.listContainers(signal);
  const ids = [...deps.records.all().map(({ id }) => id), ...answer.requests, ...answer.inheriting];
  const known = new Set(ids.map(idText));
  return orphansAmong(containers, { isKnown: (owner) => known.has(idText(owner)), folders: deps.folders });
}

async function removeOrphans(
  deps: ReconcileDeps,
  orphans: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(orphans.map(async ({ id, names }) => {
    const what = "Removing a container without an app";
    deps.log.info(what, { names });
    try {
      await within(orphanLimitMs, (limit) => deps.removeContainer(id, limit), { what, signal });
    } catch (error) {
      // The next connect removes it.
      if (signal.aborted) return;
      deps.log.warn("Cannot remove a container without an app", { names, error });
    }
  }));
  await removeNetworksOf(deps, orphans, signal);
}
