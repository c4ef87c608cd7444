/** Reads the arguments of `request_app_state`, and rejects a request that cannot be carried out. Pure. */

import { type AppRequest, type AppState, isStage, type RegistryLogin, type Stage } from "../../model/app.ts";
import { assertBounds, type Bounds } from "../../base/bounds.ts";
import { AgentError } from "../../base/errors.ts";
import { decodePortRules } from "../../model/port_rule.ts";
import { requestBounds } from "../../model/request_limits.ts";
import { quoteText } from "../../base/quote.ts";
import { type Dict, isCount, isDict } from "../../base/json.ts";
import { isUsableAppName } from "../../model/app_names.ts";
import { isStorableState } from "../state/transitions.ts";
import { Bulk } from "./bulk.ts";
import { RowFields } from "./row_fields.ts";
import { readLogins } from "./logins.ts";

/** A request, and a sentence for each part of it that is skipped. */
export interface DecodedRequest {
  request: AppRequest;
  problems: string[];
  /** A sentence for the log of the app for each field that is skipped; port rules and variables have their own. */
  leftOut: string[];
}

/**
 * Reads the keyword arguments of `request_app_state`; null stands for absent. Throws `bad_request` with the texts of
 * the wire contract, and for an argument that is too big with its name and the bound.
 */
export function decodeStateRequest(kwargs: Dict): DecodedRequest {
  const args = new StateArguments(kwargs);
  const appKey = args.appKey();
  const appName = args.appName();
  const stage = args.stage();
  const target = args.target();
  const current = args.current();
  const bulk = new Bulk(requestName, { target });
  const lenient = new RowFields(kwargs);
  const { variables, compose } = requestBounds;
  const { rules, others, problems } = args.ports(bulk);
  const request: AppRequest = {
    appKey,
    stage,
    appName,
    target,
    current,
    requestorAccountKey: args.requestor(),
    deviceOwnerAccountKey: args.account("device_owner_account_key", "deviceOwnerAccountKey"),
    instanceKey: lenient.count("instance_key"),
    appCredEpoch: lenient.count("app_cred_epoch"),
    releaseKey: args.releaseKey(),
    newReleaseKey: args.newReleaseKey(),
    version: args.version("version", "version"),
    presentVersion: args.version("present_version", "presentVersion"),
    newestVersion: args.version("newest_version", "newestVersion"),
    requestUpdate: args.flag("request_update", "requestUpdate"),
    cancelTransition: args.flag("cancel_transition", "cancelTransition"),
    environment: args.dict("environment", { shownName: "environment", bounds: variables, bulk }) ?? {},
    environmentTemplate:
      args.dict("environment_template", { shownName: "environment template", bounds: variables, bulk }) ?? {},
    ports: rules,
    otherPorts: others,
    dockerCompose: args.dict("docker_compose", { shownName: "docker compose", bounds: compose, bulk }),
    newDockerCompose: args.dict("new_docker_compose", { shownName: "new docker compose", bounds: compose, bulk }),
    dockerCredentials: args.logins(bulk),
  };
  const leftOut = [...bulk.leftOut, ...lenient.leftOut];
  return { request, problems: [...bulk.problems, ...lenient.leftOut, ...problems], leftOut };
}

/** What an error calls the request. */
const requestName = "request";

/** The keyword arguments of a request, each read with its own error text of the wire contract. */
class StateArguments {
  readonly #kwargs: Dict;

  constructor(kwargs: Dict) {
    this.#kwargs = kwargs;
  }

  appKey(): number {
    const value = this.#get("app_key") ?? 0;
    if (!isCount(value)) throw badRequest("failed to parse app_key");
    if (value === 0) throw badRequest("missing from payload app_key");
    return value;
  }

  appName(): string {
    const value = this.#get("app_name");
    if (typeof value !== "string" || !isUsableAppName(value)) throw badRequest("failed to parse appName");
    return value;
  }

  stage(): Stage {
    const value = this.#get("stage") ?? "";
    if (value === "") throw badRequest("missing from payload stage");
    if (!isStage(value)) throw badRequest("failed to parse stage");
    return value;
  }

