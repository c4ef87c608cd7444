/**
 * The two programs that the demo needs besides an engine: a registry, and a static busybox for its image. Missing ones
 * are copied from public images, so that nothing is installed.
 */

import { AgentError, textOf } from "../../lib/base/errors.ts";
import { installPackages } from "../testbed/setup/debian.ts";
import { runProgram } from "../programs.ts";
import type { Docker } from "./docker.ts";

/** How tools are found or installed. */
export interface ToolOptions {
  docker: Docker;
  /** The folder for programs that the machine does not have. */
  folder: string;
  say(text: string): void;
  stop: AbortSignal;
}

/** Returns the path of a static busybox. Throws `not_available` when there is none. */
export async function findBusybox(options: ToolOptions): Promise<string> {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) {
    // A static program needs no libraries of the machine.
    if ((await runProgram("sh", ["-c", '"$0" true && ! ldd "$0"', path])).success) return path;
  }
  return await copyProgram(options, { name: "busybox", image: "busybox:latest", path: "/bin/busybox" });
}

/** Makes sure that `docker-registry` is in PATH. Throws `not_available` when there is none. */
export async function ensureRegistry(options: ToolOptions): Promise<void> {
  if ((await runProgram("docker-registry", ["--version"])).success) return;
  try {
    await copyProgram(options, { name: "docker-registry", image: "registry:2", path: "/bin/registry" });
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

async function copyProgram(
  { docker, folder, say, stop }: ToolOptions,
  wanted: { name: string; image: string; path: string },
): Promise<string> {
  const target = `${folder}/${wanted.name}`;
  say(`This machine has no ${wanted.name}; it is copied from the public image ${wanted.image}.`);
  try {
    await docker.copyFromImage(wanted.image, wanted.path, { target, stop });
    return target;
  } catch (cause) {
    throw new AgentError("not_available", `Cannot get ${wanted.name} from the image ${wanted.image}`, { cause });
  }
}
