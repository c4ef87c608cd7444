/** Builds small images for tests, without a network, and pushes them to a registry. */

import { quoteForShell, runProgram } from "../programs.ts";
import { writeDockerLogin } from "../studio/docker_login.ts";
import { busyboxImage, type Dockerd } from "./dockerd.ts";
import { pusher, type Registry } from "./registry.ts";

/** What the program in an image does, in the order of the fields, and what else the image has. */
export interface AppRecipe {
  /** Lines it prints first. */
  prints?: readonly string[];
  /** Prints its environment, sorted. */
  printsEnvironment?: boolean;
  /** A shell command to run. */
  runs?: string;
  /** Prints `tick 1`, `tick 2`, … with this pause between them. Without it and without `exitCode` it waits. */
  tickMs?: number;
  /** Exits with this code instead, after `exitAfterMs` (0 unless given). */
  exitCode?: number;
  exitAfterMs?: number;
  /** Ignores TERM, so that the engine has to kill it. Otherwise it exits with code 0. */
  ignoresTerm?: boolean;
  /** Adds an incompressible layer of this size. */
  sizeMb?: number;
  /**
   * Makes an image for 64-bit ARM. `index`: the registry has a list of platforms without this machine's. `plain`: the
   * registry has just this image, which the engine pulls and cannot start.
   */
  foreign?: "index" | "plain";
  labels?: Readonly<Record<string, string>>;
  exposes?: readonly number[];
  /** The number of the user that it runs as; root without it. */
  user?: number;
  /** Paths that it declares as volumes. */
  volumes?: readonly string[];
  /** The signal that it wants to be stopped by. */
  stopSignal?: string;
}

/**
 * Builds an image, pushes it as `<registry>/<name>`, and removes it from the engine, so that it has to be pulled.
 * `name` includes the tag: `apps/prod_amd64_7_shop:1.0.0`. Returns the full reference.
 */
export async function pushImage(
  engine: Dockerd,
  registry: Registry,
  options: { name: string; recipe: AppRecipe; keepLocal?: boolean },
): Promise<string> {
  const reference = `${registry.host}/${options.name}`;
  await buildImage(engine, { reference, recipe: options.recipe });
  await push(engine, registry, reference);
  if (options.recipe.foreign === "index") await replaceByIndex(registry, options.name);
  if (options.keepLocal !== true) await engine.docker("rmi", "--force", reference);
  return reference;
}

