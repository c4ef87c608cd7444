/**
 * Decides what each user of the Studio's own router may do. Everything is refused that is not listed here, so a URI
 * keeps its owner while he is away: those of the backend and of the Studio belong to `system`, `re.mgmt.<serial>.…` and
 * `reswarm.logs.<serial>.…` to the device with that serial number.
 */

import { backendProcedures, deviceUri, logTopic, testamentTopic } from "../../lib/backend/uris.ts";
import type { Privilege } from "../../lib/backend/requests.ts";
import { routerEvents, routerProcedures } from "../../lib/wamp/uris.ts";
import { holds } from "./accounts.ts";
import { type Device, deviceByAuthid } from "./devices.ts";
import type { ActionRequest, Authorise } from "./router/action.ts";
import { isWithin, meets, type UriSpace } from "./router/uri_space.ts";
import { numberColumn, type Store } from "./store.ts";

type Action = ActionRequest["action"];

/**
 * `system` may do everything. A device calls the backend, and registers, publishes and subscribes below its own serial
 * number. An account calls the devices on which it holds a privilege (the device itself asks for more), subscribes to
 * what that privilege shows, and registers nothing. A pattern is allowed when everything that it can match is.
 */
export function authoriseWith(store: Store): Authorise {
  return ({ session: { authid, authrole }, action, uri, match, extent }) => {
    if (authrole === "system") return true;
    const spaces = authrole === "device"
      ? deviceSpaces(deviceByAuthid(store, authid), action)
      : authrole === "account"
      ? accountSpaces(store, Number(authid), { action, uri })
      : [];
    const fits = extent === "some" ? meets : isWithin;
    return spaces.some((space) => fits({ uri, match }, space));
  };
}

function deviceSpaces(device: Device | undefined, action: Action): UriSpace[] {
  if (device === undefined) return [];
  const own = { prefix: deviceUri(device.serial, "") };
  const logs = { prefix: logTopic(device.serial, "") };
  switch (action) {
    case "call":
      return [own, ...uris([...Object.values(backendProcedures), ...ownProcedures])];
    case "register":
      return [own];
    case "publish":
      // The backend believes a testament only when it comes from the device that it names.
      return [own, logs, { uri: testamentTopic }];
    case "subscribe":
      return [own, logs, ...uris([...Object.values(routerEvents), ...destroyTopics(device)])];
  }
}

/** The second one is what the reference agent really subscribes to. */
function destroyTopics({ deviceKey }: Device): string[] {
  return [`reswarm.device.${deviceKey}.list/ondestroy`, "reswarm.device.%d.list/ondestroy"];
}

function accountSpaces(store: Store, accountKey: number, { action, uri }: { action: Action; uri: string }): UriSpace[] {
  // A pattern that does not name one device reaches beyond the devices of the account.
  const serial = /^(?:re\.mgmt|reswarm\.logs)\.([^.]+)\./.exec(uri)?.[1];
  if (serial === undefined) return [];
  const deviceKey = numberColumn(store.first("SELECT device_key FROM devices WHERE serial = ?", serial), "device_key");
  const may = (privilege?: Privilege) => {
    return holds(store, accountKey, { deviceKey, ...(privilege === undefined ? {} : { privilege }) });
  };
  const below = (name: string): UriSpace => ({ prefix: deviceUri(serial, name) });
  // The device itself lets only the owner of a terminal use it.
  const mayUseTerminals = may("DEVELOP") || may("MAINTAIN");
  switch (action) {
    case "register":
      return [];
    case "call": {
      const name = uri.slice(deviceUri(serial, "").length);
      const isAllowed = name.startsWith(terminalSize) ? mayUseTerminals : may(privilegeToCall(name));
      return isAllowed ? [below("")] : [];
    }
    case "publish":
      return mayUseTerminals ? [below(terminalInput)] : [];
    case "subscribe":
      return [
        ...(may("READ") ? [{ prefix: logTopic(serial, "") }, ...uris(progressTopics(serial))] : []),
        ...(may("DEVELOP") ? [below("")] : []),
        ...(may("MAINTAIN") ? [below(deviceOutput)] : []),
      ];
  }
}

/** Procedures of the router that are about the caller alone, or about topics that it may use. */
const ownProcedures = [...Object.values(routerProcedures), "wamp.session.flush_testaments"];

const terminalInput = "term_write.";
const terminalSize = "term_resize.";
/** Of shells on the device itself, which only maintainers open. */
const deviceOutput = "data.";

/** What the device itself does not check, because it leaves it to the router. Undefined stands for any privilege. */
function privilegeToCall(name: string): Privilege | undefined {
  return name === "request_app_state" ? "MAINTAIN" : undefined;
}

/** The rest of what a device publishes below its serial number is output of commands and terminals. */
function progressTopics(serial: string): string[] {
  const names = [
    "tunnel_state_update/onreload",
    "agent_update_progress",
    "download_os_update_progress",
    "install_os_update_progress",
  ];
  return names.map((name) => deviceUri(serial, name));
}

function uris(texts: readonly string[]): UriSpace[] {
  return texts.map((uri) => ({ uri }));
}