  target(): AppState {
    const target = this.text("target_state", "requestedState");
    const older = this.text("manually_requested_state", "manuallyRequestedState");
    const value = target || older;
    if (!isStorableState(value)) throw badRequest("failed to parse requestedState");
    return value;
  }

  current(): AppState | undefined {
    const current = this.text("current_state", "currentState");
    const older = this.text("state", "currentState2");
    const value = current || older;
    if (value === "") return undefined;
    if (!isStorableState(value)) throw badRequest("failed to parse currentState");
    return value;
  }

  requestor(): number {
    const account = this.account("requestor_account_key", "requestorAccountKey");
    const older = this.account("account_id", "requestorAccountKey2");
    return account || older;
  }

  account(name: string, shownName: string): number {
    const value = this.#get(name) ?? 0;
    if (typeof value === "string") return parseNumber("Atoi", measured(value, name)) ?? this.#fail(shownName);
    return isCount(value) ? value : this.#fail(shownName);
  }

  releaseKey(): number {
    const name = "release_key";
    const value = this.#get(name) ?? 0;
    if (!isCount(value) && typeof value !== "string") return this.#fail("releaseKeyString");
    if (isCount(value)) return value;
    return parseNumber("ParseUint", measured(value, name)) ?? this.#fail("releaseKeyString");
  }

  newReleaseKey(): number {
    const value = this.#get("new_release_key") ?? 0;
    return isCount(value) ? value : this.#fail("newReleaseKey");
  }

  text(name: string, shownName: string): string {
    const value = this.#get(name) ?? "";
    return typeof value === "string" ? value : this.#fail(shownName);
  }

  version(name: string, shownName: string): string {
    return measured(this.text(name, shownName), name);
  }

  flag(name: string, shownName: string): boolean {
    const value = this.#get(name) ?? false;
    return typeof value === "boolean" ? value : this.#fail(shownName);
  }

  dict(name: string, { shownName, bounds, bulk }: { shownName: string; bounds: Bounds; bulk: Bulk }): Dict | null {
    const value = this.#get(name) ?? null;
    if (value === null) return null;
    return isDict(value) ? bulk.measured(value, { path: name, bounds }) ?? null : this.#fail(shownName);
  }

  ports(bulk: Bulk): ReturnType<typeof decodePortRules> {
    const value = this.#get("ports") ?? [];
    if (!Array.isArray(value)) throw badRequest("failed to parse ports");
    return decodePortRules(bulk.measured(value, { path: "ports", bounds: requestBounds.ports }));
  }

  logins(bulk: Bulk): Record<string, RegistryLogin> {
    const shownName = "docker credentials";
    const dict = this.dict("docker_credentials", { shownName, bounds: requestBounds.logins, bulk });
    return readLogins(dict ?? {}) ?? this.#fail(shownName);
  }

  #get(name: string): unknown {
    // Members of the prototype are no arguments.
    return Object.hasOwn(this.#kwargs, name) ? this.#kwargs[name] ?? undefined : undefined;
  }

  #fail(shownName: string): never {
    throw badRequest(`failed to parse ${shownName}`);
  }
}

/** Text is measured before it is parsed, stored or quoted. */
function measured(text: string, path: string): string {
  assertBounds(text, { where: requestName, path, bounds: requestBounds.text });
  return text;
}

function badRequest(text: string): AgentError {
  return new AgentError("bad_request", text);
}

/** Reads decimal text like Go's `strconv`, with its error texts; undefined for a number that cannot be a key. */
function parseNumber(parser: "Atoi" | "ParseUint", text: string): number | undefined {
  const isNumber = parser === "Atoi" ? /^[+-]?[0-9]+$/.test(text) : /^[0-9]+$/.test(text);
  if (!isNumber) throw badRequest(`strconv.${parser}: parsing ${quoteText(text)}: invalid syntax`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw badRequest(`strconv.${parser}: parsing ${quoteText(text)}: value out of range`);
  }
  return isCount(value) ? value : undefined;
}
