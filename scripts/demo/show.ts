/** The demo itself, on an engine that runs: Studio, device, install, log, update, and everything away again. */

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
import { findBusybox, provideRegistry } from "./tools.ts";

/** What the demo is shown with. */
export interface ShowParts {
  docker: Docker;
  narrator: Narrator;
  /** Ends the demo; everything is cleaned up all the same. */
  stop: AbortSignal;
  /** Keeps other agents away; given back right before the demo's own agent takes it. */
  lock: DisposableStack;
}

/** The parts once the device is connected. */
interface Scene extends ShowParts {
  folder: string;
  studio: Studio;
  device: AddedDevice;
  busybox: string;
  /** Waits for something, unless the demo is stopped or the agent ends. */
  until<T>(work: Promise<T>): Promise<T>;
}

const logMs = 10_000;
const logAfterUpdateMs = 3_000;

/** What the Studio shows where a log begins anew. */
const clearedLine = "--- cleared ---";

/** Shows everything. Leaves nothing behind, however it ends. Throws `canceled` when it was stopped. */
export async function show(parts: ShowParts): Promise<void> {
  const { docker, narrator, stop } = parts;
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "reagent-demo-" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));

  narrator.heading("A Studio");
  const tools = { docker, folder, stop, say: (text: string) => narrator.say(text) };
  const busybox = await findBusybox(tools);
  await provideRegistry(tools);
  const studio = await narrator.timed(async () => stack.use(await startDemoStudio(stop)), studioText);
  if (await docker.sweep() > 0) narrator.say("What an earlier demo had left on the engine is removed.");
  stack.defer(async () => void await docker.sweep());
  throwIfAborted(stop, "The demo");

  narrator.heading("A device");
  const device = studio.addDevice({ name: "demo-device" });
  const until = await connectDevice(parts, { studio, device, folder }, stack);
  const scene: Scene = { ...parts, folder, studio, device, busybox, until };
  await showApp(scene);

  narrator.heading("Clean up");
  await narrator.timed(() => uninstall(scene), () => "The app is uninstalled: container, image and data are gone");
  await narrator.timed(() => stack.disposeAsync(), () => "Agent, Studio, router and registry have ended");
}

/** Starts the agent and waits until it has joined. Gives the way to wait for anything from then on. */
async function connectDevice(
  { narrator, docker, stop, lock }: ShowParts,
  { studio, device, folder }: Pick<Scene, "studio" | "device" | "folder">,
  stack: AsyncDisposableStack,
): Promise<Scene["until"]> {
  narrator.say("The agent starts from source, with the .flock file that the Studio made for it.");
  let isConnected = false;
  const onLine = (line: string) => {
    if (!isConnected) narrator.quote("agent", line);
    isConnected ||= line === "Connected";
  };
  lock.dispose();
  const agent = stack.use(
    await DemoAgent.start(device.flock, { folder: `${folder}/agent`, dockerHost: docker.host, onLine }),
  );
  const troubles = watchTroubles(agent, stop);
  const until = <T>(work: Promise<T>) => Promise.race([work, troubles]);
  await narrator.timed(() => until(connected(studio, device)), (facts) => `The device is connected: ${facts}`);
  return until;
}

async function showApp(scene: Scene): Promise<void> {
  const { narrator, studio, device } = scene;
  // The figures of a download are for a page that draws them.
  const onLine = (line: string) => line.startsWith("{") || line === clearedLine || narrator.quote("log", line);
  await release(scene, "1.0.0");
  await using logs = await studio.followLogs(device, demoApp, { onLine });

  narrator.heading("Install");
  await wish(scene, { target: "RUNNING" });
  narrator.heading("Its log, for ten seconds");
  await readLog(scene, logs, { version: "1.0.0", forMs: logMs });

  await release(scene, "2.0.0");
  narrator.heading("Update");
  await wish(scene, { update: true });
  await readLog(scene, logs, { version: "2.0.0", forMs: logAfterUpdateMs });
}

/** Two free ports may be taken by somebody else between looking and listening. */
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
  return `It runs: router at ${studio.routerUrl}, registry at ${studio.registryHost}`;
}

/** Rejects when the demo is stopped or the agent ends before its time. */
function watchTroubles(agent: DemoAgent, stop: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = () => reject(new AgentError("canceled", "The demo was stopped"));
  if (stop.aborted) cancel();
  stop.addEventListener("abort", cancel, { once: true });
  agent.ended.then(({ code, errors }) => {
    reject(new AgentError("start_failed", `The agent ended with exit code ${code}: ${errors}`));
  });
  // It may come while nobody waits.
  promise.catch(() => {});
  return promise;
}

/** Waits for the device and gives what it tells about itself. */
async function connected(studio: Studio, device: AddedDevice): Promise<string> {
  await studio.waitForStatus(device, "CONNECTED");
  return await studio.waitFor("the device tells what it is", () => {
    const { metadata: facts } = studio.device(device);
    return isDict(facts) ? `agent ${facts.agent_version}, ${facts.architecture}, ${facts.os}` : undefined;
  });
}

async function release(scene: Scene, version: Version): Promise<void> {
  const { docker, narrator, studio, folder, busybox } = scene;
  narrator.heading(version === "1.0.0" ? "An app" : "A second version");
  throwIfAborted(scene.stop, "The demo");
  const app = ensureApp(studio.store, demoApp);
  const host = studio.registryHost;
  const reference = `${host}/${repositoryOf(app)}:${version}`;
  const login = { host, user: pusherUser, password: pusherPassword(studio.store), folder };
  await narrator.timed(async () => {
    await makeImage(docker, version, { reference, busybox, folder });
    await pushImage(docker, reference, login);
    studio.addRelease(demoApp, version);
  }, () => `The image ${reference} is made and pushed`);
}

/** Asks the device for a state of the app and waits until it reports it. */
async function wish(scene: Scene, what: { target: "RUNNING" } | { update: true }): Promise<void> {
  const { narrator, studio, device, until } = scene;
  const isUpdate = "update" in what;
  narrator.say(
    isUpdate
      ? "The Studio asks the device for the newest version. The first one runs until the second one is here."
      : "The Studio asks the device to run the app. The device pulls the image from the registry and starts it.",
  );
  await narrator.timed(async () => {
    const { after } = await until(studio.request(device, demoApp, what));
    const end = isUpdate ? { state: "RUNNING", updateStatus: "completed" } as const : { state: "RUNNING" } as const;
    await until(studio.waitForReport(device, end, { after }));
    return studio.reports(device).slice(after).map(({ state }) => state);
  }, (states) => `The device reported ${states.join(" → ")}`);
}

/** Lets the log run and sees to it that the app's lines of this version are there. */
async function readLog(
  { narrator, until, stop }: Scene,
  logs: FollowedLogs,
  options: { version: Version; forMs: number },
): Promise<void> {
  const start = `version ${options.version}`;
  await narrator.timed(async () => {
    await until(systemClock.sleep(options.forMs, stop));
    const count = logs.lines.filter((line) => line.startsWith(start)).length;
    if (count > 0) return count;
    throw new AgentError("timeout", `No line of ${start} came in ${options.forMs} ms`);
  }, (count) => `${count} lines of ${start} came from the container through the agent and the router`);
}

async function uninstall({ studio, device, until }: Scene): Promise<void> {
  const { after } = await until(studio.request(device, demoApp, { target: "UNINSTALLED" }));
  await until(studio.waitForReport(device, { state: "UNINSTALLED" }, { after }));
}
