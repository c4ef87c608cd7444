/** Decides whether an image fits on the disk before anything is pulled. Pure. */

/** The sizes to compare, in bytes; undefined when unknown. */
export interface PullSizes {
  neededBytes: number | undefined;
  freeBytes: number | undefined;
  /** Must still be free after the pull. */
  reserveBytes: number;
}

/** Whether the image fits. An unknown size is no reason to refuse it. */
export type PullSpace = { kind: "fits" } | { kind: "noSpace"; neededBytes: number; freeBytes: number };

/**
 * Bytes on the disk per byte of a download. An estimate: the engine keeps the packed layer until it is unpacked, and
 * the unpacked layer is larger.
 */
export const diskPerDownloadByte = 2.2;

/** The disk space that a download of this size needs. */
export function neededBytesFor(downloadBytes: number): number {
  return Math.ceil(downloadBytes * diskPerDownloadByte);
}

/** Compares the space that is needed with the space that is free. */
export function judgePullSpace({ neededBytes, freeBytes, reserveBytes }: PullSizes): PullSpace {
  if (neededBytes === undefined || freeBytes === undefined) return { kind: "fits" };
  // An image that the engine has already fits on any disk.
  if (neededBytes === 0 || freeBytes - neededBytes >= reserveBytes) return { kind: "fits" };
  return { kind: "noSpace", neededBytes, freeBytes };
}

/** Why the image was refused, as shown to users. */
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
