/** Reads the logins of additional registries, as Studio sends them. Pure. */

import type { RegistryLogin } from "../../model/app.ts";
import { byRegistryHost } from "../../model/registry_host.ts";
import { type Dict, isDict } from "../../base/json.ts";

/** The logins by the hosts of their registries; undefined when one of them is no login. */
export function readLogins(wire: Dict): Record<string, RegistryLogin> | undefined {
  const logins: [host: string, login: RegistryLogin][] = [];
  for (const [host, login] of Object.entries(wire)) {
    const { username, password } = isDict(login) ? login : {};
    if (typeof username !== "string" || typeof password !== "string") return undefined;
    logins.push([host, { username, password }]);
  }
  return byRegistryHost(logins);
}
