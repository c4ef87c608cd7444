/**
 * Where the agent's socket is: in a folder that nobody but the agent's user can enter, so that no file in its place,
 * no link and no moment before a change of modes can let anybody else in.
 */

/** The folder in that of the agent, and the socket in it. */
export const socketNames = { folder: "local", socket: "agent.sock" } as const;

/** Bytes of a path that a socket can be bound to, without the zero at its end. macOS takes the fewest. */
const socketPathBytes = 103;

/** The path of the socket, as people know it. */
export function socketPath(agentDir: string): string {
  return `${agentDir.replace(/(?<=.)\/+$/, "")}/${socketNames.folder}/${socketNames.socket}`;
}

/** Whether the system takes a path of this length for a socket. */
export function isShortEnough(path: string): boolean {
  return new TextEncoder().encode(path).length <= socketPathBytes;
}
