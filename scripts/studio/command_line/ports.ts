/** `port open|close`: switches the tunnel of a port of an app, and waits until the device has done so. */

import { deviceUri } from "../../../lib/backend/uris.ts";
import { type Dict, isDict } from "../../../lib/base/json.ts";
import { type Arguments, readPort, UsageError } from "./arguments.ts";
import { type Command, connect, type Context, memberText, type Server } from "./command.ts";
import { showDevice } from "./watch.ts";

/** Between two questions to the device. */
const pauseMs = 200;

/** The commands. */
export const portCommands: readonly Command[] = [
  {
    name: "port open",
    usage: "<device> <app> <8080:http> [--reserve 31044] [--local-ip IP] [--wait 30]",
    summary: "Open a tunnel to a port of an app, and print its address",
    options: { "wait": "one", "reserve": "one", "local-ip": "one" },
    least: 3,
    most: 3,
    run: (context, args) => changePort(context, args, { isOpen: true }),
  },
  {
    name: "port close",
    usage: "<device> <app> <8080:http> [--wait 30]",
    summary: "Close the tunnel to a port of an app; its port of the tunnel server stays reserved",
    options: { wait: "one" },
    least: 3,
    most: 3,
    run: (context, args) => changePort(context, args, { isOpen: false }),
  },
];

async function changePort(context: Context, args: Arguments, { isOpen }: { isOpen: boolean }): Promise<number> {
  const { port, protocol } = readPort(args.word(2));
  const reservedRemotePort = args.count("reserve", 0);
  if (reservedRemotePort > 65_535) throw new UsageError("--reserve must be a port");
  const localIp = args.text("local-ip");
  const seconds = args.count("wait", 30);
  await using server = await connect(context);
  const [device, app] = [args.word(0), args.word(1)];
  const { isDelivered, tunnels } = await server.callForDict("change_port", {
    ...{ device, app, port, protocol, isOpen },
    ...(isOpen ? { reservedRemotePort } : {}),
    ...(localIp === undefined ? {} : { localIp }),
  });
  if (isDelivered !== true) {
    context.printError(`${device} is not connected; the request is sent when it connects`);
    return 0;
  }
  return await untilDone(context, server, {
    ...{ device, app, port, protocol, isOpen, seconds, reservedRemotePort },
    tunnels: isDict(tunnels) ? tunnels : undefined,
  });
}

interface Goal {
  device: string;
  app: string;
  port: number;
  protocol: string;
  isOpen: boolean;
  /** The port of the tunnel server that it must have; 0 for any. */
  reservedRemotePort: number;
  seconds: number;
  /** Where the Studio's own tunnel server is reached. */
  tunnels: Dict | undefined;
}

/** Asks the device until the tunnel is as it should be, and prints its address. */
async function untilDone(context: Context, server: Server, goal: Goal): Promise<number> {
  const endMs = performance.now() + goal.seconds * 1_000;
  for (;;) {
    const { device, apps } = await showDevice(server, goal.device);
    const state = await readState(server, { serial: memberText(device, "serial"), goal });
    const isOpen = state?.active === true && hasPort(state, goal);
    if (isOpen && goal.isOpen) context.print(addressOf(state, goal));
    if (goal.isOpen ? isOpen : state === undefined) return 0;
    if (performance.now() >= endMs) {
      context.printError(reasonOf(goal, { state, apps }));
      return 1;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** What the device says of the tunnel; undefined when it has none. */
async function readState(
  server: Server,
  { serial, goal }: { serial: string; goal: Goal },
): Promise<Dict | undefined> {
  const { args } = await server.session.call(deviceUri(serial, "get_tunnel_state"));
  const states = Array.isArray(args[0]) ? args[0].filter(isDict) : [];
  return states.find(({ app_name: app, port, status }) => {
    const protocol = isDict(status) ? status.protocol : "";
    return app === goal.app.toLowerCase() && port === goal.port && protocol === goal.protocol;
  });
}

function reasonOf(goal: Goal, { state, apps }: { state: Dict | undefined; apps: readonly Dict[] }): string {
  const rules = apps.filter(({ appName }) => appName === goal.app).flatMap(({ ports }) =>
    Array.isArray(ports) ? ports : []
  );
  const rule = rules.filter(isDict).find(({ port, protocol }) => port === goal.port && protocol === goal.protocol);
  const seen = memberText(state ?? {}, "error_message") || memberText(rule ?? {}, "reservation_error");
  const what = `Port ${goal.port} of ${goal.app} is not ${goal.isOpen ? "open" : "closed"} after ${goal.seconds} s`;
  return seen === "" ? what : `${what}: ${seen}`;
}

function hasPort({ status }: Dict, { reservedRemotePort }: Goal): boolean {
  return reservedRemotePort === 0 || (isDict(status) && status.remotePort === reservedRemotePort);
}

/** Where people reach the tunnel: at the Studio's own server, which has no certificate, or where the device says. */
function addressOf(state: Dict, { protocol, tunnels }: Goal): string {
  const status = isDict(state.status) ? state.status : {};
  if (tunnels === undefined) return memberText(state, "url");
  const { domain, httpPort, httpsPort } = tunnels;
  if (protocol === "tcp" || protocol === "udp") return `${protocol}://${domain}:${status.remotePort}`;
  const subdomain = memberText(status, "name").slice(0, -`-${protocol}`.length);
  return `${protocol}://${subdomain}.${domain}:${protocol === "https" ? httpsPort : httpPort}/`;
}
