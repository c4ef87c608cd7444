/** Makes the agent's Docker image from what was built. */

import { runProgram } from "../programs.ts";
import { projectRoot } from "../paths.ts";
import { isLauncher } from "./launcher.ts";
import { programName } from "./make_launcher.ts";
import type { WantedImage } from "./wanted_image.ts";

/** What an image is based on unless something else is named. */
export const defaultImageBase = "debian:trixie-slim";

/** What the agent uses: certificates, the engine's command line with compose, and the means to reach NetworkManager. */
export const imagePackages = "ca-certificates curl dbus network-manager docker-cli docker-compose";

/**
 * Builds the image with the engine's command line, from `build/reagent`, which brings its runtime along when it is no
 * executable. Returns whether it was made, and says why not.
 */
export async function makeImage(
  wanted: WantedImage,
  { folder, environment, say }: {
    folder: string;
    environment: Readonly<Record<string, string>>;
    say(text: string): void;
  },
): Promise<boolean> {
  const context = await Deno.makeTempDir({ prefix: "reagent-image-" });
  try {
    await fillContext(context, folder);
    // The classic builder takes a base image that is only in the engine's store.
    const env = { ...environment, DOCKER_BUILDKIT: "0" };
    const ended = await runProgram("docker", imageArgs(wanted, context), { env });
    if (ended.success) say(`ok     image: ${wanted.name}`);
    else say(`FAILED image: ${ended.stderr.trim().split("\n").slice(-5).join("; ")}`);
    return ended.success;
  } finally {
    await Deno.remove(context, { recursive: true });
  }
}

/** Arguments of `docker`. Pure. */
export function imageArgs(
  { name, base = defaultImageBase, packages = imagePackages }: WantedImage,
  context: string,
): string[] {
  const given = [`BASE=${base}`, `PACKAGES=${packages}`];
  return ["build", "--quiet", "--tag", name, ...given.flatMap((arg) => ["--build-arg", arg]), context];
}

async function fillContext(context: string, folder: string): Promise<void> {
  const program = `${folder}/${programName}`;
  const sources = `${projectRoot}scripts/build/image`;
  await Deno.mkdir(`${context}/bin`);
  await Deno.copyFile(`${sources}/Dockerfile`, `${context}/Dockerfile`);
  const files: [from: string, name: string][] = [
    [program, "reagent"],
    [`${sources}/entrypoint.sh`, "reagent-entrypoint"],
  ];
  if (await needsRuntime(program)) {
    files.push([Deno.execPath(), "deno"]);
    // What an executable has in itself stands next to the launcher.
    for await (const { name } of Deno.readDir(folder)) {
      if (/^frpc-.*\.gz$/.test(name)) files.push([`${folder}/${name}`, name]);
    }
  }
  for (const [from, name] of files) {
    await Deno.copyFile(from, `${context}/bin/${name}`);
    await Deno.chmod(`${context}/bin/${name}`, 0o755);
  }
}

async function needsRuntime(program: string): Promise<boolean> {
  using file = await Deno.open(program);
  const head = new Uint8Array(64);
  return isLauncher(head.subarray(0, await file.read(head) ?? 0));
}
