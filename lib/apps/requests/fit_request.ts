/** Keeps what is stored for apps within the limits of the device. */

import type { AppRequest } from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import { allRequestsLimitBytes, appLimit, requestLimitBytes } from "../../model/request_limits.ts";
import { requestBytes } from "../../store/request_rows.ts";
import { freesSpace } from "../plan/decide.ts";
import type { AppRecords } from "../state/app_records.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { stableTarget } from "../state/transitions.ts";

/**
 * The request as it may be stored. Throws `bad_request` with the limit that it is beyond. Within them is always: a
 * request for a known app that is no bigger than the one before; and one that frees space, which then goes without
 * variables, ports, compose files and logins of its own.
 */
export function fitRequest(
  records: Pick<AppRecords, "count" | "request" | "requestBytes" | "allRequestBytes">,
  { request, known }: { request: AppRequest; known: LiveApp | undefined },
): AppRequest {
  if (known === undefined) assertPlace(records, request);
  const bytes = requestBytes(request);
  const beforeBytes = records.requestBytes(request);
  if (bytes <= beforeBytes) return request;
  const excess = excessOfBytes({ bytes, allBytes: records.allRequestBytes() - beforeBytes + bytes });
  if (excess === undefined) return request;
  if (!freesSpace(known, request)) throw beyondLimits(excess);
  const before = known && records.request(request);
  return {
    ...request,
    environment: before?.environment ?? {},
    environmentTemplate: before?.environmentTemplate ?? {},
    ports: before?.ports ?? [],
    otherPorts: before?.otherPorts ?? [],
    dockerCompose: before?.dockerCompose ?? null,
    newDockerCompose: before?.newDockerCompose ?? null,
    dockerCredentials: before?.dockerCredentials ?? {},
  };
}

/** An app that is to be removed is forgotten once Studio has heard of it, so there is more place for those. */
function assertPlace(records: Pick<AppRecords, "count">, request: AppRequest): void {
  const limit = isGone(stableTarget(request.target)) ? 2 * appLimit : appLimit;
  if (records.count() >= limit) throw beyondLimits(`the device has ${appLimit} apps, which is the limit`);
}

function excessOfBytes({ bytes, allBytes }: { bytes: number; allBytes: number }): string | undefined {
  if (bytes > requestLimitBytes) return `it has ${bytes} bytes; the limit is ${requestLimitBytes}`;
  if (allBytes <= allRequestsLimitBytes) return undefined;
  return `all apps together would have ${allBytes} bytes; the limit is ${allRequestsLimitBytes}`;
}

function beyondLimits(why: string): AgentError {
  return new AgentError("bad_request", `Cannot store the request: ${why}`);
}
