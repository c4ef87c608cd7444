/** Measures how a device reconciles apps that are already in their requested state. */

import { pollUntil, sleep } from "../testbed/wait.ts";
import { backendProcedures } from "../../lib/backend/uris.ts";
import { deviceProcedures } from "../studio/procedures.ts";
import type { CountingSocket } from "./counting_socket.ts";
import type { BenchFixture } from "./fixture.ts";

/** Work in the background has called the engine by then. */
const quietMs = 3_000;

/** What a reconciliation took. */
export interface Reconciliation {
  ms: number;
  calls: number;
  /** The calls by name. */
  kinds: ReadonlyMap<string, number>;
}

/** When Studio last answered with the requested states. */
export interface Answers {
  lastMs: number;
}

/** The device whose reconciliations are measured. */
export interface Observed {
  fixture: BenchFixture;
  socket: CountingSocket;
  answers: Answers;
  /** All of its apps, which run as wanted. */
  appCount: number;
}

/** Lets the device reconnect and report the states of all apps. The time counts from Studio's answer. */
export async function measureReconciliation(
  { fixture, socket, answers, appCount }: Observed,
  begin: () => void,
): Promise<Reconciliation> {
  const { studio, device } = fixture;
  const [before, reported] = [socket.counts(), studio.reports(device).length];
  const beganMs = performance.now();
  begin();
  const areAllReported = () => {
    const apps = new Set(studio.reports(device).slice(reported).map(({ appName }) => appName));
    return apps.size === appCount && studio.device(device).status === "CONNECTED" || undefined;
  };
  await studio.waitFor("the device has reported all apps", areAllReported, { limitMs: 60_000 });
  const endMs = performance.now();
  if (answers.lastMs < beganMs) throw new Error("The device did not ask for the requested states");
  const states = studio.reports(device).slice(reported).map(({ state }) => state);
  if (states.some((state) => state !== "RUNNING")) throw new Error(`Not all apps are RUNNING: ${states}`);
  await untilQuiet(socket);
  const kinds = new Map([...socket.counts()].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));
  return { ms: endMs - answers.lastMs, calls: total(kinds), kinds };
}

/** Records when Studio answers with the requested states. */
export async function watchAnswers({ studio }: BenchFixture): Promise<Answers> {
  const answers: Answers = { lastMs: 0 };
  const uri = backendProcedures.getRequestedAppStates;
  const answer = deviceProcedures[uri];
  if (answer === undefined) throw new Error(`Studio has no ${uri}`);
  const deps = { store: studio.store, onReport: () => {}, onChange: () => {} };
  await studio.backend.serve({
    [uri]: (call) => {
      const reply = answer(deps, call);
      answers.lastMs = performance.now();
      return Promise.resolve(reply);
    },
  });
  return answers;
}

async function untilQuiet(socket: CountingSocket): Promise<void> {
  await pollUntil("the agent does not call the engine", async () => {
    const before = socket.total;
    await sleep(quietMs);
    return socket.total - before <= 1 || undefined;
  }, { limitMs: 60_000 });
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** What is printed of one. */
export function resultText(result: Reconciliation | undefined): string {
  if (result === undefined) return "nothing";
  const kinds = [...result.kinds].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
  const text = kinds.map(([name, count]) => `${count} ${name}`).join(", ");
  return `${Math.round(result.ms)} ms, ${result.calls} calls to the engine: ${text}`;
}
