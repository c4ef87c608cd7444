/** Queries of the agent's own log by many callers. What answers them is loaded with the first one. */

import { SharedJobs } from "../async/shared_jobs.ts";
import type { FoundOwnLines, OwnLogQuery } from "./own_log_query.ts";

/** Queries at once: each may read hundreds of megabytes to find little. */
export const ownLogLimits = { what: "query the log of the agent", atOnce: 2, queueLimit: 100, callerLimit: 1_000 };

/** Answers queries of the log at `path`; see `queryOwnLog()`. Also throws `busy`. */
export function ownLogQueries(path: string): (query: OwnLogQuery, signal: AbortSignal) => Promise<FoundOwnLines> {
  const jobs = new SharedJobs<FoundOwnLines>(ownLogLimits);
  return async (query, signal) => {
    const { queryOwnLog } = await import("./own_log_query.ts");
    return await jobs.run(JSON.stringify(query), (life) => queryOwnLog(path, query, life), signal);
  };
}
