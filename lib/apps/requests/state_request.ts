/** Reads the arguments of `request_app_state`, and rejects a request that cannot be carried out. Pure. */

import { type AppRequest, type AppState, isStage, type RegistryLogin, type Stage } from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import { decodePortRules } from "../../model/port_rule.ts";
import { quoteText } from "../../base/quote.ts";
import { type Dict, isCount, isDict, readCount } from "../../base/json.ts";
import { isUsableAppName } from "../../model/app_names.ts";
import { isStorableState } from "../state/transitions.ts";

/** A request, and a sentence for each part of it that is skipped. */
export interface DecodedRequest {
  request: AppRequest;
  problems: string[];
}

/**
 * Reads the keyword arguments of `request_app_state`; null stands for absent. Throws `bad_request` with the texts of
 * the wire contract.
 */
export function decodeStateRequest(kwargs: Dict): DecodedRequest {
  const args = new StateArguments(kwargs);
  const appKey = args.appKey();
  const appName = args.appName();
  const stage = args.stage();
  const target = args.target();
  const current = args.current();
  const { rules, others, problems } = args.ports();
  const request: AppRequest = {
    appKey,
    stage,
    appName,
    target,
    current,
    requestorAccountKey: args.requestor(),
    deviceOwnerAccountKey: args.account("device_owner_account_key", "deviceOwnerAccountKey"),
    instanceKey: readCount(kwargs["instance_key"]) ?? 0,
    appCredEpoch: readCount(kwargs["app_cred_epoch"]) ?? 0,
    releaseKey: args.releaseKey(),
    newReleaseKey: args.newReleaseKey(),
    version: args.text("version", "version"),
    presentVersion: args.text("present_version", "presentVersion"),
    newestVersion: args.text("newest_version", "newestVersion"),
    requestUpdate: args.flag("request_update", "requestUpdate"),
    cancelTransition: args.flag("cancel_transition", "cancelTransition"),
    environment: args.dict("environment", "environment") ?? {},
    environmentTemplate: args.dict("environment_template", "environment template") ?? {},
    ports: rules,
    otherPorts: others,
    dockerCompose: args.dict("docker_compose", "docker compose"),
    newDockerCompose: args.dict("new_docker_compose", "new docker compose"),
    dockerCredentials: args.logins(),
  };
  return { request, problems };
}

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
    if (typeof value === "string") return parseNumber("Atoi", value) ?? this.#fail(shownName);
    return isCount(value) ? value : this.#fail(shownName);
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

  text(name: string, shownName: string): string {
    const value = this.#get(name) ?? "";
    return typeof value === "string" ? value : this.#fail(shownName);
  }

  flag(name: string, shownName: string): boolean {
    const value = this.#get(name) ?? false;
    return typeof value === "boolean" ? value : this.#fail(shownName);
  }

  dict(name: string, shownName: string): Dict | null {
    const value = this.#get(name) ?? null;
    return value === null || isDict(value) ? value : this.#fail(shownName);
  }

  ports(): ReturnType<typeof decodePortRules> {
    const value = this.#get("ports") ?? [];
    if (!Array.isArray(value)) throw badRequest("failed to parse ports");
    return decodePortRules(value);
  }

  logins(): Record<string, RegistryLogin> {
    const shownName = "docker credentials";
    const entries = Object.entries(this.dict("docker_credentials", shownName) ?? {});
    return Object.fromEntries(entries.map(([host, login]) => {
      const { username, password } = isDict(login) ? login : {};
      if (typeof username !== "string" || typeof password !== "string") return this.#fail(shownName);
      return [host, { username, password }];
    }));
  }

  #get(name: string): unknown {
    // Members of the prototype are no arguments.
    return Object.hasOwn(this.#kwargs, name) ? this.#kwargs[name] ?? undefined : undefined;
  }

  #fail(shownName: string): never {
    throw badRequest(`failed to parse ${shownName}`);
  }
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
