/** Images of the demo: a shell script on a static busybox, built without a network. */

import { throwIfAborted } from "../../lib/async/deadline.ts";
import { type DockerLogin, writeDockerLogin } from "../studio/docker_login.ts";
import { pusherPassword, pusherUser } from "../studio/logins.ts";
import type { DemoContext } from "./context.ts";
import type { Docker } from "./docker.ts";

/** What an image says of itself once, and what it prints every second, with the variable `n`. */
export interface ImageRecipe {
  name: string;
  prints: string;
}

/** Builds an image, pushes it to the Studio's registry under its `path` and tag, and returns its reference. */
export async function releaseImage(
  { docker, studio, folder, busybox, stop }: DemoContext,
  { path, ...recipe }: ImageRecipe & { path: string },
): Promise<string> {
  throwIfAborted(stop, "The demo");
  const host = studio.registryHost;
  const reference = `${host}/${path}`;
  await makeImage(docker, recipe, { reference, busybox, folder });
  await pushImage(docker, reference, { host, user: pusherUser, password: pusherPassword(studio.store), folder });
  return reference;
}

/** `busybox` is a static program; `folder` is for files. */
async function makeImage(
  docker: Docker,
  recipe: ImageRecipe,
  options: { reference: string; busybox: string; folder: string },
): Promise<void> {
  const folder = `${options.folder}/image-${recipe.name}`;
  await Deno.mkdir(`${folder}/bin`, { recursive: true });
  await Deno.mkdir(`${folder}/tmp`);
  await Deno.copyFile(options.busybox, `${folder}/bin/busybox`);
  await Deno.chmod(`${folder}/bin/busybox`, 0o755);
  await Deno.symlink("busybox", `${folder}/bin/sh`);
  await Deno.writeTextFile(`${folder}/app.sh`, scriptOf(recipe));
  const changes = ["ENV PATH=/bin", 'CMD ["sh", "/app.sh"]'];
  await docker.importFolder(folder, options.reference, { changes });
}

/** Pushes an image and removes it from the engine, so that the device must pull it. */
async function pushImage(
  docker: Docker,
  reference: string,
  { folder, ...login }: DockerLogin & { folder: string },
): Promise<void> {
  const config = `${folder}/docker`;
  await writeDockerLogin(config, login);
  await docker.run(["--config", config, "push", "--quiet", reference]);
  await docker.run(["rmi", reference]);
}

/** The script of an app. */
export function scriptOf({ name, prints }: ImageRecipe): string {
  return [
    // The shell handles TERM only between commands, so it waits for a sleep in the background.
    "trap 'exit 0' TERM",
    `echo "Hello from ${name} on $DEVICE_NAME"`,
    "n=0",
    `while :; do n=$((n+1)); echo "${prints}"; busybox sleep 1 & wait $!; done`,
    "",
  ].join("\n");
}
