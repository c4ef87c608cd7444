/** Refuses requests that would lead to a pull of nothing. Pure. */

import type { AppRequest } from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import type { Dict } from "../../base/json.ts";
import { freesSpace } from "../plan/decide.ts";
import type { LiveApp } from "../state/live_app.ts";
import { stableTarget } from "../state/transitions.ts";

/**
 * Throws `bad_request` when Studio names versions, all of them empty, although one is needed. An app that has a version
 * can be started and stopped without naming it. `kwargs` are the arguments that the request was read from.
 */
export function assertNeededVersion(
  request: AppRequest,
  { kwargs, known }: { kwargs: Dict; known: LiveApp | undefined },
): void {
  const given = ["version", "present_version", "newest_version"].map((name) => kwargs[name]);
  const texts = given.filter((value) => typeof value === "string");
  const isEmpty = texts.length > 0 && [known?.version ?? "", ...texts].every((text) => text.trim() === "");
  if (!isEmpty || freesSpace(known, request)) return;
  const target = stableTarget(request.target);
  const isForVersion = request.stage === "PROD" && (target === "RUNNING" || target === "PRESENT");
  if (!isForVersion || request.dockerCompose !== null || request.newDockerCompose !== null) return;
  throw new AgentError("bad_request", "missing from payload newest_version");
}
