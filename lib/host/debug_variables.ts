/** Turns off what makes packages and the runtime print secrets: whole messages and headers. */

/** The variables of a process. */
export interface EnvironmentVariables {
  get(name: string): string | undefined;
  delete(name: string): void;
}

/**
 * `AUTOBAHN_DEBUG` and `AUTOBAHN_TRACE` write every message of the link, `DEBUG` and `NODE_DEBUG` every header of calls
 * to the engine and the router.
 */
export const debugVariables = ["AUTOBAHN_DEBUG", "AUTOBAHN_TRACE", "DEBUG", "NODE_DEBUG"] as const;

/**
 * Removes these variables, for this process and its children. Must run before the packages are imported, because they
 * read them only then.
 */
export function removeDebugVariables(environment: EnvironmentVariables): void {
  // The runtime has read this one already. It prints by `console.error`, which nothing else in the agent uses.
  if (environment.get("NODE_DEBUG")) Object.assign(globalThis.console, { error: () => {} });
  for (const name of debugVariables) environment.delete(name);
}
