/** Builds inside a container, so that nothing of this machine but the project and the runtime takes part. */

import { textOf } from "../../lib/base/errors.ts";
import { buildProgram } from "../frp/build_program.ts";
import { mustRun, runProgram } from "../programs.ts";
import { partsFolder } from "../testbed/setup/folder.ts";
import type { BuildArguments } from "./arguments.ts";
import { ownPlatform, readTargets } from "./target.ts";

/** What a build in a container needs. */
export interface DockerBuildOptions {
  /** The folder of the project, with a slash at its end. */
  root: string;
  environment: Readonly<Record<string, string>>;
  /** The runtime of this machine and its cache; without it the image must have a runtime. */
  runtime?: { program: string; cache: string };
  /** A folder of this machine with parts that were built before, in the place where a build looks for them. */
  parts?: string;
  /** User and group that own the results; absent for root. */
  user?: string;
  /** When the sources were made, in seconds since 1970. */
  sourceTime?: string;
}

/** The image that is used unless another one is named. */
export const defaultBaseImage = "debian:bookworm-slim";

/** What the commands in the container get from here, if it is set. Values never stand on a command line. */
const passedVariables = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "REAGENT_SIGN_PASSWORD",
  "SOURCE_DATE_EPOCH",
] as const;

/** Arguments of `docker` for the build. Pure. */
export function dockerArgs(wanted: BuildArguments, options: DockerBuildOptions): string[] {
  const { root, environment, runtime, parts, user, sourceTime } = options;
  const mounts = [`${root.replace(/\/$/, "")}:/src`];
  const inner = ["task", "build"];
  /** Mounts a file, read-only, and returns where it is in the container. */
  const mountFile = (path: string): string => {
    const target = `/files/${mounts.length}`;
    mounts.push(`${path.startsWith("/") ? path : `${root}${path}`}:${target}:ro`);
    return target;
  };
  for (const path of wanted.updateKeys) inner.push("--update-key", mountFile(path));
  const signKey = wanted.signKey ?? environment.REAGENT_SIGN_KEY;
  if (signKey) inner.push("--sign-key", mountFile(signKey));
  inner.push(...(wanted.bundleOnly ? ["--bundle-only"] : wanted.names));
  const variables = ["HOME=/tmp", "DENO_DIR=/cache"];
  if (environment.DENORT_BIN) variables.push(`DENORT_BIN=${mountFile(environment.DENORT_BIN)}`);
  if (sourceTime !== undefined && !environment.SOURCE_DATE_EPOCH) variables.push(`SOURCE_DATE_EPOCH=${sourceTime}`);
  variables.push(...passedVariables.filter((name) => environment[name]));
  if (parts !== undefined) {
    mounts.push(`${parts}:/parts/frp:ro`);
    variables.push("REAGENT_PARTS=/parts");
  }
  if (runtime !== undefined) mounts.push(`${runtime.program}:/usr/local/bin/deno:ro`, `${runtime.cache}:/cache`);
  return [
    ...["run", "--rm", "--init", "--workdir", "/src", "--entrypoint", "deno"],
    ...(user === undefined ? [] : ["--user", user]),
    ...mounts.flatMap((mount) => ["--volume", mount]),
    ...variables.flatMap((variable) => ["--env", variable]),
    ...[wanted.baseImage ?? defaultBaseImage, ...inner],
  ];
}

/** Runs the build in a container and shows what it prints. Returns its exit code. */
export async function buildInDocker(
  wanted: BuildArguments,
  { root, environment, targets, say }: {
    root: string;
    environment: Readonly<Record<string, string>>;
    /** The text of the file `targets`. */
    targets: string;
    say(text: string): void;
  },
): Promise<number> {
  const parts = partsFolder({ get: (name) => environment[name] });
  try {
    for (const platform of platformsOf(wanted, { environment, targets })) {
      // A container has no Go. What is built is the same on every machine.
      await buildProgram({ program: "frpc", platform }, { parts, say });
    }
  } catch (error) {
    say(`FAILED tunnel client: ${textOf(error)}`);
    return 1;
  }
  const isLinux = Deno.build.os === "linux";
  const uid = Deno.uid();
  const time = await runProgram("git", ["log", "-1", "--format=%ct"], { cwd: root });
  const args = dockerArgs(wanted, {
    root,
    environment,
    parts: parts.frp,
    ...(isLinux ? { runtime: { program: Deno.execPath(), cache: await readCacheFolder() } } : {}),
    ...(uid === null || uid === 0 ? {} : { user: `${uid}:${Deno.gid()}` }),
    ...(time.success ? { sourceTime: time.stdout.trim() } : {}),
  });
  const ended = await runProgram("docker", args, { env: { ...environment } });
  for (const line of `${ended.stdout}${ended.stderr}`.trim().split("\n")) say(line);
  return ended.code;
}

/** The platforms whose tunnel client is needed. Those whose base executable is not there are left out. */
function platformsOf(
  wanted: BuildArguments,
  { environment, targets }: { environment: Readonly<Record<string, string>>; targets: string },
): string[] {
  const isAlone = wanted.bundleOnly || (environment.DENORT_BIN && wanted.names.length === 0);
  const all = readTargets(targets).map(({ name }) => name);
  const named = all.filter((name) => isAlone ? false : wanted.names.length === 0 || wanted.names.includes(name));
  return [...new Set([ownPlatform(), ...named])].filter((name) => !name.startsWith("windows/"));
}

async function readCacheFolder(): Promise<string> {
  const { stdout } = await mustRun(Deno.execPath(), ["info", "--json"], { env: { NO_COLOR: "1" } });
  const info: unknown = JSON.parse(stdout);
  return String(Object(info).denoDir);
}
