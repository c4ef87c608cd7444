/** `network …`: the network of a device, and changes that undo themselves. */

import { type Dict, isDict } from "../../../lib/base/json.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { type CalledDevice, reachDevice } from "./called_device.ts";
import { type Command, connect, type Context, formatTable, memberText } from "./command.ts";

/** NetworkManager undoes a change after 90 s; then the device has to come back and tell it. */
const outcomeSeconds = 150;

/** The commands. */
export const networkCommands: readonly Command[] = [
  {
    name: "network list",
    usage: "<device> [--as ACCOUNT]",
    summary: "Show the Ethernet devices of a device, and the Wi-Fi networks that it sees or knows",
    options: { as: "one" },
    least: 1,
    most: 1,
    run: listNetwork,
  },
  {
    name: "network set",
    usage: `<device> <interface> <address/prefix> [--as ACCOUNT] [--wait ${outcomeSeconds}]`,
    summary: "Give an Ethernet device a fixed address, and wait until it is kept or was undone",
    options: { as: "one", wait: "one" },
    least: 3,
    most: 3,
    run: (context, args) => changeNetwork(context, args, { method: "manual", ...readAddress(args.word(2)) }),
  },
  {
    name: "network revert",
    usage: `<device> <interface> [--as ACCOUNT] [--wait ${outcomeSeconds}]`,
    summary: "Let an Ethernet device get its address by DHCP again, and wait until that is kept or was undone",
    options: { as: "one", wait: "one" },
    least: 2,
    most: 2,
    run: (context, args) => changeNetwork(context, args, { method: "auto" }),
  },
];

async function listNetwork(context: Context, args: Arguments): Promise<number> {
  await using server = await connect(context);
  await using device = await reachDevice(server, args);
  const ethernet = await listDicts(device, "list_ethernet_devices");
  const wifi = await listDicts(device, "list_wifi_networks");
  const wired = ethernet.map((each) => [
    ...["interfaceName", "mac", "method"].map((name) => memberText(each, name)),
    [...addressesOf(each.ipv4), ...addressesOf(each.ipv6)].join(" "),
  ]);
  const networks = wifi.map((each) => [
    ...["ssid", "security", "signal", "mac"].map((name) => memberText(each, name)),
    each.current === true ? "in use" : each.known === true ? "known" : "",
  ]);
  for (const line of formatTable(["INTERFACE", "MAC", "METHOD", "ADDRESSES"], wired)) context.print(line);
  context.print("");
  for (const line of formatTable(["WI-FI", "SECURITY", "SIGNAL", "MAC", ""], networks)) context.print(line);
  return 0;
}

async function changeNetwork(context: Context, args: Arguments, wish: Dict): Promise<number> {
  const waitMs = args.count("wait", outcomeSeconds) * 1_000;
  const [name, interfaceName] = [args.word(0), args.word(1)];
  await using server = await connect(context);
  await using device = await reachDevice(server, args);
  const ethernet = await listDicts(device, "list_ethernet_devices");
  const found = ethernet.find((each) => memberText(each, "interfaceName") === interfaceName);
  if (found === undefined) {
    context.printError(`${name} has no Ethernet device "${interfaceName}"`);
    return 1;
  }
  using outcome = await listen(device, waitMs);
  const change = { ...wish, mac: memberText(found, "mac"), interfaceName };
  await device.session.call(device.uri("update_ipv4_config"), [change]);
  const told = await outcome.told;
  if (told === undefined) {
    context.printError(`${name} has not told yet whether the change is kept; see: network list ${name}`);
    return 1;
  }
  const isKept = told.outcome === "kept";
  if (isKept) context.print("kept");
  else context.printError(`${memberText(told, "outcome")}: ${memberText(told, "error")}`);
  return isKept ? 0 : 1;
}

/** What a device tells of a change; undefined when the time is over. */
interface ChangeOutcome extends Disposable {
  told: Promise<Dict | undefined>;
}

/** Resolves once it listens. */
async function listen({ session, uri }: CalledDevice, waitMs: number): Promise<ChangeOutcome> {
  const { promise: told, resolve } = Promise.withResolvers<Dict | undefined>();
  await session.subscribe(uri("network_change"), ({ args: [outcome] }) => {
    if (isDict(outcome)) resolve(outcome);
  });
  const timer = setTimeout(() => resolve(undefined), waitMs);
  return { told, [Symbol.dispose]: () => clearTimeout(timer) };
}

async function listDicts({ session, uri }: CalledDevice, name: string): Promise<Dict[]> {
  return (await session.call(uri(name))).args.filter(isDict);
}

function addressesOf(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isDict).map((each) => `${memberText(each, "Address")}/${memberText(each, "Prefix")}`);
}

/** `10.0.0.7/24`. The device checks what it means. Throws `UsageError`. */
function readAddress(text: string): { ipv4: string; prefix: number } {
  const [, ipv4 = "", prefix = ""] = /^([0-9.]+)\/([0-9]{1,2})$/.exec(text) ?? [];
  if (ipv4 === "") throw new UsageError(`The address must be like 10.0.0.7/24, got "${text}"`);
  return { ipv4, prefix: Number(prefix) };
}
