/** Who the agents of a simulated fleet are. Pure. */

/** How one of them logs in at the router. */
export function fleetLogin(agent: number): { authid: string; secret: string } {
  return { authid: `7-${agent}`, secret: `secret-of-fleet-${agent}` };
}
