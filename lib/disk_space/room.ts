/** Decides whether a new image fits on the disk before anything is touched. Pure. */

/** What there is, and what is needed, in bytes. What is not known is undefined. */
export interface RoomQuestion {
  neededBytes: number | undefined;
  freeBytes: number | undefined;
  /** Must still be free afterwards. */
  reserveBytes: number;
}

/** Whether it fits. Nothing is refused for want of a figure. */
export type PullSpace = { kind: "fits" } | { kind: "noSpace"; neededBytes: number; freeBytes: number };

/**
 * Bytes on the disk per byte of a download. An estimate: the engine keeps a layer as it came until it is unpacked, and unpacked it is
 * larger than packed.
 */
export const diskPerDownloadByte = 2.2;

/** The bytes that the disk needs to take in a download of this size. */
export function neededBytesFor(downloadBytes: number): number {
  return Math.ceil(downloadBytes * diskPerDownloadByte);
}

/** Compares what is needed with what is free. */
export function roomFor({ neededBytes, freeBytes, reserveBytes }: RoomQuestion): PullSpace {
  if (neededBytes === undefined || freeBytes === undefined) return { kind: "fits" };
  // Nothing to take in fits on any disk.
  if (neededBytes === 0 || freeBytes - neededBytes >= reserveBytes) return { kind: "fits" };
  return { kind: "noSpace", neededBytes, freeBytes };
}

/** The refusal as people read it. */
export function noSpaceText({ neededBytes, freeBytes }: { neededBytes: number; freeBytes: number }): string {
  return `there is not enough room on the disk: about ${sizeText(neededBytes)} are needed, ${
    sizeText(freeBytes)
  } are free`;
}

/** `1181116006 bytes (1.1 GiB)`. */
function sizeText(bytes: number): string {
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let size = bytes / 1024;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit += 1) size /= 1024;
  return `${bytes} bytes (${size.toFixed(1)} ${units[unit]})`;
}
