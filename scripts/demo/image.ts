/** The demo's app: two versions of a shell script on a static busybox, made without a network. */

import type { Docker } from "./docker.ts";

/** The versions of the app and what each prints every second. */
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
  const place = `${options.folder}/image-${version}`;
  await Deno.mkdir(`${place}/bin`, { recursive: true });
  await Deno.mkdir(`${place}/tmp`);
  await Deno.copyFile(options.busybox, `${place}/bin/busybox`);
  await Deno.chmod(`${place}/bin/busybox`, 0o755);
  await Deno.symlink("busybox", `${place}/bin/sh`);
  await Deno.writeTextFile(`${place}/app.sh`, scriptOf(version));
  const changes = ["ENV PATH=/bin", 'CMD ["sh", "/app.sh"]'];
  await docker.importFolder(place, options.reference, { changes });
}

/** Gives an image to the registry and takes it from the engine, so that the device has to pull it. */
export async function pushImage(
  docker: Docker,
  reference: string,
  login: { host: string; user: string; password: string; folder: string },
): Promise<void> {
  // A login of its own leaves the user's settings alone.
  const config = `${login.folder}/docker`;
  await Deno.mkdir(config, { recursive: true });
  const auth = btoa(`${login.user}:${login.password}`);
  await Deno.writeTextFile(`${config}/config.json`, JSON.stringify({ auths: { [login.host]: { auth } } }), {
    mode: 0o600,
  });
  await docker.run(["--config", config, "push", "--quiet", reference]);
  await docker.run(["rmi", reference]);
}

function scriptOf(version: Version): string {
  return [
    // The shell hears TERM only between commands, so it waits for a sleep in the background.
    "trap 'exit 0' TERM",
    `echo "Hello from ${version} on $DEVICE_NAME"`,
    "n=0",
    `while :; do n=$((n+1)); ${versions[version]}; busybox sleep 1 & wait $!; done`,
    "",
  ].join("\n");
}
