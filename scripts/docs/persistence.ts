/** Makes the page about what survives a restart from the database that the migrations make. */

import { isDict } from "../../lib/base/json.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Database } from "../../lib/store/database.ts";
import { code, table } from "./markdown.ts";

/** A table of the database, with its columns in order. */
export interface DatabaseTable {
  name: string;
  columns: readonly string[];
}

/** One step by which the schema came to be. */
export interface AppliedMigration {
  number: number;
  name: string;
}

/** What a fresh database has. */
export interface Schema {
  tables: readonly DatabaseTable[];
  migrations: readonly AppliedMigration[];
}

/** What each table is for, and how long a row stays. A table without words fails `renderPersistence()`. */
const words: Readonly<Record<string, readonly [what: string, stays: string]>> = {
  AppStates: ["each app: state, installed version and release", "until the app is removed"],
  AppStateHistory: ["earlier states of apps; written, never read", "the newest 10,000"],
  RequestedAppStates: [
    "what Studio requested last for each app, with variables, ports, compose files and registry logins",
    "until the app is removed",
  ],
  LogHistory: ["the last log lines of each app, at most 100 and 1 MiB", "until the app is removed"],
  DeviceStates: ["one row for the reference agent; not used", "always"],
  DeviceStateHistory: ["of the reference agent; not used", "always empty"],
  ReagentUpdates: [
    "updates under way or on probation, with the version and settings to fall back to, and releases that failed",
    "until the release has proven itself, or Studio requests the update again",
  ],
  ReagentRetries: [
    "how often an app has failed in a row",
    "until Studio requests something; after ten minutes of running the next failure is a first one",
  ],
  ReagentOutbox: ["state reports that Studio has not accepted yet", "until Studio accepts them; the newest 500"],
  ReagentVolumes: [
    "volumes without a name that containers of earlier agents have left to apps",
    "until the app is removed",
  ],
  ReagentRemotePorts: ["ports of the tunnel server that Studio has granted to apps", "until the app is removed"],
  ReagentMessages: ["agent messages in app logs that could not be sent yet", "until they are sent; the newest 500"],
  ReagentMigrations: ["which migrations have run", "always"],
};

/** The schema of a database that is made on the spot and thrown away. */
export function readSchema(): Schema {
  const folder = Deno.makeTempDirSync({ prefix: "reagent-schema-" });
  try {
    using database = Database.open(`${folder}/schema.db`, { log: silentLog });
    return { tables: readTables(database), migrations: readMigrations(database) };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** The page as Markdown, not yet formatted. Throws for a table of which it does not know what it is for. Pure. */
export function renderPersistence({ tables, migrations }: Schema): string {
  const rows = tables.map(({ name }) => {
    const [what, stays] = words[name] ?? [];
    if (what === undefined || stays === undefined) {
      throw new Error(`scripts/docs/persistence.ts has no words for ${name}`);
    }
    return [code(name), what, stays];
  });
  const columnLists = tables.map(({ name, columns }) => `- ${code(name)}: ${columns.map(code).join(", ")}`);
  const steps = migrations.map(({ number, name }) => [`${number}`, name]);
  return `# What survives a restart

Made by \`deno task docs\` from \`lib/store/migrations.ts\`; edit that, or \`scripts/docs/persistence.ts\`.

${kept}

## Tables of the database

A commit is on the disk when it returns, so an answered request survives a power loss. Only the mere states of apps and
the last lines of their logs are on the disk later, with the next commit or checkpoint: after a power loss an app may be
stored in an earlier state, which the start corrects from what the engine has. The end of the process loses nothing.
Tables whose name begins with
\`Reagent\` are this agent's own. The others are the reference agent's, so that a device can go back to it: columns and
tables are only ever added.

${table(["Table", "What it holds", "How long"], rows)}

The columns:

${columnLists.join("\n")}

## Migrations

Each runs once, in a transaction of its own.

${table(["Number", "What it adds"], steps)}
`;
}

const kept = `## Kept

| What | Where |
| --- | --- |
| identity, project and secret of the device | the \`.flock\` file |
| apps, requests, reports and messages that wait, updates on probation | the database, see below |
| containers and images; containers keep running while the agent is away | the container engine |
| an app's data and its variables as files | the apps folder |
| what was begun in the folder of an app, until it ends or the machine restarts | \`.unfinished_work\` in the apps folder |
| which shells of terminals run, so that a start after a kill of the agent ends them | \`open_shells.json\` in the agent's folder |
| the newest index of versions, how the latest update of the agent ended, and versions that were rolled back | \`self_update.json\` in the agent's folder |
| how far a switch to a new version of the agent has come | the links \`reagent\` and \`reagent.fallback\`, and \`self_update.state\`, in the agent's folder |
| the agent's own log | the log file |

## Not kept

- **The key of app credentials and Studio's address.** Both are fetched on every connect.
- **A transition in progress.** It is planned again from the stored request and what the engine has.
- **The wait before the next retry.** The count of failures is kept, but after a restart the app is tried at once.
- **The time a release has run on probation.** The minute starts again.
- **The register of host ports.** It fills again from stored requests and existing containers.
- **Log lines that were not sent yet.** They are in the container's own log.
- **A request that a full disk could not store.** It is carried out from memory. If the agent ends before it could be
  stored, the next connect fetches it from Studio again.

A damaged database is set aside. Apps are then taken over from their containers, and everything else comes from Studio
on the next connect.`;

function readTables(database: Database): DatabaseTable[] {
  const names = database.all(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rootpage",
  );
  return names.map(({ name }) => {
    const columns = database.all(`PRAGMA table_info(${String(name)})`);
    return { name: String(name), columns: columns.map((column) => String(column.name)) };
  });
}

function readMigrations(database: Database): AppliedMigration[] {
  return database.all("SELECT number, name FROM ReagentMigrations ORDER BY number").filter(isDict).map((row) => {
    return { number: Number(row.number), name: String(row.name) };
  });
}
