/** The system bus, which is loaded and connected with its first use. */

import { existsSync } from "../files/exists.ts";
import { busSocketPaths } from "./bus_address.ts";
import type { SystemBus, SystemBusOptions } from "./system_bus.ts";

/** The bus of the agent, shared by all areas. */
export interface LazyBus extends AsyncDisposable {
  /** The bus. Loads it the first time; whether there is one shows in its calls. */
  load(): Promise<SystemBus>;
  /** Whether it is worth loading: a socket is where the bus listens. */
  isThere(): boolean;
}

/** Creates it; nothing is loaded or opened. */
export function createLazyBus(options: SystemBusOptions): LazyBus {
  let loaded: Promise<SystemBus> | undefined;
  const load = async () => {
    const { SystemBus } = await import("./system_bus.ts");
    return new SystemBus(options);
  };
  return {
    load: () => loaded ??= load(),
    isThere: () => hasSocket(options.address),
    [Symbol.asyncDispose]: async () => await (await loaded)?.[Symbol.asyncDispose](),
  };
}

/** An abstract socket cannot be looked for, so it counts as there. */
function hasSocket(address: string | undefined): boolean {
  try {
    return busSocketPaths(address).some((path) => path.startsWith("\0") || existsSync(path));
  } catch {
    // An address that names no socket leads nowhere.
    return false;
  }
}
