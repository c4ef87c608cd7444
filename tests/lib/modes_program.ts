/** Opens what an agent opens at its start, in the folder that is named, for tests that need another umask. */

import { systemClock } from "../../lib/async/clock.ts";
import { ConfigFile } from "../../lib/config.ts";
import { openLog } from "../../lib/log/log.ts";
import { createFolders, pathsOf } from "../../lib/paths.ts";
import { openWithRecovery } from "../../lib/store/recovery.ts";

const [root = ""] = Deno.args;
const logFile = `${root}/log/deep/reagent.log`;
const paths = pathsOf({
  agentDir: `${root}/opt/agent`,
  appsDir: `${root}/opt/agent/apps`,
  dbFileName: `${root}/opt/agent/reagent.db`,
  logFile,
});
const nowhere = {
  write: (bytes: Uint8Array) => Promise.resolve(bytes.length),
  writeSync: (bytes: Uint8Array) => bytes.length,
};
await using agentLog = openLog({
  ...{ path: logFile, isDebug: true, isPretty: false, isColored: false, clock: systemClock },
  ...{ stdout: nowhere, stderr: nowhere },
});
const { log } = agentLog;
await createFolders(paths, { log });
const config = await ConfigFile.open(`${root}/device.flock`, { log });
await config.refresh({ swarmKey: 13 });
const { database } = openWithRecovery(paths.dbFile, { log, now: new Date() });
using _database = database;
database.run("PRAGMA user_version = 1");
// The side files are there only while the database is open.
await new Deno.Command("find", { args: [root, "-mindepth", "1", "-printf", "%m %P\\n"], stdout: "inherit" }).output();
