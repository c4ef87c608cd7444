/** The demo itself, on a running engine: Studio, device, install, log, update, and cleanup. */

import { removeForeignFolder } from "../files.ts";
import { systemClock } from "../../lib/async/clock.ts";
import { throwIfAborted } from "../../lib/async/deadline.ts";
import { AgentError, hasCode } from "../../lib/base/errors.ts";
import { isDict } from "../../lib/base/json.ts";
import { pusherPassword, pusherUser } from "../studio/logins.ts";
import { ensureApp, repositoryOf } from "../studio/releases.ts";
import { startStudio } from "../studio/start_studio.ts";
import type { AddedDevice, FollowedLogs, Studio } from "../studio/studio.ts";
import { DemoAgent } from "./agent.ts";
import { demoApp, type Docker } from "./docker.ts";
import { makeImage, pushImage, type Version } from "./image.ts";
import type { Narrator } from "./narrator.ts";
import { ensureRegistry, findBusybox } from "./tools.ts";

/** How the demo is run. */
export interface DemoOptions {
  docker: Docker;
  narrator: Narrator;
  /** Stops the demo, which still cleans up. */
  stop: AbortSignal;
  /** Keeps other agents away; released right before the demo's own agent takes it. */
  lock: DisposableStack;
}

/** The running demo. */
interface DemoContext extends DemoOptions {
  folder: string;
  studio: Studio;
  device: AddedDevice;
  busybox: string;
  /** Waits for something; rejects when the demo is stopped or the agent ends. */
  until<T>(work: Promise<T>): Promise<T>;
}

const logMs = 10_000;
const logAfterUpdateMs = 3_000;

/** The line that the Studio shows where a log was cleared. */
const clearedLine = "--- cleared ---";

/** Runs the demo. Leaves nothing behind, however it ends. Throws `canceled` when it was stopped. */
export async function show(options: DemoOptions): Promise<void> {
  const { docker, narrator, stop } = options;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "reagent-demo-" });
  stack.defer(() => removeForeignFolder(folder));

  narrator.heading("A Studio");
  const tools = { docker, folder, stop, say: (text: string) => narrator.say(text) };
  const busybox = await findBusybox(tools);
  await ensureRegistry(tools);
  const studio = await narrator.timed(async () => stack.use(await startDemoStudio(stop)), studioText);
  if (await docker.sweep() > 0) narrator.say("The leftovers of an earlier demo were removed from the engine.");
  stack.defer(async () => void await docker.sweep());
  throwIfAborted(stop, "The demo");

  narrator.heading("A device");
  const device = studio.addDevice({ name: "demo-device" });
  const until = await connectDevice(options, { studio, device, folder }, stack);
  const context: DemoContext = { ...options, folder, studio, device, busybox, until };
  await showApp(context);

  narrator.heading("Clean up");
  await narrator.timed(() => uninstall(context), () => "The app is uninstalled: container, image and data are gone");
  await narrator.timed(() => stack.disposeAsync(), () => "Agent, Studio, router and registry have ended");
}

/** Starts the agent and waits until it is connected. Returns `DemoContext.until`. */
async function connectDevice(
  { narrator, docker, stop, lock }: DemoOptions,
  { studio, device, folder }: Pick<DemoContext, "studio" | "device" | "folder">,
  stack: AsyncDisposableStack,
): Promise<DemoContext["until"]> {
  narrator.say("The agent starts from source, with the .flock file that the Studio has created for it.");
  let isConnected = false;
  const onLine = (line: string) => {
    if (!isConnected) narrator.quote("agent", line);
    isConnected ||= line === "Connected";
  };
  lock.dispose();
  const agent = stack.use(
    await DemoAgent.start(device.flock, { folder: `${folder}/agent`, dockerHost: docker.host, onLine }),
  );
  const interruption = rejectOnInterruption(agent, stop);
  const until = <T>(work: Promise<T>) => Promise.race([work, interruption]);
  await narrator.timed(() => until(untilConnected(studio, device)), (text) => `The device is connected: ${text}`);
  return until;
}

async function showApp(context: DemoContext): Promise<void> {
  const { narrator, studio, device } = context;
  // The progress of a download is meant for a page that draws it.
  const onLine = (line: string) => line.startsWith("{") || line === clearedLine || narrator.quote("log", line);
  await release(context, "1.0.0");
  await using logs = await studio.followLogs(device, demoApp, { onLine });

  narrator.heading("Install");
  await request(context, { target: "RUNNING" });
  narrator.heading("Its log, for ten seconds");
  await readLog(context, logs, { version: "1.0.0", forMs: logMs });

  await release(context, "2.0.0");
  narrator.heading("Update");
  await request(context, { update: true });
  await readLog(context, logs, { version: "2.0.0", forMs: logAfterUpdateMs });
}

