/**
 * Reads what Studio asks for an app: the keyword arguments of a request, and a row of its answer to the question for all apps.
 * Everything is judged here, before anything is stored. Pure.
 */

import {
  type AppId,
  type AppRequest,
  type AppState,
  isAppState,
  isStage,
  type RegistryLogin,
  type Stage,
} from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import { decodePortRules } from "../../model/port_rule.ts";
import { quoteText } from "../../base/quote.ts";
import { type Dict, isCount, isDict, readCount, readText, reject } from "../../base/json.ts";
import { isUsableAppName } from "../../model/app_names.ts";

/** A request that could be read, and one sentence for each part of it that is skipped. */
export interface DecodedRequest {
  request: AppRequest;
  problems: string[];
}

/** Reads the keyword arguments of `request_app_state`; null stands for absent. Throws `bad_request` with the texts of the wire contract. */
export function decodeRequest(kwargs: Dict): DecodedRequest {
  const fields = new Fields(kwargs);
  const appKey = fields.appKey();
  const appName = fields.appName();
  const stage = fields.stage();
  const target = fields.target();
  const current = fields.current();
  const { rules, others, problems } = fields.ports();
  const request: AppRequest = {
    appKey,
    stage,
    appName,
    target,
    current,
    requestorAccountKey: fields.requestor(),
    deviceOwnerAccountKey: fields.account("device_owner_account_key", "deviceOwnerAccountKey"),
    instanceKey: readCount(kwargs["instance_key"]) ?? 0,
    appCredEpoch: readCount(kwargs["app_cred_epoch"]) ?? 0,
    releaseKey: fields.releaseKey(),
    newReleaseKey: fields.newReleaseKey(),
    version: fields.text("version", "version"),
    presentVersion: fields.text("present_version", "presentVersion"),
    newestVersion: fields.text("newest_version", "newestVersion"),
    requestUpdate: fields.flag("request_update", "requestUpdate"),
    cancelTransition: fields.flag("cancel_transition", "cancelTransition"),
    environment: fields.dict("environment", "environment") ?? {},
    environmentTemplate: fields.dict("environment_template", "environment template") ?? {},
    ports: rules,
    otherPorts: others,
    dockerCompose: fields.dict("docker_compose", "docker compose"),
    newDockerCompose: fields.dict("new_docker_compose", "new docker compose"),
    dockerCredentials: fields.logins(),
  };
  return { request, problems };
}

/**
 * Reads a row of the answer to the question for all apps. A member of the wrong type counts as missing, except those without
 * which it cannot be told what is wanted of which app: then it throws `bad_request`.
 */
export function decodeRow(row: unknown): DecodedRequest {
  const fail = (path: string, expected: string, got: unknown) => reject("requested app state", path, { expected, got });
  if (!isDict(row)) return fail("row", "an object", row);
  const count = (name: string) => isCount(row[name]) ? row[name] : 0;
  const text = (name: string) => readText(row[name]) ?? "";
  const dict = (name: string) => isDict(row[name]) ? row[name] : null;
  const { app_key: appKey, app_name: appName, stage, target_state: target } = row;
  if (!isCount(appKey) || appKey === 0) return fail("app_key", "a whole number above 0", appKey);
  if (typeof appName !== "string" || !isUsableAppName(appName)) return fail("app_name", "the name of an app", appName);
  if (!isStage(stage)) return fail("stage", "DEV or PROD", stage);
  if (!isStorable(target)) return fail("target_state", "a state", target);
  const { rules, others, problems } = decodePortRules(row["ports"]);
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
    environment: dict("environment") ?? {},
    environmentTemplate: dict("environment_template") ?? {},
    ports: rules,
    otherPorts: others,
    dockerCompose: dict("docker_compose"),
    newDockerCompose: dict("new_docker_compose"),
    dockerCredentials: {},
    instanceKey: 0,
    appCredEpoch: readCount(row["app_cred_epoch"]) ?? 0,
  };
  return { request, problems };
}

/** The app of a row that wants nothing of it: `INHERIT` may be stored and means no state. */
export function inheritingApp(row: unknown): AppId | undefined {
  if (!isDict(row) || row["target_state"] !== "INHERIT") return undefined;
  const { app_key: appKey, stage } = row;
  return isCount(appKey) && appKey > 0 && isStage(stage) ? { appKey, stage } : undefined;
}

