/** Decides how the tunnel client and its server are built from the pinned module next to this file. Pure. */

/** What is built: the client, and for tests the server. */
export type FrpProgram = "frpc" | "frps";

/** The oldest Go that can build the module, as its `go.mod` says. */
export const neededGo: { major: number; minor: number } = { major: 1, minor: 25 };

/** The version of frp that a `go.mod` requires; undefined when it requires none. */
export function requiredFrp(goMod: string): string | undefined {
  return /^\s*(?:require\s+)?github\.com\/fatedier\/frp v(\S+)/m.exec(goMod)?.[1];
}

/** Whether the output of `go version` names one that is new enough. */
export function isNewEnough(goVersion: string): boolean {
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(goVersion) ?? [];
  if (major === undefined || minor === undefined) return false;
  if (Number(major) !== neededGo.major) return Number(major) > neededGo.major;
  return Number(minor) >= neededGo.minor;
}

/** Arguments of `go`. Without web pages, which the module does not carry, and without symbols. */
export function buildArguments(program: FrpProgram, output: string): string[] {
  const package_ = `github.com/fatedier/frp/cmd/${program}`;
  const small = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid="];
  return ["build", "-mod=readonly", ...small, "-tags", `${program},noweb`, "-o", output, package_];
}

/** `GOOS` and `GOARCH` of a platform such as `linux/amd64`. */
export function goPlatform(platform: string): { GOOS: string; GOARCH: string } {
  const [GOOS = "", GOARCH = ""] = platform.split("/");
  return { GOOS, GOARCH };
}

/** The file name of a program for a platform. */
export function frpFile(program: FrpProgram, platform: string): string {
  return `${program}-${platform.replace("/", "-")}${platform.startsWith("windows/") ? ".exe" : ""}`;
}

/** The modules that a `go.mod` requires, with those that replace others in their place. */
export function requiredModules(goMod: string): { path: string; version: string }[] {
  const replaced = new Map(
    [...goMod.matchAll(/^replace (\S+)(?: v\S+)? => (\S+) (v\S+)$/gm)].map(([, from, path = "", version = ""]) => {
      return [from, { path, version }];
    }),
  );
  return [...goMod.matchAll(/^\s*(?:require )?([^\s=]+\.[^\s=]+\/\S+) (v\S+?)(?: \/\/ indirect)?$/gm)].map(
    ([, path = "", version = ""]) => replaced.get(path) ?? { path, version },
  );
}
