/** The ports of the tunnel server that apps have been granted: stored, so that they outlast the agent. */

import { hasCode } from "../base/errors.ts";
import type { Backend } from "../backend/backend.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { AppId, PortRule } from "../model/app.ts";
import type { Database } from "../store/database.ts";
import { readRemotePorts, type StoredRemotePort, writeRemotePorts } from "../store/remote_port_rows.ts";
import { reservedRemotePort } from "./tunnel_plan.ts";

/** What the ports are read from, and asked of. */
export interface GrantedPortsDeps {
  backend: Pick<Backend, "exposePort">;
  database: Database;
  log: Log;
}

/** The ports of all apps. */
export class GrantedPorts {
  readonly #deps: GrantedPortsDeps;

  constructor(deps: GrantedPortsDeps) {
    this.#deps = deps;
  }

  /** Those of an app; none when they cannot be read. */
  of(id: AppId): StoredRemotePort[] {
    try {
      return readRemotePorts(this.#deps.database, id);
    } catch (error) {
      this.#deps.log.warn("Cannot read the remote ports of an app", { ...id, error: textOf(error) });
      return [];
    }
  }

  /**
   * Asks Studio for the port of a tunnel, by preference `remotePort`. Without a connection the port that the app was
   * granted before is as good. Throws what the call threw.
   */
  async ask(rule: PortRule, options: { remotePort: number; granted: readonly StoredRemotePort[] }): Promise<number> {
    const { protocol } = rule;
    if (protocol !== "tcp" && protocol !== "udp") return 0;
    const { remotePort, granted } = options;
    try {
      const isReserved = reservedRemotePort(rule) > 0;
      return await this.#deps.backend.exposePort({ port: remotePort, protocol, isReserved });
    } catch (error) {
      const isGranted = granted.some((one) => one.protocol === protocol && one.remotePort === remotePort);
      if (hasCode(error, "not_connected") && isGranted) return remotePort;
      throw error;
    }
  }

  /** Stores the ports of an app; those that no rule names any more are forgotten. Never throws. */
  store(
    id: AppId,
    { rules, before, now }: {
      rules: readonly PortRule[];
      before: readonly StoredRemotePort[];
      now: readonly StoredRemotePort[];
    },
  ): void {
    const keyOf = ({ protocol, port }: { protocol: string; port: number }) => `${protocol}:${port}`;
    const used = new Set(rules.map(keyOf));
    const merged = new Map([...before, ...now].map((one) => [keyOf(one), one]));
    const ports = [...merged.values()].filter((one) => used.has(keyOf(one)));
    const isSame = ports.length === before.length && ports.every((one, index) => {
      const old = before[index];
      return old !== undefined && keyOf(old) === keyOf(one) && old.remotePort === one.remotePort;
    });
    if (isSame) return;
    try {
      writeRemotePorts(this.#deps.database, { id, ports });
    } catch (error) {
      // Studio learns of them, too, and sends them with its next request.
      this.#deps.log.warn("Cannot store the remote ports of an app", { ...id, error: textOf(error) });
    }
  }
}
