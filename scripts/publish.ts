/**
 * The tasks that bring a build to devices: `publish` stages it, `promote` makes it live, and `publish-latest-alias`,
 * `publish-version` and `publish-latestVersions` are the steps of `promote` one by one. Each can be run again.
 */

import { textOf } from "../lib/base/errors.ts";
import { projectRoot } from "./paths.ts";
import { promoteUsage, type PublishArguments, publishUsage, readPublishArguments } from "./publish/arguments.ts";
import { changeOf, openPublishing, type PublishContext, type PublishSurroundings } from "./publish/context.ts";
import { checkVersion, copyLatest, goLive, writeVersion } from "./publish/go_live.ts";
import { replaceIndex } from "./publish/live_index.ts";
import { changeIndex } from "./publish/next_index.ts";
import { createProgress } from "./publish/progress.ts";
import { stage } from "./publish/stage.ts";

/** The steps by the names of their tasks. */
const steps: Readonly<Record<string, (context: PublishContext, args: PublishArguments) => Promise<void>>> = {
  "publish": async (context) => {
    const platforms = await stage(context);
    context.progress.note(`Staged ${context.version} for ${platforms.join(", ")}; deno task promote makes it live`);
  },
  "publish-latest-alias": (context) => copyLatest(context.version, context),
  "publish-version": async (context) => {
    await checkVersion(context.version, context);
    await writeVersion(context.version, context);
  },
  "publish-latestVersions": async (context, args) => {
    await checkVersion(context.version, context);
    const { live, now } = context;
    const index = changeIndex(live.index, { change: changeOf(args, context), now, newestNumber: live.newestNumber });
    await replaceIndex(index, context);
  },
  "promote": async (context, args) => {
    await goLive(changeOf(args, context), context);
    context.progress.note(`${context.store.name} is up to date`);
  },
};

/** Runs one of the tasks and returns its exit code: 2 for wrong arguments, 1 when it could not do its work. */
export async function publish(
  [task = "", ...args]: readonly string[],
  surroundings: PublishSurroundings,
): Promise<number> {
  const { note } = createProgress(surroundings.output);
  const step = Object.hasOwn(steps, task) ? steps[task] : undefined;
  let wanted: PublishArguments;
  try {
    if (step === undefined) throw new Error(`The tasks: ${Object.keys(steps).join(", ")}`);
    wanted = readPublishArguments(args);
    if (wanted.names.length > 0) throw new Error(`"${wanted.names[0]}" is no option`);
  } catch (error) {
    note(`${textOf(error)}\nUsage: deno task ${task} ${publishUsage}\n         ${promoteUsage}`);
    return 2;
  }
  try {
    using context = await openPublishing(wanted, surroundings);
    await step(context, wanted);
    return 0;
  } catch (error) {
    note(`FAILED ${task}: ${textOf(error)}`);
    return 1;
  }
}

if (import.meta.main) {
  Deno.exit(await publish(Deno.args, { root: projectRoot, environment: Deno.env.toObject(), output: Deno.stdout }));
}
