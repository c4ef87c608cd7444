/** The part of the demo with a compose app: two services, one of which is updated. */

import { AgentError } from "../../lib/base/errors.ts";
import type { Dict } from "../../lib/base/json.ts";
import { composeLabels } from "../../lib/model/labels.ts";
import { parseComposeFile } from "../studio/compose_file.ts";
import { ensureApp, repositoryOf } from "../studio/releases.ts";
import { type DemoContext, followLog, readLog, requestState } from "./context.ts";
import { demoApp } from "./docker.ts";
import { releaseImage } from "./image.ts";

const logMs = 5_000;
const logAfterUpdateMs = 3_000;

/** Installs the app, updates one of its services, and checks that the other one was left alone. */
export async function showCompose(context: DemoContext): Promise<void> {
  const { narrator } = context;
  narrator.heading("A compose app");
  const clock = await push(context, "clock", "1.0.0");
  const web = await push(context, "web", "1.0.0");
  release(context, "1.0.0", composeText({ web, clock }));
  await using logs = await followLog(context);

  narrator.heading("Install");
  narrator.say("The Studio asks the device to run the app. The device pulls both images and starts the services.");
  await requestState(context, { target: "RUNNING" }, { state: "RUNNING" });
  const before = { clock: await containerOf(context, "clock"), web: await containerOf(context, "web") };
  narrator.heading("Its log, for five seconds");
  await readLog(context, logs, { texts: ["web 1.0.0", "clock 1.0.0"], forMs: logMs });

  narrator.heading("A second version, of one service");
  release(context, "2.0.0", composeText({ web: await push(context, "web", "2.0.0"), clock }));
  narrator.heading("Update");
  narrator.say("The Studio requests the newest version. Only the service that has changed is replaced.");
  await requestState(context, { update: true }, { state: "RUNNING", updateStatus: "completed" });
  await readLog(context, logs, { texts: ["web 2.0.0"], forMs: logAfterUpdateMs });
  const after = { clock: await containerOf(context, "clock"), web: await containerOf(context, "web") };
  if (after.clock !== before.clock || after.web === before.web) {
    throw new AgentError("protocol_error", "The update has not replaced the service that has changed, and only it");
  }
  narrator.say(`The service clock still runs in the container ${after.clock}; web has a new one, ${after.web}.`);
}

/** The compose file, as a developer writes it. */
function composeText({ web, clock }: { web: string; clock: string }): string {
  return [
    "services:",
    "  web:",
    `    image: ${web}`,
    "    depends_on: [clock]",
    "  clock:",
    `    image: ${clock}`,
    '    volumes: ["state:/state"]',
    "volumes:",
    "  state: {}",
  ].join("\n");
}

async function push(context: DemoContext, service: string, version: string): Promise<string> {
  const { narrator, studio } = context;
  const path = `${repositoryOf(ensureApp(studio.store, demoApp))}_${service}:${version}`;
  const image = { path, name: `${service}-${version}`, prints: `${service} ${version} counts: $n` };
  return await narrator.timed(() => releaseImage(context, image), (pushed) => `${pushed} is built and pushed`);
}

function release({ narrator, studio }: DemoContext, version: string, text: string): void {
  for (const line of text.split("\n")) narrator.quote("file", line);
  const dockerCompose: Dict = parseComposeFile(text);
  studio.addRelease(demoApp, version, { dockerCompose });
  narrator.say(`This compose file is version ${version}.`);
}

/** The short id of the container of a service. */
async function containerOf({ docker }: DemoContext, service: string): Promise<string> {
  const filters = ["--filter", `name=${demoApp}_compose-`, "--filter", `label=${composeLabels.service}=${service}`];
  return await docker.run(["ps", ...filters, "--format", "{{.ID}}"]);
}
