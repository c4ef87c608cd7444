/** A project with a build, and a place to publish to, for tests of the tasks that publish. */

import { ownPlatform } from "../../../scripts/build/target.ts";
import { openStore } from "../../../scripts/publish/open_store.ts";
import { readSmall } from "../../../scripts/publish/release_store.ts";
import { publish } from "../../../scripts/publish.ts";
import { rollout } from "../../../scripts/rollout.ts";

/** A place for one test. */
export interface PublishPlace extends AsyncDisposable {
  folder: string;
  /** What the tasks have printed. */
  printed: string[];
  /** Sets the version and makes a build with an executable for each platform; the one of this machine runs. */
  makeBuild(version: string, platforms?: readonly string[]): Promise<void>;
  /** Runs a task; `--to` is added. */
  run(task: string, ...args: string[]): Promise<number>;
  /** The files of the store. */
  files(): Promise<string[]>;
  /** A file of the store; undefined when it is missing. */
  read(path: string): Promise<string | undefined>;
  /** Replaces a file of the store. */
  write(path: string, text: string): Promise<void>;
}

/** The platform of this machine, as the name of a file has it. */
export const ownName = `reagent-${ownPlatform().replace("/", "-")}`;

/** Makes a place. `to` gets the folder of the test. */
export async function makePublishPlace(
  to: (folder: string) => string,
  { environment = {} }: { environment?: Readonly<Record<string, string>> } = {},
): Promise<PublishPlace> {
  const folder = await Deno.makeTempDir({ prefix: "reagent-publish-" });
  const root = `${folder}/project/`;
  await Deno.mkdir(`${root}build`, { recursive: true });
  const printed: string[] = [];
  const output = {
    isTerminal: () => false,
    writeSync: (bytes: Uint8Array) => {
      printed.push(new TextDecoder().decode(bytes).trimEnd());
      return bytes.length;
    },
  };
  const store = openStore(to(folder), { environment });
  return {
    folder,
    printed,
    makeBuild: (version, platforms) => makeBuild(root, { version, platforms }),
    run: async (task, ...args) => {
      printed.length = 0;
      const surroundings = { root, environment, output };
      const all = ["--to", to(folder), ...args];
      return task === "rollout" ? await rollout(all, surroundings) : await publish([task, ...all], surroundings);
    },
    files: () => store.list(""),
    read: (path) => readSmall(store, path),
    write: (path, text) => store.write(path, { content: { bytes: new TextEncoder().encode(text) } }),
    [Symbol.asyncDispose]: async () => {
      store[Symbol.dispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function makeBuild(
  root: string,
  { version, platforms = [ownPlatform()] }: { version: string; platforms?: readonly string[] | undefined },
): Promise<void> {
  await Deno.writeTextFile(`${root}deno.json`, `{ "version": "${version}" }\n`);
  const channels = { production: version, test: version, all: version };
  await Deno.writeTextFile(`${root}availableVersions.json`, JSON.stringify(channels));
  await Deno.remove(`${root}build`, { recursive: true });
  await Deno.mkdir(`${root}build`);
  // What else a build leaves there must not be published.
  await Deno.writeTextFile(`${root}build/reagent.js`, "the bundle");
  await Deno.writeTextFile(`${root}build/SHA256SUMS`, "");
  for (const platform of platforms) {
    const name = `reagent-${platform.replace("/", "-")}`;
    const program = `#!/bin/sh\n# ${platform}\necho ${version}\n`;
    await Deno.writeTextFile(`${root}build/${name}`, program, { mode: 0o755 });
    await Deno.writeTextFile(`${root}build/${name}.cdx.json`, "{}\n");
  }
}
