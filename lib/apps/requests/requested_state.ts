/** Reads the rows of Studio's answer to the question what it wants of all apps. Pure. */

import { type AppId, type AppRequest, isAppState, isStage } from "../../model/app.ts";
import { assertBounds, type Bounds } from "../../base/bounds.ts";
import { isUsableAppName } from "../../model/app_names.ts";
import { decodePortRules } from "../../model/port_rule.ts";
import { requestBounds } from "../../model/request_limits.ts";
import { type Dict, isCount, isDict, readNumber, reject } from "../../base/json.ts";
import { isStorableState } from "../state/transitions.ts";
import { Bulk } from "./bulk.ts";
import { readLogins } from "./logins.ts";
import { fieldLeftOut, RowFields } from "./row_fields.ts";
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
  const fields = new RowFields(row);
  const count = (name: string) => fields.count(name);
  const text = (name: string) => {
    const value = fields.text(name);
    assertBounds(value, { where: rowName, path: name, bounds: requestBounds.text });
    return value;
  };
  const { problems, leftOut, ...bulk } = decodeBulk(row, { fields, stage, target });
  const presentVersion = text("present_version");
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
    version: presentVersion,
    presentVersion,
    newestVersion: text("newest_version"),
    requestUpdate: fields.flag("request_update"),
    cancelTransition: false,
    ...bulk,
    instanceKey: 0,
    appCredEpoch: count("app_cred_epoch"),
  };
  return { request, problems: [...problems, ...fields.leftOut], leftOut: [...leftOut, ...fields.leftOut] };
}

/** The app of a row that wants no state of it: Studio may store `INHERIT`. Undefined for any other row. */
export function inheritingApp(row: unknown): AppId | undefined {
  if (!isDict(row) || row["target_state"] !== "INHERIT") return undefined;
  const { stage } = row;
  const appKey = readNumber(row["app_key"]);
  return isCount(appKey) && appKey > 0 && isStage(stage) ? { appKey, stage } : undefined;
}

/** The members that can be big. */
function decodeBulk(
  row: Dict,
  { fields, stage, target }: Pick<AppRequest, "stage" | "target"> & { fields: RowFields },
) {
  const bulk = new Bulk(rowName, { target });
  const dict = (path: string, bounds: Bounds) => {
    const value = fields.dict(path);
    return value === undefined ? null : bulk.measured(value, { path, bounds }) ?? null;
  };
  // Studio sends them for DEV apps only; what cannot be read counts as missing.
  const logins = stage === "DEV" ? dict("docker_credentials", requestBounds.logins) : null;
  const ports = decodePortRules(bulk.measured(row["ports"], { path: "ports", bounds: requestBounds.ports }));
  const isList = Array.isArray(row["ports"] ?? []);
  const big = {
    environment: dict("environment", requestBounds.variables) ?? {},
    environmentTemplate: dict("environment_template", requestBounds.variables) ?? {},
    ports: ports.rules,
    otherPorts: ports.others,
    dockerCompose: dict("docker_compose", requestBounds.compose),
    newDockerCompose: dict("new_docker_compose", requestBounds.compose),
    dockerCredentials: readLogins(logins ?? {}) ?? {},
  };
  const noList = isList ? [] : [fieldLeftOut("ports", "it must be a list")];
  return { ...big, problems: [...bulk.problems, ...ports.problems], leftOut: [...bulk.leftOut, ...noList] };
}

/** The members without which a row means nothing. */
function decodeTarget(row: Dict): Pick<AppRequest, "appKey" | "appName" | "stage" | "target"> {
  const fail = (path: string, expected: string) => reject(rowName, path, { expected, got: row[path] });
  const { app_name: appName, stage, target_state: target } = row;
  const appKey = readNumber(row["app_key"]);
  if (!isCount(appKey) || appKey === 0) return fail("app_key", "a whole number above 0");
  if (typeof appName !== "string" || !isUsableAppName(appName)) return fail("app_name", "the name of an app");
  if (!isStage(stage)) return fail("stage", "DEV or PROD");
  if (!isStorableState(target)) return fail("target_state", "a state");
  return { appKey, appName, stage, target };
}
