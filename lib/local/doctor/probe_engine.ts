/** Looks for the container engine and for `docker compose`. */

import { hasCode, textOf } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { dictField, textField } from "../../docker/decode.ts";
import type { EngineEnvironment } from "../../docker/endpoint.ts";
import { EngineTransport } from "../../docker/engine_transport.ts";
import { runCommand } from "../../host/command.ts";
import type { ComposeProbe, EngineProbe } from "./doctor_facts.ts";

const engineProbeMs = 5_000;

/** Asks the engine for its version. */
export async function probeEngine(env: EngineEnvironment, signal: AbortSignal): Promise<EngineProbe> {
  try {
    const transport = new EngineTransport(env, silentLog);
    const options = { what: "Asking the container engine for its version", signal, limitMs: engineProbeMs };
    const version = dictField(await transport.readJson({ method: "GET", path: "/version" }, options));
    return { kind: "answers", version: textField(version.Version), apiVersion: textField(version.ApiVersion) };
  } catch (error) {
    return { kind: "away", error: textOf(error) };
  }
}

/** Where the engine keeps its data; undefined when it does not answer. */
export async function readEngineRoot(env: EngineEnvironment, signal: AbortSignal): Promise<string | undefined> {
  try {
    const options = { what: "Asking the engine for its data folder", signal, limitMs: engineProbeMs };
    const info = await new EngineTransport(env, silentLog).readJson({ method: "GET", path: "/info" }, options);
    return textField(dictField(info).DockerRootDir) || undefined;
  } catch {
    // The check of the engine says so.
    return undefined;
  }
}

/** Runs `docker compose version`. */
export async function probeCompose(signal: AbortSignal): Promise<ComposeProbe> {
  try {
    const end = await runCommand("docker", ["compose", "version", "--short"], { signal, timeoutMs: engineProbeMs });
    if (end.code === 0) return { kind: "there", version: end.stdout.trim() };
    return { kind: "missing", error: `"docker compose" does not work: ${end.stderr.trim().split("\n")[0] ?? ""}` };
  } catch (error) {
    if (!hasCode(error, "command_failed")) throw error;
    return { kind: "missing", error: "There is no docker command line" };
  }
}
