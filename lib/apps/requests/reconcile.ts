/** Brings the device in line with what is stored (offline, at the start) and with what Studio wants (on every connect). */

import { type AppId, type AppRequest, idText } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { throwIfAborted, within } from "../../async/deadline.ts";
import type { Log } from "../../base/log.ts";
import { Semaphore } from "../../async/semaphore.ts";
import type { Engine } from "../../docker/engine.ts";
import type { Backend } from "../../backend/backend.ts";
import { requestOfContainer } from "./adopt.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { parseContainerName } from "../../model/app_names.ts";
import { orphansAmong } from "../watch/orphans.ts";
import type { AppRecords } from "../state/app_records.ts";
import { decodeRow, inheritingApp } from "./decode.ts";
import type { AppWorker, Origin } from "../work/app_worker.ts";
import { EngineSnapshot, type SnapshotEngine, type Surveyed } from "../watch/engine_snapshot.ts";

/** What reconciling works with. */
export interface ReconcileDeps {
  records: AppRecords;
  engine: SnapshotEngine & Pick<Engine, "inspect">;
  backend: Pick<Backend, "getRequestedAppStates">;
  /** Takes what Studio wants of an app. False when it is in memory only. Throws `store_failed`. */
  take(request: AppRequest): boolean;
  /** Sends the reports that Studio has missed. Throws when it does not take one. */
  sendMissed(): Promise<void>;
  /** All that Studio wants is stored. Throws `store_failed`. */
  onAnswer(): void;
  runnerOf(id: AppId): AppWorker;
  /** Names of the app's container and of its image repository. */
  namesOf(app: { id: AppId; appName: string }): { container: string; repository: string };
  /** Removes a container by id or name; one that is gone is fine. */
  removeContainer(idOrName: string, signal: AbortSignal): Promise<void>;
  /** Forgets everything about an app but its data. */
  forget(app: LiveApp): void;
  /** True when Studio has asked something for the app by itself since this moment of the clock. */
  wasAskedSince(id: AppId, sinceMs: number): boolean;
  /** Takes over a promise that nobody waits for, and what it fails with. */
  keep(task: Promise<void>): void;
  clock: Clock;
  log: Log;
  /** Ends with the agent. */
  life: AbortSignal;
}

/** Between two starts, so that a device with many apps does not do everything at once. */
const pauseMs = 100;

/** Reports on their way at the same time: a slow link is not waited for once for each app. */
const reportsAtOnce = 8;

/** Studio is asked a second time after this when it names no app at all. */
const doubtMs = 1_000;

const removeLimitMs = 30_000;

/**
 * Sets the states of all apps to what the engine has of them, then starts what is stored as wanted and can be done without Studio.
 * Returns when the states are right; the starts go on. Containers without an app are left to the next connect: only Studio's
 * answer tells them from those of apps that a lost database has forgotten. With `isRebuilt` the apps of containers that are not known
 * are taken over first. Throws `engine_unreachable`, `engine_failed`,
 * `store_failed`, `canceled`.
 */
export async function reconcileLocal(
  parts: ReconcileDeps,
  options: { isRebuilt: boolean; signal: AbortSignal },
): Promise<void> {
  const { isRebuilt, signal } = options;
  const survey = await EngineSnapshot.take(parts.engine, { clock: parts.clock, signal });
  const { takenAtMs } = survey;
  if (isRebuilt) await adoptContainers(parts, survey, signal);
  for (const { app, found } of foundApps(parts, survey)) {
    if (found !== undefined) await parts.runnerOf(app.id).correct(found, { isReported: false, takenAtMs });
  }
  parts.keep(startWanted(parts, { origin: "boot", pauseMs, isWanted: mayStartOffline }));
}

/**
 * Takes what Studio wants of this device: apps that it does not name go, what it wants is stored, every app is reported, and what
 * is wanted is begun. Reports are sent and work is begun even when Studio does not say what it wants, except with `isRepeated`: then
 * that was done at the first try, and doing it again would end the waits of apps that fail. Throws what the question to
 * Studio threw, `engine_unreachable`, `engine_failed`, `store_failed`, `canceled`; the whole can be repeated.
 */
