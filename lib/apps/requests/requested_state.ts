/** Reads the rows of Studio's answer to the question what it wants of all apps. Pure. */

import { type AppId, type AppRequest, isAppState, isStage } from "../../model/app.ts";
import { assertBounds, type Bounds } from "../../base/bounds.ts";
import { isUsableAppName } from "../../model/app_names.ts";
import { decodePortRules } from "../../model/port_rule.ts";
import { requestBounds } from "../../model/request_limits.ts";
import { type Dict, isCount, isDict, readCount, readText, reject } from "../../base/json.ts";
import { isStorableState } from "../state/transitions.ts";
import { Bulk } from "./bulk.ts";
import { readLogins } from "./logins.ts";
import type { DecodedRequest } from "./state_request.ts";

/** What an error calls a row. */
const rowName = "requested app state";

/**
 * Reads a row. A member of the wrong type counts as missing. Throws `bad_request` when the app or its wanted state
 * cannot be read, or a member is too big.
 */
export function decodeRequestedState(row: unknown): DecodedRequest {
  if (!isDict(row)) return reject(rowName, "row", { expected: "an object", got: row });
  const { appKey, appName, stage, target } = decodeTarget(row);
  const count = (name: string) => isCount(row[name]) ? row[name] : 0;
  const text = (name: string) => {
    const value = readText(row[name]) ?? "";
    assertBounds(value, { where: rowName, path: name, bounds: requestBounds.text });
    return value;
  };
  const { problems, ...bulk } = decodeBulk(row, { stage, target });
  const request: AppRequest = {
    appKey,
    stage,
    appName,
    target,
    current: isAppState(row["current_state"]) ? row["current_state"] : undefined,
    requestorAccountKey: count("requestor_account_key"),
    deviceOwnerAccountKey: count("device_owner_account_key"),
    releaseKey: count("release_key"),
    newReleaseKey: count("new_release_key"),
    version: text("present_version"),
    presentVersion: text("present_version"),
    newestVersion: text("newest_version"),
    requestUpdate: row["request_update"] === true,
    cancelTransition: false,
    ...bulk,
    instanceKey: 0,
    appCredEpoch: readCount(row["app_cred_epoch"]) ?? 0,
  };
  return { request, problems };
}

/** The app of a row that wants no state of it: Studio may store `INHERIT`. Undefined for any other row. */
export function inheritingApp(row: unknown): AppId | undefined {
  if (!isDict(row) || row["target_state"] !== "INHERIT") return undefined;
  const { app_key: appKey, stage } = row;
  return isCount(appKey) && appKey > 0 && isStage(stage) ? { appKey, stage } : undefined;
}

/** The members that can be big. */
function decodeBulk(row: Dict, { stage, target }: Pick<AppRequest, "stage" | "target">) {
  const bulk = new Bulk(rowName, { target });
  const dict = (path: string, bounds: Bounds) => {
    const value = row[path];
    return isDict(value) ? bulk.measured(value, { path, bounds }) ?? null : null;
  };
  // Studio sends them for DEV apps only; what cannot be read counts as missing.
  const logins = stage === "DEV" ? dict("docker_credentials", requestBounds.logins) : null;
  const ports = decodePortRules(bulk.measured(row["ports"], { path: "ports", bounds: requestBounds.ports }));
  return {
    environment: dict("environment", requestBounds.variables) ?? {},
    environmentTemplate: dict("environment_template", requestBounds.variables) ?? {},
    ports: ports.rules,
    otherPorts: ports.others,
    dockerCompose: dict("docker_compose", requestBounds.compose),
    newDockerCompose: dict("new_docker_compose", requestBounds.compose),
    dockerCredentials: readLogins(logins ?? {}) ?? {},
    problems: [...bulk.problems, ...ports.problems],
  };
}

/** The members without which a row means nothing. */
function decodeTarget(row: Dict): Pick<AppRequest, "appKey" | "appName" | "stage" | "target"> {
  const fail = (path: string, expected: string) => reject(rowName, path, { expected, got: row[path] });
  const { app_key: appKey, app_name: appName, stage, target_state: target } = row;
  if (!isCount(appKey) || appKey === 0) return fail("app_key", "a whole number above 0");
  if (typeof appName !== "string" || !isUsableAppName(appName)) return fail("app_name", "the name of an app");
  if (!isStage(stage)) return fail("stage", "DEV or PROD");
  if (!isStorableState(target)) return fail("target_state", "a state");
  return { appKey, appName, stage, target };
}
