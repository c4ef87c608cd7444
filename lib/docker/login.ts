/** Logins to registries, checked by the engine. */

import { AgentError, hasCode } from "../base/errors.ts";
import { registryHost } from "../model/registry_host.ts";
import type { RegistryAuth } from "./registry.ts";
import type { EngineTransport } from "./engine_transport.ts";

/**
 * Lets the engine log in to a registry. Throws `denied` for wrong credentials, `timeout` when the registry does not
 * answer within `limitMs`.
 */
export async function checkLogin(
  transport: EngineTransport,
  auth: RegistryAuth,
  options: { limitMs: number; signal: AbortSignal },
): Promise<void> {
  const { limitMs, signal } = options;
  const host = registryHost(auth.host);
  const what = `The login to registry "${host}"`;
  const body = { username: auth.user, password: auth.password, serveraddress: host };
  const request = { method: "POST", path: "/auth", body } as const;
  try {
    await transport.read(request, { what, signal, limitMs });
  } catch (error) {
    if (hasCode(error, "timeout")) {
      const hint = "check that the device can reach it, and NO_PROXY";
      const text = `Registry "${host}" did not answer within ${limitMs / 1000} s: ${hint}`;
      throw new AgentError("timeout", text, { cause: error });
    }
    const isDenied = hasCode(error, "engine_failed", "engine_refused") &&
      /unauthorized|denied|incorrect username/i.test(error.message);
    throw isDenied ? new AgentError("denied", error.message, { cause: error }) : error;
  }
}
