/** Port rules for tests. */

import type { PortRule } from "../../../lib/model/app.ts";

/** An active rule for tcp that is published on a port of the host, with what `change` says. */
export function portRule(change: Partial<PortRule> = {}): PortRule {
  return {
    ...{ main: false, name: "", active: true, public: false, port: 1883, protocol: "tcp", localIp: "" },
    ...{ remotePortEnvironment: "", remotePort: 0, hostPort: 40_008, cloudRemotePort: 0 },
    ...{ reservedHostPort: 0, reservedRemotePort: 0, reservationError: "", extra: {} },
    ...change,
  };
}
