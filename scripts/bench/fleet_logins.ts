/** The logins of the agents of a simulated fleet. Pure. */

/** The login of one agent at the router. */
export function fleetLogin(agent: number): { authid: string; secret: string } {
  return { authid: `7-${agent}`, secret: `secret-of-fleet-${agent}` };
}
