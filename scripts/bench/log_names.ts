/** What the programs that measure the log path call things. */

/** The followed container, and its channel. */
export const channel = "prod_42_bench";

/** The device. */
export const serialNumber = "SN-1";
