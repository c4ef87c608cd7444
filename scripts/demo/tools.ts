/**
 * The two programs that the demo needs besides an engine: a registry, and a static busybox for its image. What the
 * machine lacks comes out of public images, so that nothing is installed.
 */

import { AgentError, textOf } from "../../lib/base/errors.ts";
import { installPackages } from "../testbed/setup/debian.ts";
import { runProgram } from "../programs.ts";
import type { Docker } from "./docker.ts";

/** What tools are looked for with. */
export interface ToolOptions {
  docker: Docker;
  /** Takes programs that are not on the machine. */
  folder: string;
  say(text: string): void;
  stop: AbortSignal;
}

/** Path of a static busybox. Throws `not_available` when there is none to be had. */
export async function findBusybox(options: ToolOptions): Promise<string> {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) {
    // A program that names no libraries needs none of the machine's files.
    if ((await runProgram("sh", ["-c", '"$0" true && ! ldd "$0"', path])).success) return path;
  }
  return await takeProgram(options, { name: "busybox", image: "busybox:latest", path: "/bin/busybox" });
}

/** Sees to it that `docker-registry` is in PATH. Throws `not_available` when it is not to be had. */
export async function provideRegistry(options: ToolOptions): Promise<void> {
  if ((await runProgram("docker-registry", ["--version"])).success) return;
  try {
    await takeProgram(options, { name: "docker-registry", image: "registry:2", path: "/bin/registry" });
    Deno.env.set("PATH", `${options.folder}:${Deno.env.get("PATH") ?? ""}`);
  } catch (cause) {
    options.stop.throwIfAborted();
    try {
      await installPackages(options.say, ["docker-registry"]);
    } catch (error) {
      throw new AgentError("not_available", `${textOf(cause)}; ${textOf(error)}`, { cause });
    }
  }
}

async function takeProgram(
  { docker, folder, say, stop }: ToolOptions,
  wanted: { name: string; image: string; path: string },
): Promise<string> {
  const target = `${folder}/${wanted.name}`;
  say(`This machine has no ${wanted.name}; it is copied out of the public image ${wanted.image}.`);
  try {
    await docker.copyFromImage(wanted.image, wanted.path, { target, stop });
    return target;
  } catch (cause) {
    throw new AgentError("not_available", `Cannot get ${wanted.name} from the image ${wanted.image}`, { cause });
  }
}
