/** Makes the page about the wire from the tables in the code. Pure. */

import { markerProcedure, procedures } from "../../lib/handlers/procedures.ts";
import type { Procedure, ProcedureRow } from "../../lib/handlers/procedure.ts";
import { backendProcedures, deviceUri } from "../../lib/backend/uris.ts";
import { routerProcedures } from "../../lib/wamp/uris.ts";
import { code, duration, table } from "./markdown.ts";
import {
  backendWords,
  type CallWords,
  publishedWords,
  routerWords,
  subscribedWords,
  type TopicWords,
} from "./wire_words.ts";

/** Everything that the page is made from. */
export interface WireTables {
  rows: readonly ProcedureRow[];
  marker: Procedure;
  /** Procedures that the agent calls, by URI. */
  called: readonly (CallWords & { uri: string })[];
  published: readonly TopicWords[];
  subscribed: readonly TopicWords[];
}

/** The tables of this agent. */
export function wireTables(): WireTables {
  const called = [
    ...callsOf(backendProcedures, backendWords),
    ...callsOf(routerProcedures, routerWords),
  ];
  return { rows: procedures, marker: markerProcedure, called, published: publishedWords, subscribed: subscribedWords };
}

/** The page as Markdown, not yet formatted. */
export function renderWire(tables: WireTables): string {
  return [head(tables.rows), shapes(tables), callers(tables), calls(tables), topics(tables)].join("\n\n");
}

function head(rows: readonly ProcedureRow[]): string {
  const available = rows.filter((row) => row.isAvailable).length;
  const uri = deviceUri("<serial>", "<name>");
  return `# The wire

Made by \`deno task docs\` from \`lib/handlers/procedures.ts\`, \`lib/backend/uris.ts\` and
\`scripts/docs/wire_words.ts\`; edit those.

One WAMP connection (JSON over a websocket, realm \`realm1\`, WAMP-CRA) to the router of Studio. The device registers
${rows.length} procedures as \`${uri}\`${
    available === rows.length
      ? "."
      : `; ${available} of them are available, the others answer \`not available in this version\` after the same check of the caller.`
  }

Every error of a procedure is \`wamp.error.canceled\` with \`[{error: text}]\`. A \`?\` marks what may be absent. Square
brackets are positional arguments or lists, braces are objects.`;
}

function shapes({ rows, marker }: WireTables): string {
  const lines = rows.map((row) => [
    code(row.name),
    row.args,
    row.result,
    row.isAvailable ? duration(row.limitMs) : `later: ${areaOf(row)}`,
  ]);
  return `## Procedures of the device

The last column is the time limit of a call, or the area that will bring the procedure.

${table(["Procedure", "Arguments", "Result", "Limit"], lines)}

The link itself registers \`${deviceUri("<serial>", marker.name)}\` on every dial, without force. It marks the device as
connected and answers \`${marker.result}\`. If another session holds it and answers, that is a second device with the same
serial number.`;
}

function callers({ rows }: WireTables): string {
  const lines = rows.map((row) => [
    code(row.name),
    row.privilege === "router" ? "whoever the router lets through" : code(row.privilege),
    code(row.deniedText),
  ]);
  return `## Who may call

The caller \`system\` may do everything, and may act for an account with \`requestor_account_key\` in the keyword arguments.
Any other caller is an account: Studio is asked for the privilege on every call. If that fails, the caller gets the error
of the check, not a denial.

${table(["Procedure", "Privilege", "Error without it"], lines)}`;
}

function calls({ called }: WireTables): string {
  const entries = called.map(({ uri, args, result, when, limitMs, laterIssue }) => {
    const later = laterIssue === undefined ? "" : `, later: ${laterIssue}`;
    return [
      `- ${code(uri)} (${duration(limitMs)}${later})`,
      `  - when: ${when}`,
      `  - arguments: ${args}`,
      `  - result: ${result}`,
    ].join("\n");
  });
  return `## Procedures that the agent calls

With the time that the agent waits for the result. What comes later is not called yet.

${entries.join("\n")}`;
}

function topics({ published, subscribed }: WireTables): string {
  const lines = (words: readonly TopicWords[]) => words.map(({ topic, payload, when }) => [code(topic), payload, when]);
  return `## Topics published

${table(["Topic", "Payload", "When"], lines(published))}

## Topics subscribed

${table(["Topic", "Payload", "What follows"], lines(subscribed))}
`;
}

function areaOf(row: ProcedureRow): string {
  return "laterIssue" in row && typeof row.laterIssue === "string" ? row.laterIssue : "unknown";
}

function callsOf<Name extends string>(
  uris: Readonly<Record<Name, string>>,
  words: Readonly<Record<Name, CallWords>>,
): (CallWords & { uri: string })[] {
  const found: (CallWords & { uri: string })[] = [];
  for (const name in uris) found.push({ ...words[name], uri: uris[name] });
  return found;
}
