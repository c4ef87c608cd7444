/** Recognises the platform of an executable by its first bytes. Pure. */

const elfMachines: Readonly<Record<number, string>> = { 0x3e: "linux/amd64", 0xb7: "linux/arm64" };
const machTypes: Readonly<Record<number, string>> = { 0x0100_0007: "darwin/amd64", 0x0100_000c: "darwin/arm64" };

/** How many bytes at the start of a file `platformOf` needs. */
export const headBytes = 4_096;

/** The platform as `targets` names it; undefined for anything but an executable for a known platform. */
export function platformOf(head: Uint8Array): string | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 64) return undefined;
  // ELF, 64 bits, little-endian.
  if (view.getUint32(0) === 0x7f45_4c46) {
    return head[4] === 2 && head[5] === 1 ? elfMachines[view.getUint16(18, true)] : undefined;
  }
  if (view.getUint32(0, true) === 0xfeed_facf) return machTypes[view.getUint32(4, true)];
  return isWindowsAmd64(view) ? "windows/amd64" : undefined;
}

function isWindowsAmd64(view: DataView): boolean {
  if (view.getUint16(0) !== 0x4d5a) return false;
  const at = view.getUint32(0x3c, true);
  return at + 6 <= view.byteLength && view.getUint32(at) === 0x5045_0000 && view.getUint16(at + 4, true) === 0x8664;
}
