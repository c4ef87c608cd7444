/**
 * `deno task rollout`: builds, publishes and promotes in one go. `--share 10%` brings the version to a share of the
 * devices, `--pause` to no more of them, and `--back` takes it back. It reaches a whole fleet, so it asks first, and
 * only `--yes` answers.
 */

import { textOf } from "../lib/base/errors.ts";
import { build } from "./build.ts";
import { projectRoot } from "./paths.ts";
import { promoteUsage, type PublishArguments, publishUsage, readPublishArguments } from "./publish/arguments.ts";
import { changeOf, openPublishing, type PublishContext, type PublishSurroundings } from "./publish/context.ts";
import { goLive } from "./publish/go_live.ts";
import type { IndexChange } from "./publish/next_index.ts";
import { createProgress } from "./publish/progress.ts";
import { stage } from "./publish/stage.ts";

/** Runs a rollout and returns its exit code: 2 for wrong arguments, 1 when it was not confirmed or has failed. */
export async function rollout(args: readonly string[], surroundings: PublishSurroundings): Promise<number> {
  const { note } = createProgress(surroundings.output);
  let wanted: PublishArguments;
  try {
    wanted = readPublishArguments(args);
  } catch (error) {
    note(`${textOf(error)}\nUsage: deno task rollout ${publishUsage}\n         ${promoteUsage}`);
    note("         [--yes | --pause | --back] [--update-key FILE]... [os/arch …]");
    return 2;
  }
  try {
    using context = await openPublishing(wanted, surroundings);
    const change = changeOf(wanted, context);
    if (!wanted.isConfirmed) {
      note(`${questionOf(change, context)}\nNothing was done. Run it again with --yes.`);
      return 1;
    }
    return await roll(change, { context, wanted, surroundings });
  } catch (error) {
    note(`FAILED rollout: ${textOf(error)}`);
    return 1;
  }
}

async function roll(
  change: IndexChange,
  { context, wanted, surroundings }: {
    context: PublishContext;
    wanted: PublishArguments;
    surroundings: PublishSurroundings;
  },
): Promise<number> {
  const { note } = context.progress;
  if (needsBuild(change, context)) {
    const code = await build(buildArgs(wanted), {
      entry: `${surroundings.root}main.ts`,
      folder: context.folder,
      targets: await Deno.readTextFile(`${surroundings.root}targets`),
      environment: surroundings.environment,
      version: context.version,
      trial: { args: ["-version"], prints: context.version },
      say: note,
    });
    if (code !== 0) {
      note("FAILED rollout: the build is not complete; nothing was published");
      return 1;
    }
    await stage(context);
  }
  await goLive(change, context);
  note(`${context.store.name} is up to date`);
  return 0;
}

/** What is live already, or being rolled out, must not be built again: its bytes are what devices have. */
function needsBuild(change: IndexChange, { live, version }: PublishContext): boolean {
  if (change.kind === "pause" || change.kind === "back") return false;
  const channels = [...live.index?.channels.values() ?? []];
  return !channels.some((channel) => channel.version === version || channel.next?.version === version);
}

function buildArgs({ names, updateKeys, signKey, isLauncherAllowed }: PublishArguments): string[] {
  return [
    ...updateKeys.flatMap((file) => ["--update-key", file]),
    ...(signKey === undefined ? [] : ["--sign-key", signKey]),
    ...(isLauncherAllowed ? ["--bundle-only"] : names),
  ];
}

function questionOf(change: IndexChange, { store, channels }: PublishContext): string {
  const where = `in ${store.name}, channels ${channels.join(", ")}`;
  switch (change.kind) {
    case "promote":
      return `Build ${change.version} and make it live for every device ${where}?`;
    case "share":
      return `Build ${change.version} and make it live for ${change.sharePercent} % of the devices ${where}?`;
    case "pause":
      return `Pause what is being rolled out ${where}?`;
    case "back":
      return `Go back to the version before ${where}? Devices that have the newer one keep it.`;
  }
}

if (import.meta.main) {
  Deno.exit(await rollout(Deno.args, { root: projectRoot, environment: Deno.env.toObject(), output: Deno.stdout }));
}
