/** Runs the tunnel client and looks after it: for ever, one at a time, and known to work or not. */

import type { Clock } from "../async/clock.ts";
import { AgentError, hasCode, isCanceled, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { existsSync } from "../files/exists.ts";
import { readClientStatus, reloadClient } from "./admin_api.ts";
import { chooseAdminPort } from "./admin_port.ts";
import {
  type AdminAccess,
  formatClientConfig,
  type ServerAddress,
  serverAddress,
  tunnelProof,
  type TunnelProxySettings,
  type TunnelSite,
} from "./client_config.ts";
import { canBindToParent, type ClientEnd, ClientProcess, endLeftClients } from "./client_process.ts";
import { ensureClientProgram } from "./client_program.ts";
import { probeServer } from "./probe.ts";
import type { ProxySet } from "./proxy_set.ts";
import { clientWaitMs, soundRunMs } from "./restart_wait.ts";
import type { ProxyStatus } from "./tunnel_status.ts";

/**
 * Whether tunnels work: `starting` while a client comes up, or has yet to reach the server; `available` once the server
 * can be reached; `unavailable` when there is no client, or no way to the server.
 */
export type Capability = "unknown" | "starting" | "available" | "unavailable";

/** What looking after the client needs. */
export interface TunnelClientDeps {
  proxySet: ProxySet;
  site(): TunnelSite;
  proxies: TunnelProxySettings;
  paths: { agentDir: string; program: string; configFile: string; logFile: string };
  /** Folders in which the packed program may be, each with a slash at its end. */
  sources: readonly URL[];
  hideSecret(text: string): void;
  /** Tunnels work, or have stopped to. */
  onChange(): void;
  clock: Clock;
  random(): number;
  log: Log;
}

/** A client that has come up. */
interface RunningClient {
  process: ClientProcess;
  access: AdminAccess;
  server: ServerAddress;
}

/** How long a client may take to answer, and then to find its server. */
export const clientUpMs = 30_000;
const firstLookMs = 40;
const nextLookMs = 150;

/** While the server cannot be reached, and a device waits for it. */
const earlyProbeMs = 2_000;
const calmProbeMs = 60_000;
const awayProbeMs = 15_000;

/** So many statuses in a row that do not come in time mean that the client hangs. */
const silenceLimit = 3;

/** The client, whether it runs or not. */
export class TunnelClient {
  readonly #deps: TunnelClientDeps;
  #capability: Capability = "unknown";
  #running: RunningClient | undefined;
  #process: ClientProcess | undefined;
  #isProgramSure = false;
  #isBound: boolean | undefined;
  #failedPort = 0;
  #silences = 0;

  constructor(deps: TunnelClientDeps) {
    this.#deps = deps;
  }

  get capability(): Capability {
    return this.#capability;
  }

  /** Starts clients, one after the other, until `signal` is aborted; then the last one is gone. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#deps;
    let failedStarts = 0;
    let quickEnds = 0;
    while (!signal.aborted) {
      const startedMs = clock.now();
      try {
        const end = await this.#runOnce(signal);
        failedStarts = 0;
        quickEnds = clock.now() - startedMs >= soundRunMs ? 1 : quickEnds + 1;
        if (!signal.aborted) log.warn("The tunnel client has ended and is started again", { ...end });
      } catch (error) {
        if (signal.aborted) break;
        failedStarts += 1;
        this.#change("unavailable");
        // Later attempts are five minutes apart, and there may be thousands.
        const level = failedStarts <= 6 || failedStarts % 12 === 0 ? "warn" : "debug";
        log[level]("Cannot start the tunnel client", { error: textOf(error), attempt: failedStarts });
      }
      await clock.sleep(clientWaitMs({ failedStarts, quickEnds }, random()), signal).catch(() => {
        // The end of the agent ends the wait, too.
      });
    }
  }

  /** See `Tunnels.readStatus()`. */
  async readStatus(signal: AbortSignal): Promise<ProxyStatus[]> {
    const running = this.#running;
    if (running === undefined || this.#capability !== "available") return [];
    try {
      const statuses = await readClientStatus({ ...running.access, serverHost: running.server.host }, signal);
      this.#silences = 0;
      return statuses;
    } catch (error) {
      if (hasCode(error, "call_failed") || isCanceled(error)) throw error;
      this.#silences = hasCode(error, "timeout") ? this.#silences + 1 : silenceLimit;
      if (this.#silences >= silenceLimit) this.#replace(running, "it does not answer");
      return [];
    }
  }

  /** Runs one client to its end. Throws when it does not come up. */
  async #runOnce(signal: AbortSignal): Promise<ClientEnd> {
    const { proxySet, log } = this.#deps;
    if (this.#capability !== "unavailable") this.#change("starting");
    await this.#prepare(signal);
    const { access, server } = await this.#configure(signal);
    const process = this.#start();
    try {
      const killed = await this.#untilUp(process, { access, server }, signal);
      if (killed !== undefined) return killed;
      this.#failedPort = 0;
      this.#silences = 0;
      const running: RunningClient = { process, access, server };
      this.#running = running;
      await proxySet.attach({
        reload: () => reloadClient(access, signal),
        onLost: () => this.#replace(running, "it does not load its configuration again"),
      }, signal);
      log.info("The tunnel client runs", { pid: process.pid, server: server.host, port: server.port });
      if (this.#capability === "unavailable") this.#change("starting");
      return await this.#watch(running, signal);
    } catch (error) {
      this.#failedPort = access.port;
      this.#isProgramSure = false;
      throw error;
    } finally {
      this.#running = undefined;
      proxySet.detach();
      await process.kill();
      this.#process = undefined;
      if (this.#capability === "available") this.#change("starting");
    }
  }

  /** What comes before the first client, and again after one that has not come up. */
  async #prepare(signal: AbortSignal): Promise<void> {
    const { paths, sources, clock, log } = this.#deps;
    if (this.#isBound === undefined) {
      const left = await endLeftClients(paths.configFile, clock, signal);
      if (left > 0) log.info("Ended tunnel clients that an earlier run of the agent has left", { count: left });
      this.#isBound = await canBindToParent(signal);
    }
    if (this.#isProgramSure && existsSync(paths.program)) return;
    await ensureClientProgram({ program: paths.program, sources, log }, signal);
    this.#isProgramSure = true;
  }

  async #configure(signal: AbortSignal): Promise<{ access: AdminAccess; server: ServerAddress }> {
    const { proxySet, site, proxies, paths: { logFile }, hideSecret, log } = this.#deps;
    const server = serverAddress(site(), proxies);
    if (server.proxy !== undefined && server.protocol === "tcp") {
      log.warn("Tunnels go through the proxy of http_proxy", { host: server.proxy.host });
    }
    const access: AdminAccess = {
      port: chooseAdminPort({ avoid: this.#failedPort }),
      user: "reagent",
      password: crypto.randomUUID(),
    };
    const proof = tunnelProof(site());
    hideSecret(access.password);
    if (proof !== undefined) hideSecret(proof);
    await proxySet.prepare(
      (wanted) => formatClientConfig({ server, proof, admin: access, logFile, proxies: wanted }),
      signal,
    );
    return { access, server };
  }

  #start(): ClientProcess {
    const { paths, clock, log } = this.#deps;
    this.#process = ClientProcess.start({
      program: paths.program,
      configFile: paths.configFile,
      folder: paths.agentDir,
      isBound: this.#isBound === true,
      clock,
      log,
    });
    return this.#process;
  }

  /**
   * Until it answers with its own password: another program may hold the port. Returns the end of a client that was
   * killed before, which says nothing about the next one. Throws `start_failed`.
   */
  async #untilUp(
    process: ClientProcess,
    { access, server }: { access: AdminAccess; server: ServerAddress },
    signal: AbortSignal,
  ): Promise<ClientEnd | undefined> {
    const { clock } = this.#deps;
    let end: ClientEnd | undefined;
    void process.ended.then((ended) => end = ended);
    const untilMs = clock.now() + clientUpMs;
    for (let waitMs = firstLookMs; clock.now() < untilMs; waitMs = nextLookMs) {
      await clock.sleep(waitMs, signal);
      if (end?.isKilled) return end;
      if (end !== undefined) {
        const said = end.lastLine === "" ? "" : `: ${end.lastLine}`;
        throw new AgentError("start_failed", `The tunnel client ended with code ${end.code}${said}`);
      }
      try {
        await readClientStatus({ ...access, serverHost: server.host }, signal);
        return undefined;
      } catch (error) {
        if (signal.aborted) throw error;
      }
    }
    throw new AgentError("start_failed", `The tunnel client does not answer on port ${access.port}`);
  }

  /** Until the client has ended, keeps finding out whether the server can be reached. */
  async #watch(running: RunningClient, signal: AbortSignal): Promise<ClientEnd> {
    const life = new AbortController();
    const probing = this.#probe(running.server, AbortSignal.any([life.signal, signal]));
    const { promise: aborted, resolve } = Promise.withResolvers<ClientEnd>();
    const onAbort = () => resolve({ code: 0, isKilled: true, lastLine: "" });
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([running.process.ended, aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      life.abort();
      await probing;
    }
  }

  /** Never throws. */
  async #probe(server: ServerAddress, signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#deps;
    const untilMs = clock.now() + clientUpMs;
    try {
      for (;;) {
        const isThere = await probeServer(server, signal);
        const isEarly = !isThere && this.#capability !== "unavailable" && clock.now() < untilMs &&
          this.#capability !== "available";
        if (isThere) this.#change("available");
        else if (!isEarly && this.#capability !== "unavailable") {
          log.warn("The tunnel server cannot be reached", { server: server.host, port: server.port });
          this.#change("unavailable");
        }
        const waitMs = isThere ? calmProbeMs : isEarly ? earlyProbeMs : awayProbeMs;
        await clock.sleep(waitMs * (0.9 + 0.2 * random()), signal);
      }
    } catch (error) {
      if (!isCanceled(error)) log.warn("Cannot look for the tunnel server", { error: textOf(error) });
    }
  }

  #replace({ process }: RunningClient, why: string): void {
    // It may have been replaced already.
    if (this.#process !== process) return;
    this.#deps.log.warn("The tunnel client is replaced", { why });
    void process.kill();
  }

  #change(capability: Capability): void {
    if (this.#capability === capability) return;
    this.#capability = capability;
    if (capability === "starting") return;
    this.#deps.log.info("Tunnels", { capability });
    this.#deps.onChange();
  }
}
