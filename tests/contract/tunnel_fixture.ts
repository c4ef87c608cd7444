/** Tunnels of a device in a box, with the real client and a real server. */

import assert from "node:assert/strict";
import { systemClock } from "../../lib/async/clock.ts";
import type { Log, LogFields } from "../../lib/base/log.ts";
import type { TunnelSite } from "../../lib/tunnels/client_config.ts";
import { type TunnelProtocol, type TunnelProxy, tunnelProxy } from "../../lib/tunnels/tunnel_proxy.ts";
import type { TunnelState } from "../../lib/tunnels/tunnel_status.ts";
import { createTunnels, type Tunnels } from "../../lib/tunnels/tunnels.ts";
import { runProgram } from "../../scripts/programs.ts";
import { frpsDomain, frpsPorts } from "../../scripts/testbed/frps.ts";
import { partsFolder } from "../../scripts/testbed/setup/folder.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";

/** A device on the machine of its server. */
export const site: TunnelSite = {
  secret: "s3cret-demo",
  deviceKey: 512,
  applianceDomain: "",
  environment: "local",
  endpointUrl: "ws://127.0.0.1:8080/ws",
};

/** Never aborted. */
export const never: AbortSignal = new AbortController().signal;

/** A device whose tunnels were started. */
export class TunnelFixture implements AsyncDisposable {
  readonly folder: string;
  readonly tunnels: Tunnels;
  readonly published: TunnelState[][] = [];
  readonly lines: string[] = [];
  readonly hidden: string[] = [];

  private constructor(
    folder: string,
    { environment, site }: { environment: Record<string, string>; site: TunnelSite },
  ) {
    this.folder = folder;
    this.tunnels = createTunnels({
      site: () => site,
      paths: pathsIn(folder),
      sources: [],
      environment: { get: (name) => environment[name] },
      os: "linux",
      publish: (states) => Promise.resolve(void this.published.push([...states])),
      hideSecret: (text) => void this.hidden.push(text),
      clock: systemClock,
      random: Math.random,
      log: logTo(this.lines),
    });
  }

  /** Starts tunnels in a folder of their own. */
  static async start(
    options: {
      environment?: Record<string, string>;
      site?: Partial<TunnelSite>;
      before?(folder: string): Promise<void>;
    } = {},
  ): Promise<TunnelFixture> {
    const folder = await Deno.makeTempDir({ prefix: "tunnels-" });
    await Deno.copyFile(partsFolder().frpc, `${folder}/frpc`);
    await options.before?.(folder);
    const fixture = new TunnelFixture(folder, {
      environment: options.environment ?? {},
      site: { ...site, ...options.site },
    });
    fixture.tunnels.start();
    return fixture;
  }

  get configFile(): string {
    return `${this.folder}/frpc.yaml`;
  }

  /** Opens a tunnel to a port of this machine. */
  async open(
    protocol: TunnelProtocol,
    localPort: number,
    { port = localPort, remotePort = 0 } = {},
  ): Promise<TunnelProxy> {
    const proxy = proxyTo(protocol, localPort, { port, remotePort });
    const result = await this.tunnels.change({ put: [proxy] }, never);
    assert.notEqual(result.kind, "refused", JSON.stringify(result));
    return proxy;
  }

  /** The state of a tunnel once it is active. */
  async untilActive({ name }: TunnelProxy, limitMs = 10_000): Promise<TunnelState> {
    try {
      return await pollUntil(`${name} is active`, async () => {
        return (await this.tunnels.readStates(never)).find(({ status, active }) => status.name === name && active);
      }, { limitMs });
    } catch (error) {
      throw new Error(`${error}\n${this.lines.join("\n")}\n${await this.readClientLog()}`, { cause: error });
    }
  }

  /** The process ids of the clients with this configuration. */
  async clients(): Promise<number[]> {
    return await clientsOf(this.configFile);
  }

  /** Kills the client as somebody else would. */
  async killClient(): Promise<void> {
    const [pid] = await pollUntil("there is a client", async () => {
      const found = await this.clients();
      return found.length > 0 ? found : undefined;
    });
    if (pid !== undefined) Deno.kill(pid, "SIGKILL");
  }

  async readClientLog(): Promise<string> {
    return (await Deno.readTextFile(`${this.folder}/frpc.log`).catch(() => "")).split("\n").slice(-20).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tunnels[Symbol.asyncDispose]();
    assert.deepEqual(await this.clients(), [], "no client is left");
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Where the files of tunnels in a folder are. */
export function pathsIn(folder: string): { agentDir: string; program: string; configFile: string; logFile: string } {
  return {
    agentDir: folder,
    program: `${folder}/frpc`,
    configFile: `${folder}/frpc.yaml`,
    logFile: `${folder}/frpc.log`,
  };
}

/** The proxy of the app `shop` for a port of this machine. */
export function proxyTo(
  protocol: TunnelProtocol,
  localPort: number,
  { port = localPort, remotePort = 0 } = {},
): TunnelProxy {
  return tunnelProxy({ deviceKey: site.deviceKey, appName: "shop", port, protocol }, {
    localIp: "",
    localPort,
    remotePort,
  });
}

/** The processes that run with a configuration. */
export async function clientsOf(configFile: string): Promise<number[]> {
  const { stdout } = await runProgram("ps", ["-ww", "-eo", "pid=,stat=,args="]);
  return stdout.split("\n").map((line) => line.trim().split(/\s+/)).filter(([, stat = "", ...args]) =>
    !stat.startsWith("Z") && args.join(" ").endsWith(`frpc -c ${configFile}`)
  ).map(([pid]) => Number(pid));
}

/** What a page of an `http` tunnel says. */
export async function readPage({ subdomain }: Pick<TunnelProxy, "subdomain">): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: frpsPorts.http });
  const head = `GET / HTTP/1.0\r\nHost: ${subdomain}.${frpsDomain}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  return await readAll(connection);
}

/** Everything until the other side closes the connection, or has said nothing for two seconds. */
export async function readAll(connection: Deno.Conn): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4_096);
  for (let text = "";;) {
    const size = await readOnce(connection, buffer);
    if (size === null) return text;
    text += decoder.decode(buffer.subarray(0, size), { stream: true });
  }
}

async function readOnce(connection: Deno.Conn, buffer: Uint8Array): Promise<number | null> {
  const { promise: silence, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), 2_000);
  try {
    return await Promise.race([connection.read(buffer), silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** A page of an app, on a port that the system chooses. */
export function servePage(text: string): AsyncDisposable & { port: number } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response(text));
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

function logTo(lines: string[]): Log {
  const write = (level: string) => (message: string, fields?: LogFields) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  };
  const [trace, debug, info, warn, error, fatal] = ["trace", "debug", "info", "warn", "error", "fatal"].map(write);
  if (!trace || !debug || !info || !warn || !error || !fatal) throw new Error("There are six levels");
  return { trace, debug, info, warn, error, fatal };
}
