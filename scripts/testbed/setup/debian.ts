/** Installs the Debian packages that boxes and real parts need. */

import { mustRun, runProgram } from "../../programs.ts";

/** The packages that the boxes, the engine, the registry and the router need. */
export const neededPackages: readonly string[] = [
  "busybox-static",
  "ca-certificates",
  "dbus-daemon",
  "debootstrap",
  "dnsmasq-base",
  "docker-registry",
  "e2fsprogs",
  "iproute2",
  "iptables",
  "libfaketime",
  "minisign",
  "network-manager",
  "openssl",
  "procps",
  "python3-dbusmock",
  "python3-venv",
  "rauc",
  "runc",
  "squashfs-tools",
  "tini",
  "util-linux",
];

/** The packages that `dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n'` does not list as installed. Pure. */
export function missingPackages(dpkgOutput: string, wanted = neededPackages): string[] {
  const installed = new Set(
    dpkgOutput.split("\n").filter((line) => / ii ?$/.test(line)).map((line) => line.split(" ")[0] ?? ""),
  );
  return wanted.filter((name) => !installed.has(name));
}

/** Installs the missing ones, which needs root and apt. Throws with the reason on failure. */
export async function installPackages(say: (text: string) => void, wanted = neededPackages): Promise<void> {
  const format = "${Package} ${db:Status-Abbrev}\n";
  const missing = missingPackages((await runProgram("dpkg-query", ["-W", "-f", format, ...wanted])).stdout, wanted);
  if (missing.length === 0) return;
  if (Deno.build.os !== "linux" || !(await runProgram("apt-get", ["--version"])).success) {
    throw new Error("the real parts run on Debian only");
  }
  if (Deno.uid() !== 0) throw new Error(`root must install these Debian packages: ${missing.join(" ")}`);
  say(`installing Debian packages: ${missing.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await mustRun("apt-get", ["update"], { env });
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  await mustRun("apt-get", [...wait, "install", "-y", "--no-install-recommends", ...missing], { env });
}
