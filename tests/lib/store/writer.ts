/** Child process of a test: stores one app after the other and writes the key of each to stdout once it is stored. */

import { silentLog } from "../../../lib/base/log.ts";
import { Database } from "../../../lib/store/database.ts";
import { storeAppAndRequest } from "../../../lib/store/request_rows.ts";
import { sampleRequest } from "./samples.ts";

const [path = "", first = "1"] = Deno.args;
using database = Database.open(path, { log: silentLog });
const encoder = new TextEncoder();
for (let appKey = Number(first); appKey < 100_000; appKey++) {
  const id = { appKey, stage: "PROD" } as const;
  const app = {
    id,
    appName: `app${appKey}`,
    state: "PRESENT",
    version: "1",
    releaseKey: 1,
    target: "RUNNING",
  } as const;
  storeAppAndRequest(database, app, { request: sampleRequest({ ...id, appName: app.appName }), now: new Date() });
  Deno.stdout.writeSync(encoder.encode(`${appKey}\n`));
}
