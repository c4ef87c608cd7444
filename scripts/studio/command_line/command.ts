/** The commands of the Studio's command line, and their connection to a running Studio. */

import { AgentError } from "../../../lib/base/errors.ts";
import { type Dict, isDict } from "../../../lib/base/json.ts";
import { escapeForCell } from "../../../lib/base/quote.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { openSession } from "../open_session.ts";
import type { Arguments, OptionKinds } from "./arguments.ts";
import { readServerFile } from "./server_file.ts";

/** The folder and the output of a command. */
export interface Context {
  folder: string;
  print(line: string): void;
  /** Prints errors and remarks. */
  printError(line: string): void;
}

/** A command. */
export interface Command {
  /** The name, for example `device add`. */
  name: string;
  /** The arguments in the usage text. */
  usage: string;
  summary: string;
  options: OptionKinds;
  /** The number of words that it takes. */
  least: number;
  most: number;
  /** Runs the command and returns the exit code. */
  run(context: Context, args: Arguments): Promise<number>;
}

/** A session with a running Studio. */
export interface Server extends AsyncDisposable {
  session: Session;
  url: string;
  /** Calls `studio.<name>` and returns the first value of the answer. */
  call(name: string, argument?: Dict): Promise<unknown>;
  /** Like `call()`, for an answer that is a dict. */
  callForDict(name: string, argument?: Dict): Promise<Dict>;
}

/** Connects to the running Studio of the folder. Throws `not_available` when none is running. */
export async function connect(context: Context): Promise<Server> {
  const login = await readServerFile(context.folder);
  if (login === undefined) throw noServer(context.folder);
  let session: Session;
  try {
    session = await openSession(login);
  } catch (error) {
    throw noServer(context.folder, error);
  }
  const ask = async (name: string, argument?: Dict) => {
    const args = argument === undefined ? [] : [argument];
    return (await session.call(`studio.${name}`, args)).args[0];
  };
  const askDict = async (name: string, argument?: Dict) => {
    const answer = await ask(name, argument);
    if (isDict(answer)) return answer;
    throw new AgentError("protocol_error", `The Studio returned no object for "${name}"`);
  };
  return { session, url: login.url, call: ask, callForDict: askDict, [Symbol.asyncDispose]: () => session.close() };
}

/** A member as text, whatever its type. */
export function memberText(dict: Dict, name: string): string {
  const value = dict[name];
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

/** Formats rows in columns below their titles. Pure. */
export function formatTable(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [titles, ...rows].map((row) => row.map(escapeForCell));
  const widths = titles.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
}

function noServer(folder: string, cause?: unknown): AgentError {
  const text = `No Studio runs on the folder "${folder}"; start one with: deno task studio serve`;
  return new AgentError("not_available", text, { cause });
}
