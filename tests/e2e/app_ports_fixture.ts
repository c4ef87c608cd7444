/** A device with an app that has tunnels, and the server of its tunnels. */

import assert from "node:assert/strict";
import { type Dict, isDict } from "../../lib/base/json.ts";
import { deviceUri } from "../../lib/backend/uris.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { Frps, frpsDomain } from "../../scripts/testbed/frps.ts";
import { partsFolder } from "../../scripts/testbed/setup/folder.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { readAll } from "../contract/tunnel_fixture.ts";
import { AgentFixture } from "./agent_fixture.ts";

/** A rule for the page of the app. */
export const web = { port: 8080, protocol: "http", active: true } as const;

/** A rule for the same port, without a name. */
export const mqtt = { port: 8080, protocol: "tcp", active: true } as const;

const serves = "mkdir -p /www && echo hello > /www/index.html && httpd -p 8080 -h /www";

/** The device runs the app `Shop`; nothing is requested for it. */
export class TunnelledDevice implements AsyncDisposable {
  readonly fixture: AgentFixture;
  readonly frps: Frps;
  readonly device: AddedDevice;
  readonly agent: AgentProcess;
  /** How many states were in each of the device's messages about its tunnels. */
  readonly told: number[] = [];
  readonly #agentDir: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    parts: Pick<TunnelledDevice, "fixture" | "frps" | "device" | "agent">,
    { agentDir, owned }: { agentDir: string; owned: AsyncDisposableStack },
  ) {
    this.fixture = parts.fixture;
    this.frps = parts.frps;
    this.device = parts.device;
    this.agent = parts.agent;
    this.#agentDir = agentDir;
    this.#owned = owned;
  }

  /** Starts everything, and waits until the device is connected. `agentDir` is a folder for the tunnel client. */
  static async start({ agentDir }: { agentDir?: string } = {}): Promise<TunnelledDevice> {
    await using stack = new AsyncDisposableStack();
    const fixture = stack.use(await AgentFixture.start());
    const frps = stack.use(await Frps.start());
    const device = fixture.addDevice();
    await fixture.publish("Shop", "1", { runs: serves });
    if (agentDir !== undefined) await Deno.copyFile(partsFolder().frpc, `${agentDir}/frpc`);
    const agent = stack.use(
      await fixture.startAgent(device, {
        ...(agentDir === undefined ? { files: { frpc: partsFolder().frpc } } : { args: ["-agentDir", agentDir] }),
      }),
    );
    await fixture.studio.waitForStatus(device, "CONNECTED");
    const world = new TunnelledDevice({ fixture, frps, device, agent }, {
      agentDir: agentDir ?? agent.folder,
      owned: stack.move(),
    });
    const topic = deviceUri(device.serial, "tunnel_state_update/onreload");
    await fixture.studio.backend.subscribe(topic, ({ args }) => void world.told.push(args.length));
    return world;
  }

  /** Requests that the app runs with these port rules. */
  async run(ports: readonly Dict[]): Promise<void> {
    await this.fixture.studio.request(this.device, "Shop", { target: "RUNNING", ports: [...ports] });
  }

  /** What the Studio stores of the ports. */
  rules(): Dict[] {
    return this.fixture.studio.apps(this.device).find(({ appName }) => appName === "Shop")?.ports ?? [];
  }

  /** `8080/http running`, sorted, as the device answers it. */
  async states(): Promise<string[]> {
    const { args: [states] } = await this.fixture.studio.call(this.device, "get_tunnel_state");
    assert.ok(Array.isArray(states));
    return states.filter(isDict).map(({ port, status }) => {
      return isDict(status) ? `${port}/${status.protocol} ${status.status}` : "";
    }).sort();
  }

  /** Waits until the tunnels are as in `states()`. */
  async untilStates(...wanted: string[]): Promise<void> {
    await this.#explain(() =>
      pollUntil(`the tunnels are ${wanted.join(", ") || "gone"}`, async () => {
        return JSON.stringify(await this.states()) === JSON.stringify(wanted) || undefined;
      }, { limitMs: 15_000 })
    );
  }

  /** Waits until the app answers through the tunnel server. */
  async untilOpen(port: number, { limitMs = 15_000 } = {}): Promise<void> {
    await this.#explain(() => pollUntil(`port ${port} is reached`, () => this.isOpen(port), { limitMs }));
  }

  /** True when the app answers through the tunnel server; undefined when it does not. */
  async isOpen(port: number): Promise<true | undefined> {
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      const host = `${this.device.deviceKey}-shop-8080.${frpsDomain}`;
      await connection.write(new TextEncoder().encode(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`));
      return (await readAll(connection)).includes("hello") || undefined;
    } catch {
      // Refused, or closed again.
      return undefined;
    }
  }

  /** The configuration of the tunnel client. */
  get configFile(): string {
    return `${this.#agentDir}/frpc.yaml`;
  }

  /** Its text. */
  async config(): Promise<string> {
    return await Deno.readTextFile(this.configFile);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }

  async #explain(wait: () => Promise<unknown>): Promise<void> {
    try {
      await wait();
    } catch (error) {
      const lines = (await this.agent.readLog()).filter(({ fields }) => fields.procedure !== "get_tunnel_state");
      const log = lines.slice(-25).map(({ message, fields }) => `${message} ${JSON.stringify(fields).slice(0, 300)}`);
      const seen = `${await this.states().catch(String)} ${JSON.stringify(this.rules())}`;
      throw new Error(`${error}\n${seen}\n${await this.config()}\n${log.join("\n")}`, { cause: error });
    }
  }
}
