/** The one form in which hosts of registries are compared and stored. Pure. */

/** Other names of the registry whose images are named without a host. */
const hubNames: ReadonlySet<string> = new Set(["index.docker.io", "registry-1.docker.io"]);

/**
 * The host of a registry, with its port, as image references spell it: `https://Registry.example.com/v2/` is
 * `registry.example.com`. Empty for a text without a host.
 */
export function registryHost(text: string): string {
  const [host = ""] = text.trim().replace(/^https?:\/\//i, "").split("/");
  const plain = host.trim().toLowerCase();
  return hubNames.has(plain) ? "docker.io" : plain;
}

/** Entries by the hosts of registries. Entries without a host are dropped, and of two for one host the first counts. */
export function byRegistryHost<T>(entries: readonly (readonly [host: string, entry: T])[]): Record<string, T> {
  const byHost = new Map<string, T>();
  for (const [name, entry] of entries) {
    const host = registryHost(name);
    if (host !== "" && !byHost.has(host)) byHost.set(host, entry);
  }
  return Object.fromEntries(byHost);
}