export async function reconcileRemote(
  parts: ReconcileDeps,
  options: { isRepeated: boolean; signal: AbortSignal },
): Promise<void> {
  const { isRepeated, signal } = options;
  let failure: unknown;
  try {
    const askedAtMs = parts.clock.now();
    await takeAnswer(parts, { rows: await askStudio(parts, signal), askedAtMs }, signal);
  } catch (error) {
    throwIfAborted(signal, "Taking over what Studio wants");
    if (isRepeated) throw error;
    parts.log.warn("Cannot take over what Studio wants", { error });
    failure = error;
  }
  try {
    // What happened comes before what is.
    await parts.sendMissed();
  } catch (error) {
    throwIfAborted(signal, "Sending missed reports");
    parts.log.warn("Studio does not take reports that it has missed", { error });
  }
  const survey = await EngineSnapshot.take(parts.engine, { clock: parts.clock, signal });
  await reportAll(parts, survey, signal);
  parts.keep(startWanted(parts, { origin: "sync", pauseMs: 0, isWanted: isDriven, survey }));
  if (failure !== undefined) throw failure;
}

/** Begins anew what is stored as wanted, after a time in which it was refused. Does not wait for the end of it. */
export function resumeWanted(parts: ReconcileDeps): void {
  parts.keep(startWanted(parts, { origin: "sync", pauseMs, isWanted: isDriven }));
}

/** What runs goes on, as what it was made for. */
async function adoptContainers(parts: ReconcileDeps, survey: EngineSnapshot, signal: AbortSignal): Promise<void> {
  const { records, engine, log } = parts;
  for (const { id } of survey.containers) {
    const seen = await engine.inspect(id, signal);
    const request = seen && requestOfContainer(seen);
    if (request === undefined || records.find(request) !== undefined) continue;
    log.warn("Took over an app from its container", { app: request.appName, appKey: request.appKey });
    records.store(request);
  }
}

async function askStudio(parts: ReconcileDeps, signal: AbortSignal): Promise<unknown[]> {
  const rows = await parts.backend.getRequestedAppStates(signal);
  if (rows.length > 0 || parts.records.all().length === 0) return rows;
  // Taking an answer of nothing for granted would cost every app of the device.
  await parts.clock.sleep(doubtMs, signal);
  return await parts.backend.getRequestedAppStates(signal);
}

