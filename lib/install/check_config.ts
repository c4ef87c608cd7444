/** Looks at the config that a service is to be started with. */

import { AgentError } from "../base/errors.ts";
import type { LineOutput } from "../base/subcommand.ts";

/** Throws `config_missing` when there is no such file, and warns when others may read the secret in it. */
export async function checkConfig(path: string, { complain }: LineOutput): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    throw new AgentError("config_missing", `cannot read the config file "${path}"`, { cause: error });
  }
  if (!info.isFile) throw new AgentError("config_missing", `the config "${path}" is not a file`);
  if (((info.mode ?? 0) & 0o077) !== 0) complain(`warning: others may read the secret in ${path}; chmod 600 ${path}`);
}