/** Starts the Studio; retries because another program may take the free ports first. */
async function startDemoStudio(stop: AbortSignal): Promise<Studio> {
  for (let tries = 1;; tries++) {
    throwIfAborted(stop, "The demo");
    try {
      const [port, tokenPort] = freePorts();
      return await startStudio({ registry: { port, tokenPort } });
    } catch (error) {
      const isTaken = hasCode(error, "start_failed") || error instanceof Deno.errors.AddrInUse;
      if (!isTaken || tries === 3) throw error;
    }
  }
}

function freePorts(): [number, number] {
  const listen = () => Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using first = listen();
  using second = listen();
  return [first.addr.port, second.addr.port];
}

function studioText(studio: Studio): string {
  return `It is running: router at ${studio.routerUrl}, registry at ${studio.registryHost}`;
}

/** Rejects when the demo is stopped or the agent ends too early. */
function rejectOnInterruption(agent: DemoAgent, stop: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = () => reject(new AgentError("canceled", "The demo was stopped"));
  if (stop.aborted) cancel();
  stop.addEventListener("abort", cancel, { once: true });
  agent.ended.then(({ code, errors }) => {
    reject(new AgentError("start_failed", `The agent ended with exit code ${code}: ${errors}`));
  });
  // It may reject while nobody waits for it.
  promise.catch(() => {});
  return promise;
}

/** Waits for the device and returns a description of it. */
async function untilConnected(studio: Studio, device: AddedDevice): Promise<string> {
  await studio.waitForStatus(device, "CONNECTED");
  return await studio.waitFor("the device reports its metadata", () => {
    const { metadata } = studio.device(device);
    if (!isDict(metadata)) return undefined;
    return `agent ${metadata.agent_version}, ${metadata.architecture}, ${metadata.os}`;
  });
}

/** Builds a version of the app and pushes it. */
async function release(context: DemoContext, version: Version): Promise<void> {
  const { docker, narrator, studio, folder, busybox } = context;
  narrator.heading(version === "1.0.0" ? "An app" : "A second version");
  throwIfAborted(context.stop, "The demo");
  const app = ensureApp(studio.store, demoApp);
  const host = studio.registryHost;
  const reference = `${host}/${repositoryOf(app)}:${version}`;
  const login = { host, user: pusherUser, password: pusherPassword(studio.store), folder };
  await narrator.timed(async () => {
    await makeImage(docker, version, { reference, busybox, folder });
    await pushImage(docker, reference, login);
    studio.addRelease(demoApp, version);
  }, () => `The image ${reference} is built and pushed`);
}

/** Requests a state of the app and waits until the device reports it. */
async function request(context: DemoContext, change: { target: "RUNNING" } | { update: true }): Promise<void> {
  const { narrator, studio, device, until } = context;
  const isUpdate = "update" in change;
  narrator.say(
    isUpdate
      ? "The Studio requests the newest version. The first one runs until the second one is downloaded."
      : "The Studio asks the device to run the app. The device pulls the image from the registry and starts it.",
  );
  await narrator.timed(async () => {
    const { after } = await until(studio.request(device, demoApp, change));
    const end = isUpdate ? { state: "RUNNING", updateStatus: "completed" } as const : { state: "RUNNING" } as const;
    await until(studio.waitForReport(device, end, { after }));
    return studio.reports(device).slice(after).map(({ state }) => state);
  }, (states) => `The device reported ${states.join(" → ")}`);
}

/** Shows the log for a while. Throws when it has no line of the version. */
async function readLog(
  { narrator, until, stop }: DemoContext,
  logs: FollowedLogs,
  options: { version: Version; forMs: number },
): Promise<void> {
  const start = `version ${options.version}`;
  await narrator.timed(async () => {
    await until(systemClock.sleep(options.forMs, stop));
    const count = logs.lines.filter((line) => line.startsWith(start)).length;
    if (count > 0) return count;
    throw new AgentError("timeout", `No line of ${start} arrived in ${options.forMs} ms`);
  }, (count) => `${count} lines of ${start} came from the container through the agent and the router`);
}

async function uninstall({ studio, device, until }: DemoContext): Promise<void> {
  const { after } = await until(studio.request(device, demoApp, { target: "UNINSTALLED" }));
  await until(studio.waitForReport(device, { state: "UNINSTALLED" }, { after }));
}
