/** `device …` and `account …`: manages devices, accounts and privileges. */

import { isDict } from "../../../lib/base/json.ts";
import { isPrivilege } from "../accounts.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { type Command, connect, type Context, formatTable, memberText } from "./command.ts";

/** The commands. */
export const deviceCommands: readonly Command[] = [
  {
    name: "device add",
    usage: "<name> [--serial S] [--out FILE]",
    summary: "Add a device; writes <name>.flock for its agent",
    options: { serial: "one", out: "one" },
    least: 1,
    most: 1,
    run: addDevice,
  },
  {
    name: "device list",
    usage: "",
    summary: "List all devices",
    options: {},
    least: 0,
    most: 0,
    run: async (context) => {
      await using server = await connect(context);
      const devices = await server.call("list_devices");
      const names = ["name", "serial", "authid", "status", "reportedAt"];
      const rows = (Array.isArray(devices) ? devices : []).filter(isDict);
      const cells = rows.map((row) => names.map((name) => memberText(row, name)));
      for (const line of formatTable(["NAME", "SERIAL", "AUTHID", "STATUS", "REPORTED"], cells)) context.print(line);
      return 0;
    },
  },
  {
    name: "account add",
    usage: "<name>",
    summary: "Add an account for: call --as",
    options: {},
    least: 1,
    most: 1,
    run: async (context, args) => {
      await using server = await connect(context);
      context.print(memberText(await server.callForDict("add_account", { name: args.word(0) }), "accountKey"));
      return 0;
    },
  },
  {
    name: "account list",
    usage: "",
    summary: "List all accounts",
    options: {},
    least: 0,
    most: 0,
    run: async (context) => {
      await using server = await connect(context);
      const accounts = await server.call("list_accounts");
      const rows = (Array.isArray(accounts) ? accounts : []).filter(isDict);
      const cells = rows.map((row) => [memberText(row, "accountKey"), memberText(row, "name")]);
      for (const line of formatTable(["ACCOUNT", "NAME"], cells)) context.print(line);
      return 0;
    },
  },
  {
    name: "account allow",
    usage: "<account> <device> [READ] [NETWORK] [MAINTAIN] [DEVELOP]",
    summary: "Give an account exactly these privileges on a device",
    options: {},
    least: 2,
    most: 6,
    run: async (context, args) => {
      const [account = "", device = "", ...privileges] = args.words;
      const wrong = privileges.find((privilege) => !isPrivilege(privilege));
      if (wrong !== undefined) throw new UsageError(`There is no privilege "${wrong}"`);
      await using server = await connect(context);
      await server.call("set_privileges", { account: readAccount(account), device, privileges });
      return 0;
    },
  },
];

/** The key of an account. Throws `UsageError`. */
export function readAccount(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new UsageError(`An account is a number, got "${text}"`);
  return Number(text);
}

async function addDevice(context: Context, args: Arguments): Promise<number> {
  const [name, serial] = [args.word(0), args.text("serial")];
  await using server = await connect(context);
  const added = await server.callForDict("add_device", { name, ...(serial === undefined ? {} : { serial }) });
  const path = args.text("out") ?? `${name}.flock`;
  await Deno.writeTextFile(path, `${JSON.stringify(added.flock, null, 1)}\n`, { mode: 0o600 });
  context.print(path);
  return 0;
}
