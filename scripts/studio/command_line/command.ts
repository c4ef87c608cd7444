/** What a command of the Studio is, and what it gets to work with. */

import { AgentError } from "../../../lib/base/errors.ts";
import { type Dict, isDict } from "../../../lib/base/json.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { openSession } from "../connection.ts";
import type { Arguments, OptionKinds } from "./arguments.ts";
import { readServerFile } from "./server_file.ts";

/** Where a command works and writes. */
export interface Context {
  folder: string;
  print(line: string): void;
  /** For what goes wrong and for remarks. */
  printError(line: string): void;
}

/** One command. */
export interface Command {
  /** `device add`. */
  name: string;
  /** What follows the name, for the usage text. */
  usage: string;
  summary: string;
  options: OptionKinds;
  /** How many words it takes. */
  least: number;
  most: number;
  /** Gives the exit code. */
  run(context: Context, args: Arguments): Promise<number>;
}

/** The running Studio behind a session. */
export interface Server extends AsyncDisposable {
  session: Session;
  url: string;
  /** Calls `studio.<name>` with one dict and gives the first value of the answer. */
  call(name: string, question?: Dict): Promise<unknown>;
  /** Like `ask`, for an answer that is a dict. */
  callForDict(name: string, question?: Dict): Promise<Dict>;
}

/** Joins the running Studio of the folder. Throws `not_available` when none runs. */
export async function connect(context: Context): Promise<Server> {
  const login = await readServerFile(context.folder);
  if (login === undefined) throw noServer(context.folder);
  let session: Session;
  try {
    session = await openSession(login);
  } catch (error) {
    throw noServer(context.folder, error);
  }
  const ask = async (name: string, question?: Dict) => {
    const args = question === undefined ? [] : [question];
    return (await session.call(`studio.${name}`, args)).args[0];
  };
  const askDict = async (name: string, question?: Dict) => {
    const answer = await ask(name, question);
    if (isDict(answer)) return answer;
    throw new AgentError("protocol_error", `The Studio gave no object for "${name}"`);
  };
  return { session, url: login.url, call: ask, callForDict: askDict, [Symbol.asyncDispose]: () => session.close() };
}

/** Text of a member, whatever it is. */
export function memberText(dict: Dict, name: string): string {
  const value = dict[name];
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

/** Rows of text in columns, below a line of titles. Pure. */
export function formatTable(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd());
}

function noServer(folder: string, cause?: unknown): AgentError {
  const text = `No Studio runs on the folder "${folder}"; start one with: deno task studio serve`;
  return new AgentError("not_available", text, { cause });
}
