/** Builds inside a container, so that nothing of this machine but the project and the runtime takes part. */

import { mustRun, runProgram } from "../programs.ts";
import type { BuildArguments } from "./arguments.ts";

/** What a build in a container needs. */
export interface DockerBuildOptions {
  /** The folder of the project, with a slash at its end. */
  root: string;
  environment: Readonly<Record<string, string>>;
  /** The runtime of this machine and its cache; without it the image must have a runtime. */
  runtime?: { program: string; cache: string };
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
  const { root, environment, runtime, user, sourceTime } = options;
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
  { root, environment, say }: { root: string; environment: Readonly<Record<string, string>>; say(text: string): void },
): Promise<number> {
  const isLinux = Deno.build.os === "linux";
  const uid = Deno.uid();
  const time = await runProgram("git", ["log", "-1", "--format=%ct"], { cwd: root });
  const args = dockerArgs(wanted, {
    root,
    environment,
    ...(isLinux ? { runtime: { program: Deno.execPath(), cache: await readCacheFolder() } } : {}),
    ...(uid === null || uid === 0 ? {} : { user: `${uid}:${Deno.gid()}` }),
    ...(time.success ? { sourceTime: time.stdout.trim() } : {}),
  });
  const ended = await runProgram("docker", args, { env: { ...environment } });
  for (const line of `${ended.stdout}${ended.stderr}`.trim().split("\n")) say(line);
  return ended.code;
}

async function readCacheFolder(): Promise<string> {
  const { stdout } = await mustRun(Deno.execPath(), ["info", "--json"], { env: { NO_COLOR: "1" } });
  const info: unknown = JSON.parse(stdout);
  return String(Object(info).denoDir);
}
