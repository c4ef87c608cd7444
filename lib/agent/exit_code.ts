/** What the end of the link means for the agent. */

import type { Log } from "../base/log.ts";
import type { LinkEnd } from "../wamp/link.ts";

/** Prints why the link has ended for good, in the words that installers know. Returns the exit code of the agent. */
export function exitCodeOf(
  end: LinkEnd["kind"],
  { announce, log, serialNumber }: { announce(line: string): void; log: Log; serialNumber: string },
): number {
  switch (end) {
    case "authRejected":
      announce("The IronFlock device connect authentication failed");
      return 1;
    case "duplicate":
      announce(`a WAMP connection for ${serialNumber} already exists`);
      return 1;
    case "testamentRefused":
      log.fatal("The router refuses the device's testament");
      return 1;
    case "stopped":
      // Nobody asked for it; a supervisor starts the agent again.
      return 1;
  }
}
