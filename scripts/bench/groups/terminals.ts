/** How fast terminals are, in containers and on the device, next to the same without Studio, and what they cost. */

import { silentLog } from "../../../lib/base/log.ts";
import { openPty } from "../../../lib/host/pty.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { appByName } from "../../studio/releases.ts";
import { openSession } from "../../studio/open_session.ts";
import type { Dockerd } from "../../testbed/dockerd.ts";
import { sleep } from "../../testbed/wait.ts";
import { readRssMib } from "../agent_usage.ts";
import { keyTopic, shownTopic, startBareCallee } from "../bare_callee.ts";
import { type BenchFixture, type GroupOptions, installApps, startAgent, startFixture } from "../fixture.ts";
import { openLogViewer } from "../log_viewer.ts";
import { percentile, type Samples } from "../results.ts";
import { TerminalUser } from "../terminal_user.ts";
import { timeEach, timeOf } from "../yardsticks.ts";

const keyCount = 400;
const megabytes = 20;
const terminalCount = 10;
const appCount = 10;
const settleMs = 10_000;

/** Measures the rows of the group `terminals`. */
export async function measureTerminals({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await installApps(fixture, appCount, { tickMs: 1_000 });
  const session = await openSession(fixture.studio.login);
  say("keys and output");
  const speed = await measureSpeed(fixture, session);
  say(`${terminalCount} terminals and ${appCount} followed logs`);
  await sleep(settleMs);
  const before = await readRssMib(agent);
  const during = await withTerminals(fixture, session, () => readRssMib(agent));
  await sleep(3 * settleMs);
  const after = await readRssMib(agent);
  await session.close();
  await agent.stop();
  return {
    ...speed,
    "terminals.rss": { values: [during] },
    "terminals.rss.left": { values: [after - before] },
  };
}

async function measureSpeed(fixture: BenchFixture, session: Session): Promise<Samples> {
  const { studio, device: { serial }, engine } = fixture;
  const container = containerOfApp(fixture);
  const bare = await timeBareKeys(studio.login, session);
  const device = await TerminalUser.open(session, { serial });
  const inside = await TerminalUser.open(session, { serial, container });
  const keys = { device: await device.timeKeys(keyCount), inside: await inside.timeKeys(keyCount) };
  const output = { device: await device.timeOutput(megabytes), inside: await inside.timeOutput(megabytes) };
  await Promise.all([device.close(), inside.close()]);
  const row = (times: number[], percent: number) => {
    return { values: [percentile(times, percent)], yardstick: [percentile(bare, percent)] };
  };
  return {
    "terminals.device.p50": row(keys.device, 50),
    "terminals.device.p99": row(keys.device, 99),
    "terminals.container.p50": row(keys.inside, 50),
    "terminals.container.p99": row(keys.inside, 99),
    "terminals.device.output": { values: [output.device], yardstick: [await timeBarePty()] },
    "terminals.container.output": { values: [output.inside], yardstick: [await timeDockerExec(engine, container)] },
  };
}

function containerOfApp({ studio }: BenchFixture): string {
  return `prod_${appByName(studio.store, "app1").appKey}_app1`;
}

/** What a key takes through the router and back, without an agent. */
async function timeBareKeys(login: BenchFixture["studio"]["login"], session: Session): Promise<number[]> {
  await using _callee = await startBareCallee(login);
  let onShown = () => {};
  const subscription = await session.subscribe(shownTopic, () => onShown());
  const times = await timeEach(async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    onShown = resolve;
    await session.publish(keyTopic, ["k"]);
    await promise;
  }, keyCount);
  await subscription.unsubscribe();
  return times;
}

/** Million bytes a second that a program prints into a terminal of its own. */
async function timeBarePty(): Promise<number> {
  const args = ["-c", `head -c ${megabytes}000000 /dev/zero | tr '\\0' x`];
  const place = { folder: "/", rows: 24, columns: 80, env: { PATH: Deno.env.get("PATH") ?? "" } };
  let bytes = 0;
  const ms = await timeOf(async () => {
    const pty = await openPty({ program: "/bin/sh", args, ...place }, silentLog);
    while (bytes < megabytes * 1_000_000) bytes += (await pty.read())?.length ?? Infinity;
    pty.close();
  });
  return megabytes * 1_000 / ms;
}

async function timeDockerExec(engine: Dockerd, container: string): Promise<number> {
  const command = `head -c ${megabytes}000000 /dev/zero | tr '\\0' x`;
  const args = ["-H", engine.host, "exec", "-t", container, "sh", "-c", command];
  const ms = await timeOf(async () => {
    await new Deno.Command("docker", { args, stdin: "null", stdout: "piped", stderr: "null" }).output();
  });
  return megabytes * 1_000 / ms;
}

/** Runs `work` while terminals are open in a container and on the device, and somebody watches the logs of all apps. */
async function withTerminals<T>(
  fixture: BenchFixture,
  session: Session,
  work: () => Promise<T>,
): Promise<T> {
  const { serial } = fixture.device;
  const container = containerOfApp(fixture);
  const users: TerminalUser[] = [await TerminalUser.open(session, { serial })];
  while (users.length < terminalCount) users.push(await TerminalUser.open(session, { serial, container }));
  await using viewers = new AsyncDisposableStack();
  for (let app = 1; app <= appCount; app += 1) viewers.use(await openLogViewer(fixture, `app${app}`));
  await Promise.all(users.map(async (user) => {
    await user.type("seq 1 1000; echo do''ne\r");
    await user.until("done\r\n");
  }));
  await sleep(settleMs);
  const result = await work();
  await Promise.all(users.map((user) => user.close()));
  return result;
}