async function takeAnswer(
  parts: ReconcileDeps,
  answer: { rows: unknown[]; askedAtMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { log, wasAskedSince } = parts;
  const inheriting = answer.rows.map(inheritingApp).filter((app) => app !== undefined);
  const requests = answer.rows.filter((row) => inheritingApp(row) === undefined).map((row) => tryDecode(row, log));
  const known = requests.filter((request) => request !== undefined);
  // An entry that cannot be read, or stored, may stand for any app, so nothing is taken away then.
  let isWhole = known.length === requests.length;
  if (isWhole) await removeUnlisted(parts, { listed: [...known, ...inheriting], askedAtMs: answer.askedAtMs }, signal);
  for (const request of known) {
    // What was asked after the question is newer than the answer; and a developer at work is not disturbed.
    if (request.stage === "DEV" || wasAskedSince(request, answer.askedAtMs)) continue;
    try {
      if (!parts.take(request)) isWhole = false;
    } catch (error) {
      log.error("Cannot store what Studio wants of an app", { app: request.appName, error });
      isWhole = false;
    }
  }
  if (!isWhole) return;
  await removeOrphans(parts, { listed: known, inheriting }, signal);
  parts.onAnswer();
}

function tryDecode(row: unknown, log: Log): AppRequest | undefined {
  try {
    const { request, problems } = decodeRow(row);
    for (const problem of problems) log.warn("Part of what Studio wants of an app is skipped", { problem });
    return request;
  } catch (error) {
    log.warn("Cannot read what Studio wants of an app", { error });
    return undefined;
  }
}

/** An app that was asked for after the question is not in the answer, and stays. */
async function removeUnlisted(
  parts: ReconcileDeps,
  answer: { listed: readonly AppId[]; askedAtMs: number },
  signal: AbortSignal,
): Promise<void> {
  const names = new Set(answer.listed.map(idText));
  for (const app of parts.records.all()) {
    if (names.has(idText(app.id)) || parts.wasAskedSince(app.id, answer.askedAtMs)) continue;
    const { container } = parts.namesOf(app);
    parts.log.info("Studio does not know an app any more", { app: app.appName, ...app.id });
    try {
      await parts.runnerOf(app.id).replace(async (turn) => {
        await parts.removeContainer(container, AbortSignal.any([signal, turn]));
        parts.forget(app);
      });
    } catch (error) {
      throwIfAborted(signal, "Removing apps that Studio does not know");
      parts.log.warn("Cannot remove an app that Studio does not know", { app: app.appName, error });
    }
  }
}

/** Apps of which nothing is stored, those of developers too, are no orphans when Studio names them. */
async function removeOrphans(
  parts: ReconcileDeps,
  answer: { listed: readonly AppRequest[]; inheriting: readonly AppId[] },
  signal: AbortSignal,
): Promise<void> {
  const containers = await parts.engine.listContainers(signal);
  const listed = answer.listed.map(({ appKey, stage, appName }) => ({ id: { appKey, stage }, appName }));
  const known = new Set([...parts.records.all(), ...listed].map((app) => parts.namesOf(app).container));
  const inheriting = new Set(answer.inheriting.map(idText));
  const isInheriting = (name: string) => {
    const id = parseContainerName(name)?.id;
    return id !== undefined && inheriting.has(idText(id));
  };
  const foreign = containers.filter((container) => !container.names.some(isInheriting));
  for (const { id, names } of orphansAmong(foreign, known)) {
    parts.log.info("A container belongs to no app and is removed", { names });
    try {
      const what = "Removing a container without an app";
      await within(removeLimitMs, (limit) => parts.removeContainer(id, limit), { what, signal });
    } catch (error) {
      throwIfAborted(signal, "Removing containers without an app");
      parts.log.warn("Cannot remove a container that belongs to no app", { names, error });
    }
  }
}

async function reportAll(parts: ReconcileDeps, survey: EngineSnapshot, signal: AbortSignal): Promise<void> {
  const permits = new Semaphore(reportsAtOnce);
  const { takenAtMs } = survey;
  await Promise.all(
    foundApps(parts, survey).map(({ app, found }) => {
      return permits.run(() => parts.runnerOf(app.id).correct(found, { isReported: true, takenAtMs }), signal);
    }),
  );
}

/** All apps, each with what there is of it; nothing is said of a compose app, which is more than one container. */
function foundApps(
  parts: ReconcileDeps,
  survey: EngineSnapshot,
): { app: LiveApp; found: Surveyed | undefined }[] {
  const requests = new Map(parts.records.requests().map((request) => [idText(request), request]));
  return parts.records.all().map((app) => {
    const isCompose = (requests.get(idText(app.id))?.dockerCompose ?? null) !== null;
    return { app, found: isCompose ? undefined : survey.find(parts.namesOf(app)) };
  });
}

/** Begins what is stored as wanted. Does not wait for the end of it. */
async function startWanted(
  parts: ReconcileDeps,
  options: {
    origin: Origin;
    pauseMs: number;
    isWanted(app: LiveApp, request: AppRequest): boolean;
    /** A look at all apps that was taken just now. */
    survey?: EngineSnapshot;
  },
): Promise<void> {
  const { survey } = options;
  for (const request of parts.records.requests()) {
    const app = parts.records.find(request);
    if (app === undefined || !options.isWanted(app, request)) continue;
    const seen = survey && { ...survey.find(parts.namesOf(app)), takenAtMs: survey.takenAtMs };
    parts.keep(parts.runnerOf(app.id).act(request, options.origin, seen));
    if (options.pauseMs > 0) await parts.clock.sleep(options.pauseMs, parts.life);
  }
}

function isDriven(_app: LiveApp, request: AppRequest): boolean {
  return request.stage === "PROD" && request.target !== "PUBLISHED" && request.target !== "BUILT";
}

/** Offline nothing is downloaded and nothing is built. */
function mayStartOffline(app: LiveApp, request: AppRequest): boolean {
  if (!isDriven(app, request) || app.state === app.target) return false;
  if (isGone(app.state) && !isGone(app.target)) return false;
  return !(app.target === "PRESENT" && request.requestUpdate);
}
