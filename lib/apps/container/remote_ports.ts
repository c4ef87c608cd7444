/** Remote ports of an app, as its variables and files. Pure. */

import type { PortRule } from "../../model/app.ts";
import { isReservedName, isVariableName, type Variable } from "./variable.ts";

/** Remote ports of open tunnels, 0 without one; by protocol and declared port, as in `tcp:502`. */
export type RemotePorts = ReadonlyMap<`${PortRule["protocol"]}:${number}`, number>;

/** The names under which an app finds the remote port of a rule. Those of its cloud port have `_CLOUD` appended. */
export function remotePortNames(rule: PortRule): string[] {
  const name = `REMOTE_PORT_FOR_${rule.port}`;
  return rule.remotePortEnvironment === "" ? [name] : [name, rule.remotePortEnvironment];
}

/** The variables that an app is started with: remote ports of open tunnels, and the cloud ports of its rules. */
export function remotePortVariables(rules: readonly PortRule[], remotePorts: RemotePorts | undefined): Variable[] {
  return rules.flatMap((rule) => {
    const remotePort = remotePorts?.get(`${rule.protocol}:${rule.port}`);
    return remotePortNames(rule).flatMap((name) => [
      ...(remotePort === undefined ? [] : [variable(name, remotePort)]),
      ...(rule.cloudRemotePort > 0 ? [variable(`${name}_CLOUD`, rule.cloudRemotePort)] : []),
    ]);
  });
}

/** The files to write while an app runs, and the names of those to remove. A remote port that is unknown stays. */
export function remotePortFiles(rules: readonly PortRule[]): { written: Variable[]; gone: Set<string> } {
  const ports = new Map<string, number>();
  const gone = new Set<string>();
  const put = (name: string, port: number) => {
    if (isVariableName(name) && !isReservedName(name)) ports.set(name, port);
  };
  for (const rule of rules) {
    for (const name of remotePortNames(rule)) {
      if (rule.remotePort > 0) put(name, rule.remotePort);
      if (rule.cloudRemotePort > 0) put(`${name}_CLOUD`, rule.cloudRemotePort);
      else if (isVariableName(`${name}_CLOUD`)) gone.add(`${name}_CLOUD`);
    }
  }
  // Two rules may share a name; the one with a port wins.
  for (const name of ports.keys()) gone.delete(name);
  return { written: [...ports].map(([name, port]) => variable(name, port)), gone };
}

/**
 * The names of variables that change while the app runs, without `_CLOUD`: `remotePortFiles()` is in charge of them.
 */
export function livePortNames(rules: readonly PortRule[]): Set<string> {
  return new Set(rules.flatMap(remotePortNames).filter((name) => !isReservedName(name)));
}

function variable(name: string, port: number): Variable {
  return { name, value: `${port}` };
}
