/** The first part of the demo: an app of one container, from its image to its second version. */

import { ensureApp, repositoryOf } from "../studio/releases.ts";
import { type DemoContext, followLog, readLog, requestState } from "./context.ts";
import { demoApp } from "./docker.ts";
import { releaseImage } from "./image.ts";

type Version = "1.0.0" | "2.0.0";

/** What each version prints every second. */
const versions: Readonly<Record<Version, string>> = {
  "1.0.0": "version 1.0.0 counts: $n",
  "2.0.0": "version 2.0.0 counts and knows the time: $n at $(busybox date +%H:%M:%S)",
};

const logMs = 10_000;
const logAfterUpdateMs = 3_000;

/** Installs an app and updates it. */
export async function showApp(context: DemoContext): Promise<void> {
  const { narrator } = context;
  await release(context, "1.0.0");
  await using logs = await followLog(context);

  narrator.heading("Install");
  narrator.say(
    "The Studio asks the device to run the app. The device pulls the image from the registry and starts it.",
  );
  await requestState(context, { target: "RUNNING" }, { state: "RUNNING" });
  narrator.heading("Its log, for ten seconds");
  await readLog(context, logs, { texts: ["version 1.0.0"], forMs: logMs });

  await release(context, "2.0.0");
  narrator.heading("Update");
  narrator.say("The Studio requests the newest version. The first one runs until the second one is downloaded.");
  await requestState(context, { update: true }, { state: "RUNNING", updateStatus: "completed" });
  await readLog(context, logs, { texts: ["version 2.0.0"], forMs: logAfterUpdateMs });
}

/** Builds a version of the app and pushes it. */
async function release(context: DemoContext, version: Version): Promise<void> {
  const { narrator, studio } = context;
  narrator.heading(version === "1.0.0" ? "An app" : "A second version");
  const repository = repositoryOf(ensureApp(studio.store, demoApp));
  await narrator.timed(async () => {
    const pushed = await releaseImage(context, {
      path: `${repository}:${version}`,
      name: version,
      prints: versions[version],
    });
    studio.addRelease(demoApp, version);
    return pushed;
  }, (reference) => `The image ${reference} is built and pushed`);
}
