/**
 * What follows every connect: Studio learns of the device, the procedures are there, and the apps become what Studio wants. Nothing
 * in it is fatal, and what fails is tried again for as long as the connection lasts.
 */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ConfigFile } from "../config.ts";
import type { Status } from "../status/status.ts";
import type { Backend } from "../backend/backend.ts";
import type { Session } from "../wamp/session.ts";

/** What a run needs. All functions throw on failure. */
export interface OnConnectDeps {
  config: Pick<ConfigFile, "current" | "refresh">;
  backend: Pick<Backend, "readDeviceMetadata" | "getAppCredKey">;
  status: Pick<Status, "beginBoot" | "finishBoot" | "report">;
  /** Keeps the key that credentials of apps are derived from. */
  keepAppCredKey(key: string): void;
  /** Registers all procedures on the session. */
  registerProcedures(session: Session, signal: AbortSignal): Promise<void>;
  /** Tells Studio what the device runs on. */
  publishFacts(signal: AbortSignal): Promise<void>;
  attachLogs(session: Session): Promise<void>;
  /** Waits for the container engine; then takes over what Studio wants. `isRepeated`: after a try that failed. */
  reconcileApps(signal: AbortSignal, options: { isRepeated: boolean }): Promise<void>;
  /** Leaves the connection, so that the device joins anew under another identity. */
  reconnect(reason: string): void;
  clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  log: Log;
}

/** One thing to do on a connect. */
interface ConnectStep {
  name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** The device belongs to another project: this run ends, and the next connection begins one of its own. */
class MovedError extends Error {}

/** A backend that is silent must not keep the procedures from being registered. */
const callLimitMs = 10_000;

const firstRetryMs = 1_000;
const retryLimitMs = 10_000;

/** Steps that Studio's backend answers with an error are no reason to ask often. */
const stragglerLimitMs = 60_000;

/**
 * Runs the sequence on a fresh session. `signal` ends with the session. Resolves when everything is through, or when the device
 * turned out to belong to another project; throws `canceled` when the session ends before.
 */
export async function runOnConnect(parts: OnConnectDeps, session: Session, signal: AbortSignal): Promise<void> {
  parts.status.beginBoot();
  try {
    const left = await bootUntilHeard(parts, session, signal);
    parts.status.finishBoot();
    const last = { name: "report the device as connected", run: (limit: AbortSignal) => parts.status.report(limit) };
    await retryUntilDone(parts, [last, ...left], signal);
  } catch (error) {
    if (!(error instanceof MovedError)) throw error;
    parts.reconnect("the device belongs to another project");
  }
}

/**
 * Does all steps in their order; again from the first that failed on, while Studio's backend is away. Gives the steps that failed
 * although it is there.
 */
async function bootUntilHeard(parts: OnConnectDeps, session: Session, signal: AbortSignal): Promise<ConnectStep[]> {
  const identity: ConnectStep = { name: "refresh the identity", run: (limit) => refreshIdentity(parts, limit) };
  const key: ConnectStep = { name: "fetch the key of app credentials", run: (limit) => fetchAppCredKey(parts, limit) };
  const status: ConnectStep = { name: "report the device as configuring", run: (limit) => parts.status.report(limit) };
  const facts: ConnectStep = { name: "publish the facts of the device", run: (limit) => parts.publishFacts(limit) };
  const logs: ConnectStep = { name: "learn who listens to logs", run: () => parts.attachLogs(session) };
  let isRepeated = false;
  const apps: ConnectStep = {
    name: "take over what Studio wants of the apps",
    run: (limit) => {
      const reconciling = parts.reconcileApps(limit, { isRepeated });
      isRepeated = true;
      return reconciling;
    },
  };
  const register: ConnectStep = {
    name: "register the procedures",
    run: (limit) => parts.registerProcedures(session, limit),
  };
  // Whichever of these is taken shows that the backend is there.
  const asked = [identity, key, status, facts];
  let steps = [identity, key, status, register, facts];
  for (let attempt = 1;; attempt += 1) {
    steps = await tryAll(parts, steps, signal);
    if (asked.some((step) => !steps.includes(step))) break;
    await pause(parts, { attempt, limitMs: retryLimitMs }, signal);
  }
  const [lateLogs, lateApps] = await Promise.all([tryAll(parts, [logs], signal), tryAll(parts, [apps], signal)]);
  // What follows reports the device anew.
  return [...steps.filter((step) => step !== status), ...lateLogs, ...lateApps];
}

async function retryUntilDone(parts: OnConnectDeps, steps: ConnectStep[], signal: AbortSignal): Promise<void> {
  let left = await tryAll(parts, steps.slice(0, 1), signal);
  left = [...left, ...steps.slice(1)];
  for (let attempt = 1; left.length > 0; attempt += 1) {
    await pause(parts, { attempt, limitMs: stragglerLimitMs }, signal);
    left = await tryAll(parts, left, signal);
  }
}

/** Tries each step once, in order, and gives those that failed. */
async function tryAll(
  parts: OnConnectDeps,
  steps: readonly ConnectStep[],
  signal: AbortSignal,
): Promise<ConnectStep[]> {
  const failed: ConnectStep[] = [];
  for (const step of steps) {
    try {
      await step.run(signal);
    } catch (error) {
      if (signal.aborted || error instanceof MovedError) throw error;
      parts.log.warn(`Cannot ${step.name}`, { error: textOf(error) });
      failed.push(step);
    }
  }
  return failed;
}

async function pause(
  parts: OnConnectDeps,
  wait: { attempt: number; limitMs: number },
  signal: AbortSignal,
): Promise<void> {
  const bound = Math.min(firstRetryMs * 2 ** Math.min(wait.attempt - 1, 10), wait.limitMs);
  await parts.clock.sleep(Math.round(bound * (0.5 + 0.5 * parts.random())), signal);
}

/** Writes to the device are keyed by its project, so this comes before anything else is told. */
async function refreshIdentity({ config, backend }: OnConnectDeps, signal: AbortSignal): Promise<void> {
  const what = "Reading what Studio knows of the device";
  const known = await within(callLimitMs, (limit) => backend.readDeviceMetadata(limit), { what, signal });
  const { swarmKeyChanged } = await config.refresh(known);
  if (swarmKeyChanged) throw new MovedError();
}

async function fetchAppCredKey({ backend, keepAppCredKey }: OnConnectDeps, signal: AbortSignal): Promise<void> {
  const what = "Fetching the key of app credentials";
  keepAppCredKey(await within(callLimitMs, (limit) => backend.getAppCredKey(limit), { what, signal }));
}
