/** Installs the Crossbar.io router from PyPI in a virtual environment of its own. */

import { isInstalled, markInstalled, type PartsFolder } from "./folder.ts";
import { removeIfThere } from "../../files.ts";
import { mustRun, runProgram } from "../../programs.ts";
import { pathOf } from "../../paths.ts";

const version = "26.10.1";
const recipe = `crossbar ${version} 1`;

// Debian's own Python, because another one in PATH may lack the venv module.
const python = "/usr/bin/python3";

/**
 * Creates the virtual environment unless it is complete; takes more than a minute. Throws with the reason on failure.
 */
export async function installCrossbar(parts: PartsFolder, say: (text: string) => void): Promise<void> {
  if (await isInstalled(parts.crossbar, recipe)) return;
  say(`installing Crossbar.io ${version} (380 MB, about 80 s)`);
  await removeIfThere(parts.crossbar);
  await mustRun(python, ["-m", "venv", parts.crossbar]);
  const install = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  const pins = pathOf("crossbar_pins.txt", import.meta.url);
  const pinned = [...install, "--constraint", pins, `crossbar==${version}`];
  // One of its packages would compile an optional extension, which needs a compiler.
  const env = { PYUBJSON_NO_EXTENSION: "1" };
  const first = await runProgram(`${parts.crossbar}/bin/python`, pinned, { env });
  if (!first.success) {
    say("the pinned versions do not fit this machine; installing the newest ones from PyPI");
    await mustRun(`${parts.crossbar}/bin/python`, [...install, "crossbar==26.*"], { env });
  }
  await mustRun(parts.crossbarProgram, ["version"]);
  await markInstalled(parts.crossbar, recipe);
}
