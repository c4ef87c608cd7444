/** The demo itself, on a running engine: Studio, device, the app of its part, and cleanup. */

import { removeForeignFolder } from "../files.ts";
import { throwIfAborted } from "../../lib/async/deadline.ts";
import { AgentError, hasCode } from "../../lib/base/errors.ts";
import { isDict } from "../../lib/base/json.ts";
import { startStudio } from "../studio/start_studio.ts";
import type { AddedDevice, Studio } from "../studio/studio.ts";
import { DemoAgent } from "./agent.ts";
import type { DemoContext, DemoOptions } from "./context.ts";
import { demoApp } from "./docker.ts";
import type { DemoPart } from "./parts.ts";
import { showApp } from "./show_app.ts";
import { showCompose } from "./show_compose.ts";
import { showDev } from "./show_dev.ts";
import { ensureRegistry, findBusybox } from "./tools.ts";

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
  await showPart(context);

  narrator.heading("Clean up");
  await narrator.timed(() => uninstall(context), () => uninstalledText(options.part));
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

async function showPart(context: DemoContext): Promise<void> {
  switch (context.part) {
    case "app":
      return await showApp(context);
    case "compose":
      return await showCompose(context);
    case "dev":
      return await showDev(context);
  }
}

function uninstalledText(part: DemoPart): string {
  return part === "compose"
    ? "The app is uninstalled: containers, network, images and data are gone"
    : "The app is uninstalled: container, image and data are gone";
}

async function uninstall({ studio, device, part, until }: DemoContext): Promise<void> {
  const stage = part === "dev" ? "DEV" : "PROD";
  const { after } = await until(studio.request(device, demoApp, { target: "UNINSTALLED", stage }));
  await until(studio.waitForReport(device, { state: "UNINSTALLED" }, { after }));
}
