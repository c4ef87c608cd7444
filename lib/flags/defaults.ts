/** The default of every flag, by platform. Pure. */

/** What defaults depend on. */
export interface HostPlatform {
  /** `linux`, `darwin`, `windows`; anything else is treated like `darwin`. */
  os: string;
  /** `HOME`, or `USERPROFILE` on Windows; needed everywhere but on Linux. */
  homeDir: string | undefined;
}

/** The default values, named after the flags. `platform.homeDir` must be there except on Linux. */
export function flagDefaults(platform: HostPlatform) {
  const agentDir = platform.os === "linux" ? "/opt/reagent" : `${platform.homeDir}/reagent`;
  return {
    agentDir,
    appsDir: normalizePath(`${agentDir}/apps`, platform.os),
    arch: false,
    compressedBuildExtension: "tgz",
    config: "",
    connTimeout: 1250,
    dbFileName: normalizePath(`${agentDir}/reagent.db`, platform.os),
    debug: true,
    debugMessaging: false,
    env: "production",
    logFile: platform.os === "linux" ? "/var/log/reagent.log" : `${agentDir}/reagent.log`,
    nmw: true,
    offline: false,
    ppTimeout: 5000,
    prettyLogging: false,
    profiling: false,
    profilingPort: 80,
    remoteUpdateURL: "https://storage.googleapis.com",
    respTimeout: 7000,
    update: true,
    version: false,
  };
}

/** Drops empty and `.` parts, resolves `..`, and separates with backslashes on Windows. */
function normalizePath(path: string, os: string): string {
  const separator = os === "windows" ? "\\" : "/";
  const isShare = os === "windows" && /^[\\/]{2}/.test(path);
  const parts: string[] = [];
  for (const part of path.split(os === "windows" ? /[\\/]/ : "/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const root = isShare ? "\\\\" : /^[\\/]/.test(path) ? separator : "";
  return root + parts.join(separator);
}
