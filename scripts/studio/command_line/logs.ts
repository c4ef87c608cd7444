/** `logs`: shows the log of an app, or that of the agent, and looks back into it. */

import { AgentError } from "../../../lib/base/errors.ts";
import { type Dict, isDict } from "../../../lib/base/json.ts";
import { deviceUri, logTopic } from "../../../lib/backend/uris.ts";
import { channelOf, linesOf } from "../log_events.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { type Command, connect, type Context, memberText, type Server } from "./command.ts";
import { showDevice, waitForEvents } from "./watch.ts";

/** Lines that are asked for when only a part of them may be printed. */
const mostLines = 5_000;

/** The command. */
export const logs: Command = {
  name: "logs",
  usage:
    "<device> [app] [--stage DEV] [--since 1h] [--until T] [--tail N] [--grep PATTERN] [--level info] [--follow SECONDS]",
  summary: "Show lines of an app, or of the agent if none is named; times are 1h30m (ago), RFC 3339 or Unix seconds",
  options: { stage: "one", since: "one", until: "one", tail: "one", grep: "one", level: "one", follow: "one" },
  least: 1,
  most: 2,
  run: async (context, args) => {
    const isShown = readPattern(args.text("grep"));
    const seconds = args.count("follow", 0);
    await using server = await connect(context);
    const { device, apps } = await showDevice(server, args.word(0));
    const serial = memberText(device, "serial");
    const appName = args.words[1];
    const channel = appName === undefined ? undefined : findChannel(apps, appName, args);
    for (const line of await readLines(server, { serial, channel, args, context })) {
      if (isShown(line)) context.print(line);
    }
    if (seconds === 0 || channel === undefined) return 0;
    await server.session.subscribe(logTopic(serial, channel), (event) => {
      for (const line of linesOf(event.args)) if (isShown(line)) context.print(line);
    });
    await waitForEvents(server.session, seconds);
    return 0;
  },
};

function readPattern(text: string | undefined): (line: string) => boolean {
  if (text === undefined) return () => true;
  try {
    const pattern = new RegExp(text);
    return (line) => pattern.test(line);
  } catch {
    throw new UsageError(`--grep must be a regular expression, got "${text}"`);
  }
}

/** An app on the device; without a stage rather the published one than the one that is built there. */
function findChannel(apps: readonly Dict[], appName: string, args: Arguments): string {
  const stage = args.text("stage");
  const named = apps.filter((one) => one.appName === appName && (stage === undefined || one.stage === stage));
  const app = named.find((one) => one.stage === "PROD") ?? named[0];
  if (app === undefined) throw new AgentError("bad_request", `"${appName}" is not on "${args.word(0)}"`);
  return channelOf({ appKey: Number(app.appKey), appName, stage: memberText(app, "stage") });
}

/** Without a question about a part of it, an app's history is read, which has messages of the agent, too. */
async function readLines(
  server: Server,
  read: { serial: string; channel: string | undefined; args: Arguments; context: Context },
): Promise<string[]> {
  const { serial, channel, args, context } = read;
  const names = ["since", "until", "level"] as const;
  const given = Object.fromEntries(names.flatMap((name) => {
    const value = args.text(name);
    return value === undefined ? [] : [[name, value]];
  }));
  const isPart = Object.keys(given).length > 0 || args.text("tail") !== undefined || args.text("grep") !== undefined;
  const call = async (name: string, query: Dict) =>
    (await server.session.call(deviceUri(serial, name), [query])).args[0];
  if (channel !== undefined && !isPart) return textsOf(await call("get_app_log_history", { containerName: channel }));
  const tail = args.count("tail", isPart ? mostLines : 0);
  const query = { ...given, tail, ...(channel === undefined ? {} : { containerName: channel }) };
  const answer = await call(channel === undefined ? "query_device_logs" : "query_app_logs", query);
  if (!isDict(answer)) throw new AgentError("protocol_error", "The device has answered without lines");
  if (answer.source === "history") context.printError("The container is gone: these are the last lines that were kept");
  if (answer.truncated === true) context.printError("Older lines are left out: name a shorter time");
  return textsOf(answer.lines);
}

function textsOf(lines: unknown): string[] {
  return Array.isArray(lines) ? lines.map(String) : [];
}
