/** Names of containers, of apps and others. Pure. */

/** What engines accept as the name of a container; anything else is none, and could lead to another path or topic. */
const containerNamePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,511}$/;

/** The name without the engine's slash; undefined for a text that cannot be the name of a container. */
export function readContainerName(text: string): string | undefined {
  const name = text.startsWith("/") ? text.slice(1) : text;
  return containerNamePattern.test(name) ? name : undefined;
}
