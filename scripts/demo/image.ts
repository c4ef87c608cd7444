/** The demo's app: two versions of a shell script on a static busybox, built without a network. */

import { type DockerLogin, writeDockerLogin } from "../studio/docker_login.ts";
import type { Docker } from "./docker.ts";

/** The versions of the app, with what each prints every second. */
export const versions = {
  "1.0.0": 'echo "version 1.0.0 counts: $n"',
  "2.0.0": 'echo "version 2.0.0 counts and knows the time: $n at $(busybox date +%H:%M:%S)"',
} as const;

/** One of the two versions. */
export type Version = keyof typeof versions;

/**
 * Makes the image of a version under the name `reference`. `busybox` is a static program; `folder` is for its files.
 */
export async function makeImage(
  docker: Docker,
  version: Version,
  options: { reference: string; busybox: string; folder: string },
): Promise<void> {
  const folder = `${options.folder}/image-${version}`;
  await Deno.mkdir(`${folder}/bin`, { recursive: true });
  await Deno.mkdir(`${folder}/tmp`);
  await Deno.copyFile(options.busybox, `${folder}/bin/busybox`);
  await Deno.chmod(`${folder}/bin/busybox`, 0o755);
  await Deno.symlink("busybox", `${folder}/bin/sh`);
  await Deno.writeTextFile(`${folder}/app.sh`, scriptOf(version));
  const changes = ["ENV PATH=/bin", 'CMD ["sh", "/app.sh"]'];
  await docker.importFolder(folder, options.reference, { changes });
}

/** Pushes an image to the registry and removes it from the engine, so that the device must pull it. */
export async function pushImage(
  docker: Docker,
  reference: string,
  { folder, ...login }: DockerLogin & { folder: string },
): Promise<void> {
  const config = `${folder}/docker`;
  await writeDockerLogin(config, login);
  await docker.run(["--config", config, "push", "--quiet", reference]);
  await docker.run(["rmi", reference]);
}

function scriptOf(version: Version): string {
  return [
    // The shell handles TERM only between commands, so it waits for a sleep in the background.
    "trap 'exit 0' TERM",
    `echo "Hello from ${version} on $DEVICE_NAME"`,
    "n=0",
    `while :; do n=$((n+1)); ${versions[version]}; busybox sleep 1 & wait $!; done`,
    "",
  ].join("\n");
}
