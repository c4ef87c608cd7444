/** The addon that opens pseudoterminals: from the folder of packages, or from the bundle, which carries it as text. */

import { AgentError } from "../base/errors.ts";

/** The members of the addon that are used. */
export interface PtyAddon {
  /** Runs a program on a new pseudoterminal, in a session of its own. `fd` is the master side. */
  // deno-lint-ignore house/positional-arguments -- the signature of the addon
  fork(
    file: string,
    args: string[],
    environment: string[],
    folder: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    isUtf8: boolean,
    helper: string,
    onExit: (code: number, signal: number) => void,
  ): { fd: number; pid: number };
  // deno-lint-ignore house/positional-arguments -- likewise
  resize(fd: number, columns: number, rows: number): void;
}

/** `scripts/build.ts` puts the addons in the place of these texts: base64 of gzip. */
const embedded: Readonly<Record<string, string>> = {
  "linux-x64": "reagent:pty-addon:linux-x64",
  "linux-arm64": "reagent:pty-addon:linux-arm64",
};

const unfilled = "reagent:";

/** Loads the addon of this platform. Throws `not_available` when there is none, or when it cannot be loaded here. */
export async function loadPtyAddon(): Promise<PtyAddon> {
  const platform = `${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
  const text = embedded[platform];
  try {
    // A bundle loads what it imports in the usual way at its start.
    const { createRequire } = await import("node:module");
    if (text === undefined) throw new Error(`there is none for ${platform}`);
    const addon: unknown = text.startsWith(unfilled)
      ? createRequire(import.meta.url)(`@lydell/node-pty-${platform}/pty.node`)
      : await loadFromText(text, createRequire);
    if (!isPtyAddon(addon)) throw new Error("it is another module");
    return addon;
  } catch (error) {
    throw new AgentError("not_available", "Cannot load the addon for pseudoterminals", { cause: error });
  }
}

/** An addon is loaded from a file; the file can go as soon as it is. */
async function loadFromText(
  text: string,
  createRequire: (file: string) => (file: string) => unknown,
): Promise<unknown> {
  const unpacked = new Blob([Uint8Array.fromBase64(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(unpacked).bytes();
  const folder = await Deno.makeTempDir({ prefix: "reagent-pty-" });
  try {
    const file = `${folder}/pty.node`;
    await Deno.writeFile(file, bytes, { mode: 0o700 });
    return createRequire(file)(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function isPtyAddon(value: unknown): value is PtyAddon {
  return typeof value === "object" && value !== null && "fork" in value && "resize" in value;
}
