/** Judges the free space of the engine's disk. An emergency ends only when there is enough space again. Pure. */

/** Limits of free space, in bytes. */
export interface DiskThresholds {
  /** Below it the disk is cleaned up; at or above it an emergency is over. */
  lowBytes: number;
  /** Below it nothing more may be written. */
  emergencyBytes: number;
}

/** 3 GiB and 1 GiB. */
export const defaultThresholds: DiskThresholds = { lowBytes: 3 * 1024 ** 3, emergencyBytes: 1024 ** 3 };

/** What follows from the free space. */
export interface DiskCondition {
  /** The disk is too full to work, or was and is still low. */
  isEmergency: boolean;
  /** The disk should be cleaned up. */
  isLow: boolean;
  /** The disk is too full right now. */
  isCritical: boolean;
}

/** Judges `freeBytes`. Space that cannot be read counts as plenty, because that must not lock a device for good. */
export function judgeDisk(
  freeBytes: number | undefined,
  options: { wasEmergency: boolean; thresholds?: DiskThresholds },
): DiskCondition {
  const { wasEmergency, thresholds = defaultThresholds } = options;
  const isLow = freeBytes !== undefined && freeBytes < thresholds.lowBytes;
  const isCritical = freeBytes !== undefined && freeBytes < thresholds.emergencyBytes;
  return { isEmergency: isCritical || (wasEmergency && isLow), isLow, isCritical };
}
