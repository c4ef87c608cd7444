/** The logins that a compose app needs, and whether their registries accept them. */

import { ownRegistries } from "../../config/derived.ts";
import { AgentError, hasCode, messageOf } from "../../base/errors.ts";
import type { Engine } from "../../docker/engine.ts";
import { engineTextOf } from "../../docker/errors.ts";
import { type RegistryAuth, registryHostOf } from "../../docker/registry.ts";
import { registryHost } from "../../model/registry_host.ts";
import type { LoginSources } from "../work/pull_login.ts";

/**
 * The logins of an app: those that users have stored for it, and the token of Studio for the registry of the device
 * unless there is one for its host already. The registry's second name, that of an appliance, counts only if one of
 * `images` names it. Pure.
 */
export function appLogins(images: readonly string[], sources: LoginSources): RegistryAuth[] {
  const { token, config, logins } = sources;
  const stored = Object.entries(logins).map(([host, { username, password }]) => {
    return { host: registryHost(host), user: username, password };
  });
  if (token === "") return stored;
  const named = new Set(images.map((image) => registryHost(registryHostOf(image))));
  const [first, ...others] = ownRegistries(config);
  const own = [first, ...others.filter((host) => named.has(host))].filter((host) => host !== undefined);
  const isFree = (host: string) => !stored.some((login) => login.host === host);
  return [...stored, ...own.filter(isFree).map((host) => ({ host, user: token, password: config.secret }))];
}

/**
 * Lets the engine check each login, one after the other, within 10 s each; the first failure counts. Throws `denied`
 * for wrong credentials, `timeout` when a registry does not answer, and what else `Engine.checkLogin()` throws.
 */
export async function checkLogins(
  engine: Pick<Engine, "checkLogin">,
  logins: readonly RegistryAuth[],
  signal: AbortSignal,
): Promise<void> {
  for (const login of logins) {
    try {
      await engine.checkLogin(login, signal);
    } catch (error) {
      const isTelling = hasCode(error, "canceled", "timeout", "engine_unreachable");
      throw isTelling || !(error instanceof AgentError) ? error : loginFailure(login.host, error);
    }
  }
}

/** The first line that says what is wrong, as the command line would show it. */
function loginFailure(host: string, error: AgentError): AgentError {
  const said = engineTextOf(error) ?? messageOf(error);
  const telling = said.split("\n").find((line) => /error/i.test(line))?.trim();
  const text = telling ?? `registry login to ${registryHost(host)} failed: ${said.trim()}`;
  return new AgentError(error.code, text, { cause: error });
}
