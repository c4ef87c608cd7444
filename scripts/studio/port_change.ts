/** Switches the tunnel of a port on and off in the rules of an app. Pure. */

import type { Dict } from "../../lib/base/json.ts";

/** What becomes of the tunnel of a port. */
export interface PortChange {
  port: number;
  protocol: string;
  isOpen: boolean;
  /** The port of the tunnel server that it is to have, and no other; 0 for any. Absent: as before. */
  reservedRemotePort?: number;
  /** The machine that it leads to; empty for the device itself. Absent: as before. */
  localIp?: string;
}

/** The rules with the change. A rule that is not there is added if it is to be open. */
export function changePort(rules: readonly Dict[], change: PortChange): Dict[] {
  const { port, protocol, isOpen, reservedRemotePort, localIp } = change;
  const changed = {
    ...{ port, protocol, active: isOpen },
    ...(reservedRemotePort === undefined ? {} : { reserved_remote_port: reservedRemotePort }),
    ...(localIp === undefined ? {} : { local_ip: localIp }),
  };
  const isSame = (rule: Dict) => rule.port === port && (rule.protocol ?? "http") === protocol;
  if (rules.some(isSame)) return rules.map((rule) => isSame(rule) ? { ...rule, ...changed } : rule);
  return isOpen ? [...rules, changed] : [...rules];
}
