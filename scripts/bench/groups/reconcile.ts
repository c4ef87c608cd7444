/** What it costs to find out that fifty apps are as Studio wants them. */

import { pollUntil, sleep } from "../../testbed/wait.ts";
import { Relay } from "../../testbed/relay.ts";
import { backendProcedures } from "../../../lib/backend/uris.ts";
import { deviceProcedures } from "../../studio/procedures.ts";
import { CountingSocket } from "../counting_socket.ts";
import type { Samples } from "../figures.ts";
import { type GroupWork, installApps, type Stage, startAgent, startStage } from "../stage.ts";

const appCount = 50;
const rounds = 2;
/** Work that was begun and not waited for has asked the engine by then. */
const quietMs = 3_000;

interface Reconciled {
  ms: number;
  calls: number;
  /** The calls by what they ask. */
  kinds: ReadonlyMap<string, number>;
}

/** When Studio answered the last time what it wants. */
interface Answers {
  lastMs: number;
}

interface Watched {
  stage: Stage;
  socket: CountingSocket;
  answers: Answers;
}

/** Measures the rows of the group `reconcile`. */
export async function measureReconcile({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using socket = CountingSocket.listen(stage.engine.socket);
  await using relay = Relay.listen(Number(new URL(stage.studio.routerUrl).port));
  const routerUrl = `ws://127.0.0.1:${relay.port}`;
  await using agent = await startAgent(stage, setting.program, { engineHost: socket.host, routerUrl });
  say(`installing ${appCount} apps`);
  await installApps(stage, appCount);
  const watched: Watched = { stage, socket, answers: await watchAnswers(stage) };
  const [after, links]: [Reconciled[], Reconciled[]] = [[], []];
  for (let round = 1; round <= rounds; round += 1) {
    await agent.stop();
    await stage.studio.waitForStatus(stage.device, "DISCONNECTED");
    after.push(await measureOnce(watched, () => agent.start()));
    say(`start ${round}: ${resultText(after.at(-1))}`);
    links.push(await measureOnce(watched, () => relay.cut()));
    say(`lost link ${round}: ${resultText(links.at(-1))}`);
  }
  await agent.stop();
  return {
    "reconcile.ms": { values: links.map(({ ms }) => ms) },
    "reconcile.calls": { values: links.map(({ calls }) => calls) },
    "reconcile.start.ms": { values: after.map(({ ms }) => ms) },
    "reconcile.start.calls": { values: after.map(({ calls }) => calls) },
  };
}

/** Lets the device connect anew and waits until it has told the state of all apps. Time counts from Studio's answer on. */
async function measureOnce({ stage, socket, answers }: Watched, begin: () => void): Promise<Reconciled> {
  const { studio, device } = stage;
  const [before, told] = [socket.counts(), studio.reports(device).length];
  const beganMs = performance.now();
  begin();
  const areAllTold = () => {
    const apps = new Set(studio.reports(device).slice(told).map(({ appName }) => appName));
    return apps.size === appCount && studio.device(device).status === "CONNECTED" || undefined;
  };
  await studio.waitFor("the device has told all apps", areAllTold, { limitMs: 60_000 });
  const endMs = performance.now();
  if (answers.lastMs < beganMs) throw new Error("The device did not ask what Studio wants");
  const states = studio.reports(device).slice(told).map(({ state }) => state);
  if (states.some((state) => state !== "RUNNING")) throw new Error(`Not all apps were as wanted: ${states}`);
  await untilQuiet(socket);
  const kinds = new Map([...socket.counts()].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));
  return { ms: endMs - answers.lastMs, calls: total(kinds), kinds };
}

/** Notes when Studio tells what it wants of the device. */
async function watchAnswers({ studio }: Stage): Promise<Answers> {
  const answers: Answers = { lastMs: 0 };
  const uri = backendProcedures.getRequestedAppStates;
  const answer = deviceProcedures[uri];
  if (answer === undefined) throw new Error(`Studio has no ${uri}`);
  const desk = { store: studio.store, onReport: () => {}, onChange: () => {} };
  await studio.backend.serve({
    [uri]: (call) => {
      const reply = answer(desk, call);
      answers.lastMs = performance.now();
      return Promise.resolve(reply);
    },
  });
  return answers;
}

async function untilQuiet(socket: CountingSocket): Promise<void> {
  await pollUntil("the agent asks the engine nothing more", async () => {
    const before = socket.total;
    await sleep(quietMs);
    return socket.total - before <= 1 || undefined;
  }, { limitMs: 60_000 });
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function resultText(result: Reconciled | undefined): string {
  if (result === undefined) return "nothing";
  const kinds = [...result.kinds].filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a);
  const text = kinds.map(([name, count]) => `${count} ${name}`).join(", ");
  return `${Math.round(result.ms)} ms, ${result.calls} calls to the engine: ${text}`;
}
