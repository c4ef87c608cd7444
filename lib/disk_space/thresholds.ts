/** Judges the free space of the engine's disk, with hysteresis: an emergency ends only when there is room again. Pure. */

/** Where the bands begin, in bytes. */
export interface DiskThresholds {
  /** Below it the disk is cleaned up; from here on an emergency is over. */
  lowBytes: number;
  /** Below it nothing more may be written. */
  emergencyBytes: number;
}

/** 3 GiB and 1 GiB. */
export const usualThresholds: DiskThresholds = { lowBytes: 3 * 1024 ** 3, emergencyBytes: 1024 ** 3 };

/** What follows from the free space. */
export interface DiskBand {
  /** The disk is too full to work, or has been and is still low. */
  isEmergency: boolean;
  /** Something should be cleaned up. */
  isLow: boolean;
  /** The disk is too full at this moment. */
  isCritical: boolean;
}

/** Judges `freeBytes`. Free space that cannot be read counts as plenty: no device may be locked for good by that. */
export function judgeDisk(
  freeBytes: number | undefined,
  options: { wasEmergency: boolean; thresholds?: DiskThresholds },
): DiskBand {
  const { wasEmergency, thresholds = usualThresholds } = options;
  const isLow = freeBytes !== undefined && freeBytes < thresholds.lowBytes;
  const isCritical = freeBytes !== undefined && freeBytes < thresholds.emergencyBytes;
  return { isEmergency: isCritical || (wasEmergency && isLow), isLow, isCritical };
}
