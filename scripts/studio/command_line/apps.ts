/**
 * `app run|stop|remove|uninstall|update`, `dev run|stop|…`: requests a state of an app and waits until the device
 * reports it.
 */

import { type AppState, isAppState, type Stage } from "../../../lib/model/app.ts";
import { type Dict, isDict, readCount } from "../../../lib/base/json.ts";
import { type Arguments, readPairs, readPorts } from "./arguments.ts";
import { type Command, connect, type Context, memberText, type Server } from "./command.ts";
import { readAccount } from "./devices.ts";
import { type Goal, judge, type PublicReport, readReport } from "./goal.ts";
import { reportLine } from "./serve.ts";

/** The options of a change, of which `readChange()` reads all but the first. */
export const changeOptions = { wait: "one", env: "many", port: "many", reserve: "many", account: "one" } as const;

/** The same for the help. */
export const changeUsage = "[--env K=V ...] [--port 8080:http ...] [--reserve 41000 ...] [--wait 60] [--account A]";

/** The commands. */
export const appCommands: readonly Command[] = [
  stateCommand("run", "RUNNING", "Run an app on a device; install it if necessary"),
  stateCommand("stop", "PRESENT", "Stop an app"),
  stateCommand("remove", "REMOVED", "Remove an app and keep its data"),
  stateCommand("uninstall", "UNINSTALLED", "Remove an app and its data"),
  stateCommand("update", undefined, "Update an app to the newest version or to --version"),
];

function stateCommand(name: string, target: AppState | undefined, summary: string): Command {
  return {
    name: `app ${name}`,
    usage: `<device> <app> [--version V] ${changeUsage}`,
    summary,
    options: { version: "one", ...changeOptions },
    least: 2,
    most: 2,
    run: async (context, args) => {
      const version = args.text("version");
      const change = { ...(target === undefined ? { update: true } : { target }), ...readChange(args) };
      await using server = await connect(context);
      return await requestChange(context, server, {
        args,
        change: version === undefined ? change : { ...change, version },
      });
    },
  };
}

/** Requests a change of the app that the first two words of a command name. Returns the exit code. */
export async function requestChange(
  context: Context,
  server: Server,
  { args, change, ...options }: { args: Arguments; change: Dict; stage?: Stage; seconds?: number },
): Promise<number> {
  const [device, app] = [args.word(0), args.word(1)];
  const { stage = "PROD", seconds = args.count("wait", 60) } = options;
  const answer = await server.callForDict("show_device", { device });
  const serial = isDict(answer.device) ? memberText(answer.device, "serial") : "";
  const watcher = new GoalWatcher(context, app);
  await server.session.subscribe(`studio.reports.${serial}`, (event) => watcher.add(event.args[0]));
  const outcome = await server.callForDict("request", { device, app, stage, ...change });
  if (outcome.isDelivered !== true) {
    context.printError(`${device} is not connected; the request is sent when it connects`);
  }
  if (seconds === 0) return 0;
  const goal = goalOf(outcome, stage);
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve(`${app} is not ${goal.target} after ${seconds} s`), seconds * 1_000);
  const closed = server.session.closed.then(() => "The Studio has stopped");
  const end = await Promise.race([watcher.until(goal), late, closed]);
  clearTimeout(timer);
  if (end !== "") context.printError(end);
  return end === "" ? 0 : 1;
}

/** Prints the reports of a device until a goal for one of its apps is reached. */
class GoalWatcher {
  readonly #context: Context;
  readonly #app: string;
  readonly #reports: PublicReport[] = [];
  readonly #end = Promise.withResolvers<string>();
  #goal: Goal | undefined;

  constructor(context: Context, app: string) {
    this.#context = context;
    this.#app = app;
  }

  /** Prints a report and checks the goal. */
  add(value: unknown): void {
    const report = readReport(value);
    if (report === undefined) return;
    this.#reports.push(report);
    this.#context.print(reportLine(report));
    this.#check();
  }

  /** Resolves with an empty text when the goal is reached, or with the reason when it has failed. */
  async until(goal: Goal): Promise<string> {
    this.#goal = goal;
    this.#check();
    return await this.#end.promise;
  }

  #check(): void {
    const goal = this.#goal;
    if (goal === undefined) return;
    const judgement = judge(goal, this.#reports.filter((report) => isOf(report, goal)));
    if (judgement.kind === "reached") this.#end.resolve("");
    if (judgement.kind === "failed") this.#end.resolve(`${this.#app}: ${judgement.reason}`);
  }
}

function isOf(report: PublicReport, { appKey, stage }: Goal): boolean {
  return report.appKey === appKey && report.stage === stage;
}

/** What the `changeOptions` of a command say. Throws `UsageError`. */
export function readChange(args: Arguments): Dict {
  const account = args.text("account");
  const [environment, ports] = [args.list("env"), args.list("port")];
  return {
    ...(account === undefined ? {} : { accountKey: readAccount(account) }),
    ...(environment.length === 0 ? {} : { environment: readPairs("env", environment) }),
    ...(ports.length === 0 && args.list("reserve").length === 0
      ? {}
      : { ports: readPorts(ports, args.list("reserve")) }),
  };
}

function goalOf(outcome: Dict, stage: Stage): Goal {
  const kwargs = isDict(outcome.kwargs) ? outcome.kwargs : {};
  const target = kwargs.target_state;
  return {
    appKey: readCount(kwargs.app_key) ?? 0,
    stage,
    target: isAppState(target) ? target : "RUNNING",
    updateTo: kwargs.request_update === true ? readCount(kwargs.new_release_key) : undefined,
  };
}
