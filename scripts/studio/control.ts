/** The procedures `studio.…`, with which the command line controls a running Studio. Only `system` may call them. */

import { isAppState, isStage } from "../../lib/model/app.ts";
import { AgentError } from "../../lib/base/errors.ts";
import { type Dict, isDict } from "../../lib/base/json.ts";
import type { Privilege } from "../../lib/backend/requests.ts";
import type { InvocationHandler, Reply } from "../../lib/wamp/invocations.ts";
import { findAccount, isPrivilege, listAccounts } from "./accounts.ts";
import { type Device, listDevices } from "./devices.ts";
import { Fields } from "./fields.ts";
import { pusherPassword, pusherUser } from "./logins.ts";
import { systemAuthid } from "./procedures.ts";
import { ensureApp, repositoryOf } from "./releases.ts";
import type { Studio } from "./studio.ts";
import type { DesiredChange } from "./desired_change.ts";

type ControlProcedure = (studio: Studio, args: readonly unknown[]) => Reply | Promise<Reply>;

const procedures: Readonly<Record<string, ControlProcedure>> = {
  "studio.add_device": (studio, args) => {
    const fields = new Fields("add_device", args);
    const serial = fields.maybe("serial", (name) => fields.text(name));
    const added = studio.addDevice({ name: fields.text("name"), ...(serial === undefined ? {} : { serial }) });
    return { args: [{ ...withoutSecrets(added), flock: added.flock }] };
  },
  "studio.list_devices": (studio) => ({ args: [listDevices(studio.store).map(withoutSecrets)] }),
  "studio.show_device": (studio, args) => {
    const name = new Fields("show_device", args).text("device");
    return { args: [{ device: withoutSecrets(studio.device(name)), apps: studio.apps(name) }] };
  },
  "studio.add_app": (studio, args) => {
    return { args: [{ ...ensureApp(studio.store, new Fields("add_app", args).text("app")) }] };
  },
  "studio.prepare_push": (studio, args) => {
    if (studio.registry?.isRunning !== true) {
      throw new AgentError(
        "not_available",
        "The Studio has no registry; install docker-registry and restart the Studio",
      );
    }
    const app = ensureApp(studio.store, new Fields("prepare_push", args).text("app"));
    const login = { user: pusherUser, password: pusherPassword(studio.store) };
    return { args: [{ host: studio.registryHost, repository: repositoryOf(app), ...login }] };
  },
  "studio.add_release": (studio, args) => {
    const fields = new Fields("add_release", args);
    const dockerCompose = fields.maybe("dockerCompose", (name) => fields.dict(name)) ?? null;
    return { args: [{ ...studio.addRelease(fields.text("app"), fields.text("version"), { dockerCompose }) }] };
  },
  "studio.request": async (studio, args) => {
    const fields = new Fields("request", args);
    const [device, app] = [fields.text("device"), fields.text("app")];
    const { isDelivered, kwargs } = await studio.request(device, app, readChange(fields));
    return { args: [{ isDelivered, kwargs }] };
  },
  "studio.change_port": async (studio, args) => {
    const fields = new Fields("change_port", args);
    const [device, app] = [fields.text("device"), fields.text("app")];
    const reserved = fields.maybe("reservedRemotePort", (name) => fields.count(name));
    const localIp = fields.maybe("localIp", (name) => fields.text(name));
    const { isDelivered } = await studio.changePort(device, app, {
      port: fields.count("port"),
      protocol: fields.text("protocol"),
      isOpen: fields.flag("isOpen"),
      ...(reserved === undefined ? {} : { reservedRemotePort: reserved }),
      ...(localIp === undefined ? {} : { localIp }),
    });
    const server = studio.tunnels?.options;
    return { args: [{ isDelivered, ...(server === undefined ? {} : { tunnels: { ...server } }) }] };
  },
  "studio.add_account": (studio, args) => {
    const { accountKey, name } = studio.addAccount({ name: new Fields("add_account", args).text("name") });
    return { args: [{ accountKey, name }] };
  },
  "studio.list_accounts": (studio) => {
    return { args: [listAccounts(studio.store).map(({ accountKey, name }) => ({ accountKey, name }))] };
  },
  "studio.set_privileges": (studio, args) => {
    const fields = new Fields("set_privileges", args);
    const areAll = (value: unknown): value is Privilege[] => Array.isArray(value) && value.every(isPrivilege);
    const privileges = fields.known("privileges", {
      is: areAll,
      expected: "a list of READ, NETWORK, MAINTAIN, DEVELOP",
    });
    studio.setPrivileges(fields.count("account"), fields.text("device"), { privileges });
    return {};
  },
  "studio.account_login": (studio, args) => {
    const { accountKey, secret } = findAccount(studio.store, new Fields("account_login", args).count("account"));
    return { args: [{ authid: String(accountKey), secret }] };
  },
};

/** The control procedures of a Studio, by URI. */
export function controlProcedures(studio: Studio): Record<string, InvocationHandler> {
  const entries = Object.entries(procedures).map(([uri, procedure]): [string, InvocationHandler] => [
    uri,
    async ({ args, callerAuthid }) => {
      if (callerAuthid !== systemAuthid) throw new AgentError("denied", `Only "${systemAuthid}" may call ${uri}`);
      return await procedure(studio, args);
    },
  ]);
  return Object.fromEntries(entries);
}

function readChange(fields: Fields): DesiredChange {
  const maybe = <T>(name: string, read: (name: string) => T) => {
    const value = fields.maybe(name, read);
    return value === undefined ? {} : { [name]: value };
  };
  return {
    ...maybe("target", (name) => fields.known(name, { is: isAppState, expected: "a state of an app" })),
    ...maybe("update", (name) => fields.flag(name)),
    ...maybe("version", (name) => fields.text(name)),
    ...maybe("stage", (name) => fields.known(name, { is: isStage, expected: "DEV or PROD" })),
    ...maybe("dockerCompose", (name) => fields.dict(name)),
    ...maybe("kwargs", (name) => fields.dict(name)),
    ...maybe("environment", (name) => fields.dict(name)),
    ...maybe("ports", (name) => fields.dicts(name)),
    ...maybe("accountKey", (name) => fields.count(name)),
  };
}

/** The members of a device that are not secret. */
function withoutSecrets(device: Device): Dict {
  const { deviceKey, serial, name, authid, status, reportedAt } = device;
  const metadata = isDict(device.metadata) ? device.metadata : {};
  return { deviceKey, serial, name, authid, status, reportedAt, metadata };
}
