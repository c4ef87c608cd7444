/** The system bus, which is loaded and connected with its first use. */

import type { SystemBus, SystemBusOptions } from "./system_bus.ts";

/** The bus of the agent, shared by all areas. */
export interface LazyBus extends AsyncDisposable {
  /** The bus. Loads it the first time; whether there is one shows in its calls. */
  load(): Promise<SystemBus>;
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
    [Symbol.asyncDispose]: async () => await (await loaded)?.[Symbol.asyncDispose](),
  };
}
