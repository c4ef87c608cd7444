/** Makes `build/install.sh`, which installs the agent on a device with one line. */

import { pathOf } from "../paths.ts";
import type { BuildOptions } from "./options.ts";

/** Its file name. */
export const installScriptName = "install.sh";

/** Where the keys stand in it. */
const keysMark = "@UPDATE_KEYS@";

/** Writes the script with the keys of this build, so that it installs nothing that the agents would refuse. */
export async function makeInstallScript(
  { folder, say, updateKeyLines }: Pick<BuildOptions, "folder" | "say"> & { updateKeyLines: readonly string[] },
): Promise<void> {
  const template = await Deno.readTextFile(pathOf("install_script.sh", import.meta.url));
  const output = `${folder}/${installScriptName}`;
  await Deno.writeTextFile(output, template.replace(keysMark, updateKeyLines.join("\n")));
  await Deno.chmod(output, 0o755);
  say(`ok     installer: ${output}`);
}
