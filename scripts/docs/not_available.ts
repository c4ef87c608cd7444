/** Makes the page about what is missing from the table of procedures. Pure. */

import type { ProcedureRow } from "../../lib/handlers/procedure.ts";
import { code } from "./markdown.ts";

/** What is missing beyond procedures, one sentence each. */
const alsoMissing = [
  "Tunnels. `get_tunnel_state` answers with an empty list, and apps get no remote ports but those of the cloud.",
  "The topic `wamp.registration.on_unregister`. The agent does not subscribe to it.",
  "Switching to a new version of the agent on Windows. It is put in its place, and somebody starts it. The switch is " +
  "written (`lib/self_update/windows_swap.ts`) and waits for the service; it was tried on Linux only, never on Windows.",
  "The Windows service: `service <verb> --dry-run` prints its steps. Restarting the agent on Windows.",
  "The disk guard on anything but Linux.",
];

/** The page as Markdown, not yet formatted. */
export function renderNotAvailable(rows: readonly ProcedureRow[]): string {
  const missing = rows.filter((row) => !row.isAvailable);
  const areas = Map.groupBy(missing, (row) => "laterIssue" in row ? String(row.laterIssue) : "unknown");
  const lines = [...areas].map(([area, procedures]) => {
    return `- ${area}: ${procedures.map((row) => code(row.name)).join(", ")}`;
  });
  return `# Not available yet

Made by \`deno task docs\` from \`lib/handlers/procedures.ts\`; edit that, or \`scripts/docs/not_available.ts\`.

## Procedures

${
    missing.length === 0
      ? `All ${rows.length} procedures are available.`
      : `${missing.length} of ${rows.length} procedures are registered, check their caller, and answer \`not available in this version\`:

${lines.join("\n")}`
  }

## Also missing

${alsoMissing.map((text) => `- ${text}`).join("\n")}
`;
}
