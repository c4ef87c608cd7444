/** `reagent logs`: the agent's own log from its file, logs of apps from the engine. Needs no running agent. */

import { AgentError, hasCode } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { escapeForCell } from "../base/quote.ts";
import { Engine } from "../docker/engine.ts";
import type { Flags } from "../flags.ts";
import { showOwnLog } from "../log/show_own_log.ts";
import { type AgentFacts, readAgentFacts } from "./agent_facts.ts";
import { type LocalArguments, readSince } from "./arguments.ts";
import { askAgent } from "./ask.ts";
import { printContainerLines } from "./container_lines.ts";
import { type AppContainers, findApp, isMeant, listApps } from "./find_log.ts";
import { type CommandSite, writeText } from "./output.ts";

type Printer = (lines: string[]) => void;

/** Prints a log. Returns 0; throws what is wrong. An interrupt ends it, as it ends any program. */
export async function showLogs(wanted: LocalArguments, options: CommandSite & { flags: Flags }): Promise<number> {
  const { flags, stdout } = options;
  const sinceMs = wanted.since === "" ? undefined : readSince(wanted.since, Date.now());
  if (wanted.since !== "" && sinceMs === undefined) {
    throw new AgentError("bad_request", `invalid value for --since: "${wanted.since}"`);
  }
  const output = new AbortController();
  const write = (text: string) => writeText(stdout, text) || output.abort();
  const facts = await askFacts(flags.agentDir);
  if (wanted.app === "") {
    const isColored = stdout.isTerminal() && !Deno.env.get("NO_COLOR");
    const shown = { tail: wanted.tail, sinceMs, isFollowing: wanted.isFollowing, isColored };
    const path = facts?.paths.log || flags.logFile;
    for await (const lines of showOwnLog(path, shown, output.signal)) {
      write(lines.map((line) => `${line}\n`).join(""));
      if (output.signal.aborted) break;
    }
    return 0;
  }
  const print: Printer = (lines) => {
    // What an app prints is for a program as it is, and for a terminal as it can do no harm.
    const shown = stdout.isTerminal() ? lines.map(escapeForCell) : lines;
    write(shown.map((line) => `${line}\n`).join(""));
  };
  await printApp({ ...wanted, since: sinceMs === undefined ? "" : new Date(sinceMs).toISOString() }, {
    ...{ facts, agentDir: flags.agentDir, print },
  }, output.signal);
  return 0;
}

async function printApp(
  wanted: LocalArguments,
  { facts, agentDir, print }: { facts: AgentFacts | undefined; agentDir: string; print: Printer },
  signal: AbortSignal,
): Promise<void> {
  const engine = new Engine({ log: silentLog, ...(facts === undefined ? {} : { env: facts.engine.environment }) });
  const containers = await engine.listContainers(signal);
  const found = findApp(wanted.app, containers);
  const [app] = found;
  if (app !== undefined && found.length === 1) return await printContainerLines(app, { engine, wanted, print }, signal);
  if (app !== undefined) {
    const names = found.map(({ name }) => name).join(", ");
    throw new AgentError("bad_request", `"${wanted.app}" can be one of ${names}; name one of these`);
  }
  const channel = facts?.apps.find(({ container }) => isMeant(wanted.app, container))?.container;
  if (channel === undefined) throw noSuchApp(wanted.app, { facts, apps: listApps(containers) });
  // It has no container: what was said about it is all there is.
  const lines = await askAgent({ ask: "history", channel }, { agentDir });
  const texts = Array.isArray(lines) ? lines.map(String) : [];
  print(wanted.tail === undefined ? texts : texts.slice(Math.max(0, texts.length - wanted.tail)));
}

/** Undefined when no agent answers: logs can be read all the same. */
async function askFacts(agentDir: string): Promise<AgentFacts | undefined> {
  try {
    return readAgentFacts(await askAgent({ ask: "status" }, { agentDir }));
  } catch (error) {
    if (hasCode(error, "not_available", "timeout", "call_failed", "denied")) return undefined;
    throw error;
  }
}

function noSuchApp(
  name: string,
  { facts, apps }: { facts: AgentFacts | undefined; apps: readonly AppContainers[] },
): AgentError {
  const known = [
    ...new Set([...facts?.apps.map((app) => app.name) ?? [], ...facts ? [] : apps.map((app) => app.name)]),
  ];
  const hint = known.length === 0 ? "there are no apps" : `there are ${known.join(", ")}`;
  return new AgentError("bad_request", `No such app: ${name}; ${hint}`);
}
