/** `dev upload|build|run|stop|publish|…`: an app that is built on the device, from a folder of its developer. */

import type { AppState } from "../../../lib/model/app.ts";
import type { Dict } from "../../../lib/base/json.ts";
import { isDict } from "../../../lib/base/json.ts";
import { deviceUri, logTopic } from "../../../lib/backend/uris.ts";
import { publishChannelOf } from "../../../lib/model/app_names.ts";
import { readComposeFile } from "../compose_file.ts";
import { channelOf, linesOf, readableText } from "../log_events.ts";
import { publishedDefinition, withoutBuilds } from "../release_definition.ts";
import { packFolder, sendArchive } from "../uploads.ts";
import { changeOptions, changeUsage, readChange, requestChange } from "./apps.ts";
import type { Arguments } from "./arguments.ts";
import { type Command, connect, type Context, memberText, type Server } from "./command.ts";
import { showDevice } from "./watch.ts";

/** How long a build or a push may take, unless told otherwise. */
const buildSeconds = 600;

const uploadLimitMs = 60_000;

const upload: Command = {
  name: "dev upload",
  usage: "<device> <app> <folder|archive>",
  summary: "Send a folder, or an archive (.tgz), to a device, which builds the app from it",
  options: {},
  least: 3,
  most: 3,
  run: uploadApp,
};

const build: Command = {
  name: "dev build",
  usage: `<device> <app> [--compose FILE] [--wait ${buildSeconds}]`,
  summary: "Build what was uploaded; --compose names the compose file of an app of several services",
  options: { compose: "one", wait: "one" },
  least: 2,
  most: 2,
  run: async (context, args) => {
    const file = args.text("compose");
    const definition = file === undefined ? {} : { dockerCompose: await readComposeFile(file) };
    await using server = await connect(context);
    return await requestWithLog(context, server, { args, change: { target: "BUILT", ...definition } });
  },
};

const publish: Command = {
  name: "dev publish",
  usage: `<device> <app> <version> [--wait ${buildSeconds}]`,
  summary: "Build what was uploaded and push it as a release of the app",
  options: { wait: "one" },
  least: 3,
  most: 3,
  run: publishApp,
};

/** The commands. */
export const devCommands: readonly Command[] = [
  upload,
  build,
  stateCommand("run", "RUNNING", "Run what was built"),
  stateCommand("stop", "PRESENT", "Stop it"),
  publish,
  stateCommand("remove", "REMOVED", "Remove it and keep its data"),
  stateCommand("uninstall", "UNINSTALLED", "Remove it and its data"),
];

function stateCommand(name: string, target: AppState, summary: string): Command {
  return {
    name: `dev ${name}`,
    usage: `<device> <app> ${changeUsage}`,
    summary,
    options: changeOptions,
    least: 2,
    most: 2,
    run: async (context, args) => {
      const change = { target, ...readChange(args) };
      await using server = await connect(context);
      return await requestChange(context, server, { args, change, stage: "DEV" });
    },
  };
}

async function uploadApp(context: Context, args: Arguments): Promise<number> {
  const [deviceName, appName, source] = [args.word(0), args.word(1), args.word(2)];
  await using server = await connect(context);
  const { device } = await showDevice(server, deviceName);
  const app = { appKey: Number((await server.callForDict("add_app", { app: appName })).appKey), name: appName };
  const procedure = deviceUri(memberText(device, "serial"), "write_data");
  const folder = await Deno.makeTempDir({ prefix: "s-" });
  try {
    const isFolder = (await Deno.stat(source)).isDirectory;
    const path = isFolder ? `${folder}/upload.tgz` : source;
    if (isFolder) await packFolder(source, path);
    const write = (list: unknown[]) => server.session.call(procedure, list, { timeoutMs: uploadLimitMs });
    await sendArchive(write, { app, path, onProgress: progressTo(context) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return 0;
}

/** Prints a line for every tenth. */
function progressTo(context: Context): (sentBytes: number, totalBytes: number) => void {
  let printed = -1;
  return (sentBytes, totalBytes) => {
    const tenth = Math.floor(10 * sentBytes / totalBytes);
    if (tenth === printed) return;
    printed = tenth;
    context.print(`${tenth * 10} % of ${totalBytes} bytes`);
  };
}

/** The release is added once its images are in the registry. */
async function publishApp(context: Context, args: Arguments): Promise<number> {
  const [deviceName, app, version] = [args.word(0), args.word(1), args.word(2)];
  await using server = await connect(context);
  const { apps } = await showDevice(server, deviceName);
  const known = apps.find((one) => one.appName === app && one.stage === "DEV")?.dockerCompose;
  const target = await server.callForDict("prepare_push", { app });
  const images = { host: memberText(target, "host"), repository: memberText(target, "repository"), version };
  const definition = isDict(known) ? publishedDefinition(known, images) : undefined;
  // Only this request has it: the app that is built goes on with its own.
  const kwargs = { version, ...(definition === undefined ? {} : { docker_compose: definition }) };
  const code = await requestWithLog(context, server, { args, change: { target: "PUBLISHED", kwargs } });
  if (code !== 0 || args.count("wait", buildSeconds) === 0) return code;
  const released = definition === undefined ? {} : { dockerCompose: withoutBuilds(definition) };
  const release = await server.callForDict("add_release", { app, version, ...released });
  context.print(`${app} ${version} is release ${memberText(release, "releaseKey")}`);
  return 0;
}

/** Requests a change and prints what the device logs about it. */
async function requestWithLog(
  context: Context,
  server: Server,
  { args, change }: { args: Arguments; change: Dict },
): Promise<number> {
  const { device } = await showDevice(server, args.word(0));
  const app = await server.callForDict("add_app", { app: args.word(1) });
  const [appKey, appName] = [Number(app.appKey), memberText(app, "name")];
  const published = publishChannelOf({ id: { appKey, stage: "DEV" }, appName });
  for (const channel of [channelOf({ appKey, appName, stage: "DEV" }), published]) {
    await server.session.subscribe(logTopic(memberText(device, "serial"), channel), (event) => {
      for (const line of linesOf(event.args)) {
        const text = readableText(line);
        if (text !== undefined) context.print(text);
      }
    });
  }
  return await requestChange(context, server, {
    args,
    change,
    stage: "DEV",
    seconds: args.count("wait", buildSeconds),
  });
}