/** Builds an image in the engine's store; `reference` is its full name. */
export async function buildImage(
  engine: Dockerd,
  { reference, recipe }: { reference: string; recipe: AppRecipe },
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "i-" });
  try {
    const lines = [`FROM ${busyboxImage}`];
    for (const [name, value] of Object.entries(recipe.labels ?? {})) {
      lines.push(`LABEL ${name}=${JSON.stringify(value)}`);
    }
    for (const port of recipe.exposes ?? []) lines.push(`EXPOSE ${port}`);
    if (recipe.user !== undefined) lines.push(`USER ${recipe.user}`);
    if (recipe.volumes !== undefined) lines.push(`VOLUME ${JSON.stringify(recipe.volumes)}`);
    if (recipe.stopSignal !== undefined) lines.push(`STOPSIGNAL ${recipe.stopSignal}`);
    if (recipe.sizeMb !== undefined) {
      await writeNoise(`${folder}/noise`, recipe.sizeMb);
      lines.push("COPY noise /noise");
    }
    if (recipe.foreign === "plain") {
      await Deno.writeFile(`${folder}/program`, foreignProgram(), { mode: 0o755 });
      lines.push("COPY program /program", 'CMD ["/program"]');
    } else {
      lines.push(`CMD ${JSON.stringify(["sh", "-c", scriptOf(recipe)])}`);
    }
    await Deno.writeTextFile(`${folder}/Dockerfile`, `${lines.join("\n")}\n`);
    // The classic builder uses a local base image without asking a registry.
    const args = ["-H", engine.host, "build", "--quiet", "--tag", reference, folder];
    const built = await runProgram("docker", args, { env: { DOCKER_BUILDKIT: "0" } });
    if (built.code !== 0) throw new Error(`Cannot build ${reference}: ${built.stderr}`);
    if (recipe.foreign !== undefined) await changeArchitecture(engine, reference);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The shell script for a recipe. Pure. */
export function scriptOf(recipe: AppRecipe): string {
  const seconds = (ms: number) => String(ms / 1000);
  // The shell runs a trap only between commands, so it must wait for a sleep in the background.
  const pause = (ms: number) => `sleep ${seconds(ms)} & wait $!`;
  const lines = [recipe.ignoresTerm ? "trap '' TERM" : "trap 'exit 0' TERM"];
  for (const line of recipe.prints ?? []) lines.push(`printf '%s\\n' ${quoteForShell(line)}`);
  if (recipe.printsEnvironment) lines.push("env | sort");
  if (recipe.runs !== undefined) lines.push(recipe.runs);
  if (recipe.exitCode !== undefined) {
    if (recipe.exitAfterMs !== undefined) lines.push(pause(recipe.exitAfterMs));
    lines.push(`exit ${recipe.exitCode}`);
  } else if (recipe.tickMs !== undefined) {
    lines.push("n=0", `while :; do n=$((n+1)); echo "tick $n"; ${pause(recipe.tickMs)}; done`);
  } else {
    lines.push(`while :; do ${pause(3_600_000)}; done`);
  }
  return lines.join("\n");
}

async function push(engine: Dockerd, registry: Registry, reference: string): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "d-" });
  try {
    await writeDockerLogin(folder, { host: registry.host, ...pusher });
    await engine.docker("--config", folder, "push", "--quiet", reference);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Replaces an image in the registry with a list of platforms that contains only this image. */
async function replaceByIndex(registry: Registry, name: string): Promise<void> {
  const colon = name.lastIndexOf(":");
  const [repository, tag] = [name.slice(0, colon), name.slice(colon + 1)];
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  const found = await registry.request(repository, `manifests/${tag}`, { headers: { accept: mediaType } });
  const size = (await found.arrayBuffer()).byteLength;
  const digest = found.headers.get("docker-content-digest");
  const listType = "application/vnd.docker.distribution.manifest.list.v2+json";
  const manifests = [{ mediaType, size, digest, platform: { architecture: "arm64", os: "linux" } }];
  const stored = await registry.request(repository, `manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": listType },
    body: JSON.stringify({ schemaVersion: 2, mediaType: listType, manifests }),
  });
  if (!stored.ok) throw new Error(`Cannot store the list of platforms of ${name}: ${await stored.text()}`);
}

/** Changes what an image in the registry says it is for; what is left out of `mark` is left out of its config. */
export async function remarkImage(
  registry: Registry,
  { name, mark }: { name: string; mark: { os?: string; architecture?: string } },
): Promise<void> {
  const colon = name.lastIndexOf(":");
  const [repository, tag] = [name.slice(0, colon), name.slice(colon + 1)];
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  const found = await registry.request(repository, `manifests/${tag}`, { headers: { accept: mediaType } });
  const manifest = await found.json();
  const config = await (await registry.request(repository, `blobs/${manifest.config.digest}`)).json();
  delete config.os;
  delete config.architecture;
  const blob = new TextEncoder().encode(JSON.stringify({ ...config, ...mark }));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", blob)).toHex();
  const digest = `sha256:${hash}`;
  const upload = await registry.request(repository, "blobs/uploads/", { method: "POST" });
  const location = new URL(upload.headers.get("location") ?? "", `http://${registry.host}`);
  const path = location.pathname.slice(`/v2/${repository}/`.length);
  location.searchParams.set("digest", digest);
  const headers = { "content-type": "application/octet-stream" };
  await registry.request(repository, `${path}${location.search}`, { method: "PUT", headers, body: blob });
  const body = JSON.stringify({ ...manifest, config: { ...manifest.config, digest, size: blob.length } });
  const put = { method: "PUT", headers: { "content-type": mediaType }, body };
  const stored = await registry.request(repository, `manifests/${tag}`, put);
  if (!stored.ok) throw new Error(`Cannot store the changed config of ${name}: ${await stored.text()}`);
}

/** Recreates an image as one for 64-bit ARM. */
async function changeArchitecture(engine: Dockerd, reference: string): Promise<void> {
  const command = await engine.docker("inspect", "--format", "{{json .Config.Cmd}}", reference);
  const container = await engine.docker("create", reference);
  const script = 'docker -H "$0" export "$1" | ' +
    'docker -H "$0" import --platform linux/arm64 -c "ENV PATH=/bin" -c "CMD $2" - "$3"';
  const ended = await runProgram("sh", ["-c", script, engine.host, container, command, reference]);
  await engine.docker("rm", container);
  if (ended.code !== 0) throw new Error(`Cannot make ${reference} for another architecture: ${ended.stderr}`);
}

/** A file that the kernel takes for a program for 64-bit ARM. */
function foreignProgram(): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(4096);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  const executable = 2;
  const arm64 = 183;
  header.set([executable, 0, arm64, 0, 1], 16);
  return header;
}

async function writeNoise(path: string, megabytes: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const block = new Uint8Array(64 * 1024);
  for (let written = 0; written < megabytes * 16; written += 1) {
    crypto.getRandomValues(block);
    await file.write(block);
  }
}
