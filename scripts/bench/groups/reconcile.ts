/** What it costs to reconcile fifty apps that are already in their requested state. */

import { Relay } from "../../testbed/relay.ts";
import { CountingSocket } from "../counting_socket.ts";
import type { Samples } from "../results.ts";
import {
  measureReconciliation,
  type Observed,
  type Reconciliation,
  resultText,
  watchAnswers,
} from "../reconciliation.ts";
import { type GroupOptions, installApps, startAgent, startFixture } from "../fixture.ts";

const appCount = 50;
const repetitions = 2;
/** Measures the rows of the group `reconcile`. */
export async function measureReconcile({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using socket = CountingSocket.listen(fixture.engine.socket);
  await using relay = Relay.listen(Number(new URL(fixture.studio.routerUrl).port));
  const routerUrl = `ws://127.0.0.1:${relay.port}`;
  await using agent = await startAgent(fixture, setting.program, { engineHost: socket.host, routerUrl });
  say(`installing ${appCount} apps`);
  await installApps(fixture, appCount);
  const observed: Observed = { fixture, socket, answers: await watchAnswers(fixture), appCount };
  const [after, links]: [Reconciliation[], Reconciliation[]] = [[], []];
  for (let count = 1; count <= repetitions; count += 1) {
    await agent.stop();
    await fixture.studio.waitForStatus(fixture.device, "DISCONNECTED");
    after.push(await measureReconciliation(observed, () => agent.start()));
    say(`start ${count}: ${resultText(after.at(-1))}`);
    links.push(await measureReconciliation(observed, () => relay.cut()));
    say(`lost link ${count}: ${resultText(links.at(-1))}`);
  }
  await agent.stop();
  return {
    "reconcile.ms": { values: links.map(({ ms }) => ms) },
    "reconcile.calls": { values: links.map(({ calls }) => calls) },
    "reconcile.start.ms": { values: after.map(({ ms }) => ms) },
    "reconcile.start.calls": { values: after.map(({ calls }) => calls) },
  };
}
