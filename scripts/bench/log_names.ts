/** Names and logins that the programs which measure the log path share. */

/** The name of the followed container and of its channel. */
export const channel = "prod_42_bench";

/** The serial number of the device. */
export const serialNumber = "SN-1";

/** The agent's login at the router. */
export const agentUser = { authid: "12-345", secret: "s" };

/** Studio's login at the router. */
export const studioUser = { authid: "system", secret: "s" };
