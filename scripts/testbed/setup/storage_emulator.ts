/** Installs a service with the API of Google Cloud Storage from PyPI, in a virtual environment of its own. */

import { removeIfThere } from "../../files.ts";
import { mustRun } from "../../programs.ts";
import { isInstalled, markInstalled, type PartsFolder } from "./folder.ts";

const packages = ["gcp-storage-emulator==2024.8.3", "google-crc32c==1.7.1"];
const recipe = `${packages.join(" ")} 1`;

// Debian's own Python, because another one in PATH may lack the venv module.
const python = "/usr/bin/python3";

/** Creates the virtual environment unless it is complete. Throws with the reason on failure. */
export async function installStorageEmulator(parts: PartsFolder, say: (text: string) => void): Promise<void> {
  if (await isInstalled(parts.storage, recipe)) return;
  say("installing the storage emulator");
  await removeIfThere(parts.storage);
  await mustRun(python, ["-m", "venv", parts.storage]);
  const install = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  await mustRun(`${parts.storage}/bin/python`, [...install, ...packages]);
  await mustRun(parts.storageProgram, ["--help"]);
  await markInstalled(parts.storage, recipe);
}
