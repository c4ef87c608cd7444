/** The part of the demo with an app in development: a folder is uploaded, built on the device, run and published. */

import { throwIfAborted } from "../../lib/async/deadline.ts";
import { ensureApp } from "../studio/releases.ts";
import { packFolder } from "../studio/uploads.ts";
import { type DemoContext, followLog, readLog, requestState } from "./context.ts";
import { demoApp, demoLabel } from "./docker.ts";
import { scriptOf } from "./image.ts";

const logMs = 5_000;
const version = "1.0.0";

/** The engine builds it without a network. */
const dockerfile = [
  "FROM scratch",
  `LABEL ${demoLabel}=yes`,
  "COPY . /",
  "ENV PATH=/bin",
  'RUN ["busybox", "ln", "-s", "busybox", "/bin/sh"]',
  'RUN echo "Built on $(busybox uname -sm)"',
  'CMD ["sh", "/app.sh"]',
];

/** Uploads, builds, runs and publishes an app. */
export async function showDev(context: DemoContext): Promise<void> {
  const { narrator, studio } = context;
  narrator.heading("A folder on the developer's machine");
  const archive = await writeApp(context);
  ensureApp(studio.store, demoApp);
  await using logs = await followLog(context, { stage: "DEV" });

  narrator.heading("Upload");
  await upload(context, archive);
  narrator.heading("Build");
  narrator.say("The Studio asks the device to build the app. Its developer sees what the engine prints.");
  await requestState(context, { target: "BUILT", stage: "DEV" }, { state: "BUILT" });

  narrator.heading("Run");
  await requestState(context, { target: "RUNNING", stage: "DEV" }, { state: "RUNNING" });
  await readLog(context, logs, { texts: ["the new app"], forMs: logMs });

  narrator.heading("Publish");
  narrator.say("The device builds the app once more and pushes it to the registry, for all other devices.");
  const kwargs = { version };
  await requestState(context, { target: "PUBLISHED", stage: "DEV", kwargs }, { state: "PUBLISHED" });
  const { releaseKey } = studio.addRelease(demoApp, version);
  narrator.say(`Version ${version} is release ${releaseKey} of the app.`);
}

/** Writes the folder of the app and returns it as an archive. */
async function writeApp({ narrator, folder, busybox, stop }: DemoContext): Promise<string> {
  throwIfAborted(stop, "The demo");
  const app = `${folder}/app`;
  await Deno.mkdir(`${app}/bin`, { recursive: true });
  await Deno.copyFile(busybox, `${app}/bin/busybox`);
  await Deno.chmod(`${app}/bin/busybox`, 0o755);
  await Deno.writeTextFile(`${app}/app.sh`, scriptOf({ name: "the new app", prints: "the new app counts: $n" }));
  await Deno.writeTextFile(`${app}/Dockerfile`, `${dockerfile.join("\n")}\n`);
  narrator.say("It has a program, a script and this Dockerfile:");
  for (const line of dockerfile) narrator.quote("Dockerfile", line);
  await packFolder(app, `${app}.tgz`);
  return `${app}.tgz`;
}

async function upload({ narrator, studio, device, until }: DemoContext, path: string): Promise<void> {
  let size = 0;
  const onProgress = (_sentBytes: number, totalBytes: number) => size = totalBytes;
  await narrator.timed(
    () => until(studio.upload(device, { app: demoApp, path, onProgress })),
    () => `${(size / 1e6).toFixed(1)} MB are on the device`,
  );
}
