/** `call`: calls any procedure of a device and prints the answer as JSON. */

import { type Dict, isDict, parseJson } from "../../../lib/base/json.ts";
import type { Session } from "../../../lib/wamp/session.ts";
import { deviceUri } from "../../../lib/backend/uris.ts";
import { openSession } from "../open_session.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { type Command, connect, memberText, type Server } from "./command.ts";
import { readAccount } from "./devices.ts";

/** The command. */
export const call: Command = {
  name: "call",
  usage: "<device> <procedure> [JSON] [--kwargs JSON] [--as ACCOUNT] [--wait 60]",
  summary: "Call a procedure of a device; a JSON list is all arguments, anything else the only one",
  options: { kwargs: "one", as: "one", wait: "one" },
  least: 2,
  most: 3,
  run: async (context, args) => {
    const [list, kwargs] = [readList(args.words[2]), readKwargs(args)];
    const account = args.text("as");
    const timeoutMs = args.count("wait", 60) * 1_000;
    await using server = await connect(context);
    const { device } = await server.callForDict("show_device", { device: args.word(0) });
    const procedure = deviceUri(isDict(device) ? memberText(device, "serial") : "", args.word(1));
    const session = account === undefined || account === "system" ? server.session : await joinAs(server, account);
    try {
      const answer = await session.call(procedure, list, { kwargs, timeoutMs });
      context.print(JSON.stringify(answer, null, 2));
    } finally {
      await session.close();
    }
    return 0;
  },
};

/** Joins as an account, with all that it may do. */
export async function joinAs(server: Server, account: string): Promise<Session> {
  const login = await server.callForDict("account_login", { account: readAccount(account) });
  return await openSession({
    url: server.url,
    authid: memberText(login, "authid"),
    secret: memberText(login, "secret"),
  });
}

function readList(text: string | undefined): unknown[] {
  if (text === undefined) return [];
  const value = parseJson(text);
  if (value === undefined) throw new UsageError(`The arguments must be JSON, got "${text}"`);
  return Array.isArray(value) ? value : [value];
}

function readKwargs(args: Arguments): Dict {
  const text = args.text("kwargs") ?? "{}";
  const value = parseJson(text);
  if (!isDict(value)) throw new UsageError(`--kwargs must be a JSON object, got "${text}"`);
  return value;
}
