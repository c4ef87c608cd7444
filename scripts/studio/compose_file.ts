/** Reads compose files, as people write them: YAML, or JSON, which is YAML too. */

import { parse, type ScalarTag } from "yaml";
import { AgentError, textOf } from "../../lib/base/errors.ts";
import { type Dict, isDict } from "../../lib/base/json.ts";
import { serviceEntries } from "../../lib/apps/compose/definition.ts";

/** Compose reads `mode: 0440` as octal, which YAML 1.2 does not. */
const oldOctal: ScalarTag = {
  tag: "tag:yaml.org,2002:int",
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => parseInt(text, 8),
};

/** The definition in a file. Throws `bad_request` when it cannot be read or has no services. */
export async function readComposeFile(path: string): Promise<Dict> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    throw new AgentError("bad_request", `Cannot read the compose file "${path}"`, { cause });
  }
  try {
    return parseComposeFile(text);
  } catch (error) {
    throw new AgentError("bad_request", `Cannot read the compose file "${path}": ${textOf(error)}`);
  }
}

/** The definition in the text of a compose file, with aliases and merge keys resolved. Throws for any other text. */
export function parseComposeFile(text: string): Dict {
  const value: unknown = parse(text, { merge: true, customTags: (tags) => [oldOctal, ...tags] });
  if (!isDict(value)) throw new AgentError("bad_request", "it must be a mapping");
  serviceEntries(value);
  return value;
}
