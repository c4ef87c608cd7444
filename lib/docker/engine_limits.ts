/** How long calls to the engine may take that need another limit than most. */

/** Limits in milliseconds that differ from the 30 s for every other call. */
export interface EngineLimits {
  pingMs: number;
  availableMs: number;
  dataRootMs: number;
  loginMs: number;
  pruneMs: number;
  /** A pull without a byte for this long has failed. */
  pullStallMs: number;
}

/** The limits of the agent. */
export const defaultLimits: EngineLimits = {
  pingMs: 5_000,
  availableMs: 3_000,
  dataRootMs: 10_000,
  loginMs: 10_000,
  pruneMs: 300_000,
  pullStallMs: 300_000,
};
