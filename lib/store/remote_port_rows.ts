/**
 * Ports of the tunnel server that Studio has granted to apps (table `ReagentRemotePorts`), so that an app keeps its
 * address when the agent starts again, whatever Studio has heard of it.
 */

import type { AppId } from "../model/app.ts";
import { AgentError } from "../base/errors.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database, Row } from "./database.ts";

/** A declared port, and the port of the tunnel server that it has. */
export interface StoredRemotePort {
  protocol: "tcp" | "udp";
  port: number;
  remotePort: number;
}

/** The remote ports of an app. Rows that cannot be read are skipped with a warning. Throws `store_failed`. */
export function readRemotePorts(database: Database, id: AppId): StoredRemotePort[] {
  const rows = database.all(
    "SELECT rowid AS id, * FROM ReagentRemotePorts WHERE app_key = ? AND stage = ? ORDER BY protocol, port",
    ...[id.appKey, id.stage],
  );
  return decodeRows(rows, { decode: decodeRemotePort, log: database.log });
}

/** Makes `ports` the remote ports of an app, in place of those that it has. Throws `store_failed`. */
export function writeRemotePorts(
  database: Database,
  { id, ports }: { id: AppId; ports: readonly StoredRemotePort[] },
): void {
  database.transaction(() => {
    database.run("DELETE FROM ReagentRemotePorts WHERE app_key = ? AND stage = ?", id.appKey, id.stage);
    for (const { protocol, port, remotePort } of ports) {
      database.run(
        "INSERT INTO ReagentRemotePorts (app_key, stage, protocol, port, remote_port) VALUES (?, ?, ?, ?, ?)",
        ...[id.appKey, id.stage, protocol, port, remotePort],
      );
    }
  });
}

function decodeRemotePort(row: Row): StoredRemotePort {
  const columns = new Columns("ReagentRemotePorts", row);
  const protocol = columns.text("protocol");
  if (protocol !== "tcp" && protocol !== "udp") {
    throw new AgentError("bad_request", "Cannot read ReagentRemotePorts.protocol: it must be tcp or udp");
  }
  return { protocol, port: columns.count("port"), remotePort: columns.count("remote_port") };
}
