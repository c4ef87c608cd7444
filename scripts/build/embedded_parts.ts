/** The files that an executable carries besides the bundle, and that a launcher finds next to itself. */

import { buildProgram } from "../frp/build_program.ts";
import { partsFolder } from "../testbed/setup/folder.ts";
import type { Target } from "./target.ts";

/** How a part is made. */
export interface MakePartOptions {
  /** Where the results go. */
  folder: string;
  environment: Readonly<Record<string, string>>;
  /** Prints a line. */
  say(text: string): void;
}

/** A file for each platform. */
export interface EmbeddedPart {
  name: string;
  /** The name of the file for a target; undefined when there is none. */
  fileFor(target: Pick<Target, "name">): string | undefined;
  /** Makes it in the folder of the results. Throws with the reason on failure. */
  make(target: Pick<Target, "name">, options: MakePartOptions): Promise<void>;
}

/** The program that runs tunnels, packed. `lib/tunnels/client_program.ts` looks for it under this name. */
const tunnelClient: EmbeddedPart = {
  name: "tunnel client",
  // Virus scanners flag it on Windows.
  fileFor: ({ name }) => name.startsWith("windows/") ? undefined : `frpc-${name.replace("/", "-")}.gz`,
  make: async (target, { folder, environment, say }) => {
    const parts = partsFolder({ get: (name) => environment[name] });
    const program = await buildProgram({ program: "frpc", platform: target.name }, {
      parts,
      say: (text) => say(`-      ${text}`),
    });
    const file = await Deno.open(program);
    await Deno.writeFile(
      `${folder}/${tunnelClient.fileFor(target)}`,
      file.readable.pipeThrough(new CompressionStream("gzip")),
    );
  },
};

/** All of them, in the order in which they are embedded. */
export const embeddedParts: readonly EmbeddedPart[] = [tunnelClient];
