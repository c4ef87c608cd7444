/** Compares what an image says it is for with the machine. Pure. */

import type { EnginePlatform } from "../../docker/decode.ts";

/** Names that builders write for the architectures that engines know under another one. */
const architectureNames: Readonly<Record<string, string>> = {
  ...{ x86_64: "amd64", "x86-64": "amd64", x64: "amd64" },
  ...{ i386: "386", i486: "386", i586: "386", i686: "386", x86: "386" },
  ...{ aarch64: "arm64", armv8: "arm64", armhf: "arm", armel: "arm", armv7l: "arm", armv6l: "arm" },
};

/**
 * A sentence when an image is marked for another platform than the device's; undefined when it fits, or says nothing.
 * It is no reason to refuse the image: marks are often wrong, machines run programs of older ones, and emulators exist.
 * Whether it runs shows at its start.
 */
export function platformWarning(image: EnginePlatform, device: EnginePlatform): string | undefined {
  const hasOs = image.os === "" || lowerName(image.os) === lowerName(device.os);
  const hasArchitecture = image.architecture === "" ||
    plainArchitecture(image.architecture) === plainArchitecture(device.architecture);
  if (hasOs && hasArchitecture) return undefined;
  return `The image is marked for ${image.os}/${image.architecture}, this device is ${device.os}/${device.architecture}`;
}

/** The variant, as in `arm/v7`, does not count. */
function plainArchitecture(text: string): string {
  const [name = ""] = lowerName(text).split("/");
  return architectureNames[name] ?? name;
}

function lowerName(text: string): string {
  return text.trim().toLowerCase();
}
