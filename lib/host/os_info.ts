/**
 * One line about the operating system: name, distribution, version and kernel, as in `linux debian 12.5
 * 6.1.0-18-arm64`.
 */

import { mustRunCommand } from "./command.ts";
import { readSystemFile } from "./system_file.ts";

/** Returns the text of a file, or undefined when it cannot be read. */
export type ReadMarkerFile = (path: string) => string | undefined;

/** A distribution, or the product name on Windows, and its version; empty when unknown. */
interface OsRelease {
  platform: string;
  version: string;
}

const osQueryLimitMs = 10_000;

/** Reads the line. Never throws: when nothing else can be read, it is the name alone, such as `linux`. */
export async function readOsInfo(signal: AbortSignal): Promise<string> {
  const { os } = Deno.build;
  try {
    if (os === "linux") return osInfoLine(os, { ...linuxRelease(readSystemFile), kernel: Deno.osRelease() });
    if (os === "darwin") {
      const { stdout } = await mustRunCommand("sw_vers", ["-productVersion"], { signal, timeoutMs: osQueryLimitMs });
      return osInfoLine(os, { platform: os, version: stdout.trim(), kernel: Deno.osRelease() });
    }
    if (os === "windows") {
      const args = ["query", "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"];
      const { stdout } = await mustRunCommand("reg", args, { signal, timeoutMs: osQueryLimitMs });
      return osInfoLine(os, windowsRelease(stdout));
    }
  } catch {
    // The name alone is better than nothing.
  }
  return os;
}

/** Joins the parts with spaces, without empty ones and without a platform that repeats the name. Pure. */
export function osInfoLine(os: string, parts: OsRelease & { kernel: string }): string {
  const platform = parts.platform === os ? "" : parts.platform;
  return [os, platform, parts.version, parts.kernel].filter((part) => part !== "").join(" ");
}

/** Finds the distribution by the first marker file that exists. Pure but for `read`. */
export function linuxRelease(read: ReadMarkerFile): OsRelease {
  for (const [path, decide] of markers) {
    const text = read(path);
    if (text !== undefined) return decide(text, read);
  }
  return { platform: "", version: "" };
}

/** Parses the output of `reg query`. Pure. */
export function windowsRelease(output: string): OsRelease & { kernel: string } {
  const value = (name: string) => new RegExp(`^\\s+${name}\\s+REG_\\w+\\s+(.*?)\\s*$`, "m").exec(output)?.[1] ?? "";
  const build = value("CurrentBuildNumber");
  // Windows 11 still calls itself 10 in the registry.
  const product = Number(build) >= 22000 ? value("ProductName").replace("10", "11") : value("ProductName");
  const revision = `${build}.${Number(value("UBR"))}`;
  const major = `${Number(value("CurrentMajorVersionNumber"))}.${Number(value("CurrentMinorVersionNumber"))}`;
  return {
    platform: product.startsWith("Microsoft ") ? product : `Microsoft ${product}`,
    version: value("DisplayVersion"),
    kernel: `${major}.${revision} Build ${revision}`,
  };
}

// The order decides: many distributions have the marker file of the one they derive from.
const markers: [path: string, decide: (text: string, read: ReadMarkerFile) => OsRelease][] = [
  ["/etc/oracle-release", (text) => ({ platform: "oracle", version: releaseVersion(text) })],
  ["/etc/enterprise-release", (text) => ({ platform: "oracle", version: releaseVersion(text) })],
  ["/etc/slackware-version", (text) => ({
    platform: "slackware",
    version: text.trim().toLowerCase().replace("slackware ", ""),
  })],
  ["/etc/debian_version", debianRelease],
  ["/etc/redhat-release", redhatRelease],
  ["/etc/system-release", redhatRelease],
  ["/etc/gentoo-release", (text) => ({ platform: "gentoo", version: releaseVersion(text) })],
  ["/etc/SuSE-release", (text) => ({
    platform: /opensuse/i.test(text) ? "opensuse" : "suse",
    version: /^VERSION = ([\d.]+)/m.exec(text)?.[1] ?? "",
  })],
  [
    "/etc/arch-release",
    (_text, read) => ({ platform: "arch", version: readAssignments(read, lsbRelease).DISTRIB_RELEASE ?? "" }),
  ],
  ["/etc/alpine-release", (text) => ({ platform: "alpine", version: firstLine(text) })],
  ["/etc/os-release", (_text, read) => {
    const { ID = "", VERSION_ID = "" } = readAssignments(read, "/etc/os-release");
    return { platform: ID, version: VERSION_ID };
  }],
];

const lsbRelease = "/etc/lsb-release";

/** Distributions that derive from Debian, by their names in `lsb-release`. */
const debianDerivatives: Record<string, string> = {
  Ubuntu: "ubuntu",
  LinuxMint: "linuxmint",
  Kylin: "Kylin",
  "Cumulus Linux": "cumulus-linux",
};

function debianRelease(text: string, read: ReadMarkerFile): OsRelease {
  const { DISTRIB_ID = "", DISTRIB_RELEASE = "" } = readAssignments(read, lsbRelease);
  const derivative = debianDerivatives[DISTRIB_ID];
  if (derivative !== undefined) return { platform: derivative, version: DISTRIB_RELEASE };
  const isRaspbian = read("/usr/bin/raspi-config") !== undefined;
  return { platform: isRaspbian ? "raspbian" : "debian", version: firstLine(text) };
}

function redhatRelease(text: string): OsRelease {
  const line = firstLine(text).toLowerCase();
  return { platform: line.includes("red hat") ? "redhat" : line.split(" ")[0] ?? "", version: releaseVersion(text) };
}

function releaseVersion(text: string): string {
  const line = firstLine(text).toLowerCase();
  return line.includes("rawhide") ? "rawhide" : /release (\w[\d.]*)/.exec(line)?.[1] ?? "";
}

/** The lines `NAME=value` of a file, without the quotes around values. */
function readAssignments(read: ReadMarkerFile, path: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of (read(path) ?? "").split("\n")) {
    const [, name, value = ""] = /^(\w+)=(.*)$/.exec(line.trim()) ?? [];
    if (name !== undefined) values[name] = value.replaceAll(/^["']|["']$/g, "");
  }
  return values;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.trim() ?? "";
}
