/** Which shell a terminal in a container gets. Pure. */

const preferred: ReadonlySet<string> = new Set(["/bin/zsh", "/bin/bash"]);

/** The first of `/bin/zsh` and `/bin/bash` in the text of `/etc/shells`; `/bin/sh` when it lists neither. */
export function chooseShell(etcShells: string): string {
  return etcShells.split(/\r?\n/).find((line) => preferred.has(line)) ?? "/bin/sh";
}
