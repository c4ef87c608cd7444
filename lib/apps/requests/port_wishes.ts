/** What requests say of ports. Pure. */

import type { PortRule } from "../../model/app.ts";

/** Whether somebody wants something else than before; what the agent itself has found out does not count. */
export function haveOtherWishes(rules: readonly PortRule[], before: readonly PortRule[]): boolean {
  return JSON.stringify(rules.map(portWish)) !== JSON.stringify(before.map(portWish));
}

function portWish({ hostPort: _h, remotePort: _r, reservationError: _e, ...wish }: PortRule): unknown {
  return Object.entries(wish).sort(([a], [b]) => a < b ? -1 : 1);
}
