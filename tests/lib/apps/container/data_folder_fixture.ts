/** A folder for apps, with one app in it. */

import { DataFolder } from "../../../../lib/apps/container/data_folder.ts";
import type { Variable } from "../../../../lib/apps/container/variable.ts";
import type { PortRule } from "../../../../lib/model/app.ts";

/** The app. */
export const id = { appKey: 7, stage: "PROD" } as const;

/** A folder for apps, with one app in it. */
export interface World extends AsyncDisposable {
  /** The folder of all apps; its parent holds nothing else. */
  appsDir: string;
  app: DataFolder;
  env: string;
  /** The files of the env folder, with their content. */
  files(): Promise<Record<string, string>>;
}

/** Creates a temporary folder for apps, and nothing in it. */
export async function makeWorld(): Promise<World> {
  const root = await Deno.makeTempDir();
  const appsDir = `${root}/apps`;
  const app = new DataFolder({ appsDir }, { id, appName: "Fan_Ctl" });
  const env = `${app.path}/env`;
  return {
    appsDir,
    app,
    env,
    files: async () => {
      const names = (await Array.fromAsync(Deno.readDir(env), ({ name }) => name)).filter((name) => name.endsWith("t"));
      const texts = await Promise.all(
        names.sort().map(async (name) => [name, await Deno.readTextFile(`${env}/${name}`)]),
      );
      return Object.fromEntries(texts);
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** Variables by name. */
export function variables(values: Record<string, string>): Variable[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** A rule for port 502 without remote ports; `overrides` replaces members of it. */
export function rule(overrides: Partial<PortRule> = {}): PortRule {
  return {
    main: false,
    name: "",
    active: true,
    public: false,
    port: 502,
    protocol: "tcp",
    localIp: "",
    remotePortEnvironment: "",
    remotePort: 0,
    hostPort: 0,
    cloudRemotePort: 0,
    reservedHostPort: 0,
    reservedRemotePort: 0,
    reservationError: "",
    extra: {},
    ...overrides,
  };
}

/** The mode of what is at `path` itself, as `755`. */
export async function modeOf(path: string): Promise<string> {
  return (((await Deno.lstat(path)).mode ?? 0) & 0o7777).toString(8);
}

/** True when something is at `path`, even a broken link. */
export async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