/** The keyword arguments of a request, each read with the error text that the wire contract gives it. */
class Fields {
  readonly #kwargs: Dict;

  constructor(kwargs: Dict) {
    this.#kwargs = kwargs;
  }

  appKey(): number {
    const value = this.#get("app_key") ?? 0;
    if (!isCount(value)) throw failure("failed to parse app_key");
    if (value === 0) throw failure("missing from payload app_key");
    return value;
  }

  appName(): string {
    const value = this.#get("app_name");
    if (typeof value !== "string" || !isUsableAppName(value)) throw failure("failed to parse appName");
    return value;
  }

  stage(): Stage {
    const value = this.#get("stage") ?? "";
    if (value === "") throw failure("missing from payload stage");
    if (!isStage(value)) throw failure("failed to parse stage");
    return value;
  }

  target(): AppState {
    const asked = this.text("target_state", "requestedState");
    const older = this.text("manually_requested_state", "manuallyRequestedState");
    const value = asked || older;
    if (!isStorable(value)) throw failure("failed to parse requestedState");
    return value;
  }

  current(): AppState | undefined {
    const told = this.text("current_state", "currentState");
    const older = this.text("state", "currentState2");
    const value = told || older;
    if (value === "") return undefined;
    if (!isStorable(value)) throw failure("failed to parse currentState");
    return value;
  }

  requestor(): number {
    const account = this.account("requestor_account_key", "requestorAccountKey");
    const older = this.account("account_id", "requestorAccountKey2");
    return account || older;
  }

  account(name: string, word: string): number {
    const value = this.#get(name) ?? 0;
    if (typeof value === "string") return parseNumber("Atoi", value) ?? this.#fail(word);
    return isCount(value) ? value : this.#fail(word);
  }

  releaseKey(): number {
    const value = this.#get("release_key") ?? 0;
    if (typeof value === "string") return parseNumber("ParseUint", value) ?? this.#fail("releaseKeyString");
    return isCount(value) ? value : this.#fail("releaseKeyString");
  }

  newReleaseKey(): number {
    const value = this.#get("new_release_key") ?? 0;
    return isCount(value) ? value : this.#fail("newReleaseKey");
  }

  text(name: string, word: string): string {
    const value = this.#get(name) ?? "";
    return typeof value === "string" ? value : this.#fail(word);
  }

  flag(name: string, word: string): boolean {
    const value = this.#get(name) ?? false;
    return typeof value === "boolean" ? value : this.#fail(word);
  }

  dict(name: string, word: string): Dict | null {
    const value = this.#get(name) ?? null;
    return value === null || isDict(value) ? value : this.#fail(word);
  }

  ports(): ReturnType<typeof decodePortRules> {
    const value = this.#get("ports") ?? [];
    if (!Array.isArray(value)) throw failure("failed to parse ports");
    return decodePortRules(value);
  }

  logins(): Record<string, RegistryLogin> {
    const word = "docker credentials";
    const entries = Object.entries(this.dict("docker_credentials", word) ?? {});
    return Object.fromEntries(entries.map(([host, login]) => {
      const { username, password } = isDict(login) ? login : {};
      if (typeof username !== "string" || typeof password !== "string") return this.#fail(word);
      return [host, { username, password }];
    }));
  }

  #get(name: string): unknown {
    // A member that the prototype has is not an argument.
    return Object.hasOwn(this.#kwargs, name) ? this.#kwargs[name] ?? undefined : undefined;
  }

  #fail(word: string): never {
    throw failure(`failed to parse ${word}`);
  }
}

function failure(text: string): AgentError {
  return new AgentError("bad_request", text);
}

/** `STOPPED` is defined and can be neither stored nor reached. */
function isStorable(value: unknown): value is AppState {
  return isAppState(value) && value !== "STOPPED";
}

/** Decimal text as Go's `strconv` reads it, with its error texts; undefined for a number that no key can be. */
function parseNumber(parser: "Atoi" | "ParseUint", text: string): number | undefined {
  const isNumber = parser === "Atoi" ? /^[+-]?[0-9]+$/.test(text) : /^[0-9]+$/.test(text);
  if (!isNumber) throw failure(`strconv.${parser}: parsing ${quoteText(text)}: invalid syntax`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw failure(`strconv.${parser}: parsing ${quoteText(text)}: value out of range`);
  return isCount(value) ? value : undefined;
}
