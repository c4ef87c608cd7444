/** The port rules in the stored requests of all apps, without the rest of the requests. */

import type { AppId, PortRule } from "../model/app.ts";
import { silentLog } from "../base/log.ts";
import { decodePortRules } from "../model/port_rule.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database, Row } from "./database.ts";

/** The rules of an app. */
export interface AppPortRules {
  id: AppId;
  rules: PortRule[];
}

/**
 * The port rules of all apps, or of those that reserve a host port. Rows that cannot be read are left out; those who
 * read whole requests warn of them. Throws `store_failed`.
 */
export function readPortRules(database: Database, { onlyReserved }: { onlyReserved: boolean }): AppPortRules[] {
  // Members without a value are not stored, so the name tells without parsing. Older agents wrote bytes.
  const condition = onlyReserved ? `CAST(ports AS TEXT) LIKE '%"reserved_host_port"%'` : "ports IS NOT NULL";
  const rows = database.all(`SELECT app_key, stage, ports FROM RequestedAppStates WHERE ${condition} ORDER BY id`);
  return decodeRows(rows, { decode: decodeRow, log: silentLog });
}

function decodeRow(row: Row): AppPortRules {
  const columns = new Columns("RequestedAppStates", row);
  const { rules } = decodePortRules(columns.json("ports"));
  return { id: { appKey: columns.count("app_key"), stage: columns.stage("stage") }, rules };
}
