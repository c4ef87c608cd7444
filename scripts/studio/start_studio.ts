/**
 * Starts a local Studio within a program: the demo, the end-to-end tests, the benchmark, and the server of the command
 * line. It starts a router or joins an existing one.
 */

import { type Log, silentLog } from "../../lib/base/log.ts";
import { realm } from "../../lib/backend/uris.ts";
import { addAccount, listAccounts, ownerAccountKey } from "./accounts.ts";
import { authoriseWith } from "./authorise.ts";
import { StudioBackend } from "./backend.ts";
import type { RouterLogin } from "./open_session.ts";
import { listDevices, markAllDisconnected } from "./devices.ts";
import { checkLogin } from "./logins.ts";
import { type ProcedureDeps, systemAuthid } from "./procedures.ts";
import { StudioRegistry } from "./registry_process.ts";
import { type Report, Reports } from "./reports.ts";
import { Router } from "./router/router.ts";
import { randomText, Store } from "./store.ts";
import { Studio } from "./studio.ts";
import { refuseTunnel } from "./tunnel_rights.ts";
import { TunnelServer, type TunnelServerOptions } from "./tunnel_server.ts";

/** How a Studio is started. */
export interface StudioOptions {
  /** Keeps everything across restarts. By default a temporary folder, which is removed at the end. */
  folder?: string;
  /** The address of its own router; 127.0.0.1 and a free port by default. */
  hostname?: string;
  port?: number;
  /** Other names and addresses under which devices call its router, besides those of loopback and `hostname`. */
  names?: readonly string[];
  /** A router to join instead of starting one. The Studio does not manage its users. */
  foreignRouter?: RouterLogin;
  /** Starts a token server and a registry on these ports. */
  registry?: { port: number; tokenPort: number };
  /** Starts a tunnel server on these ports, if this machine has one. */
  tunnels?: Pick<TunnelServerOptions, "port" | "httpPort" | "httpsPort">;
  /** The registry in .flock files when none is started; `127.0.0.1:5002` by default. */
  registryHost?: string;
  /** Called with every state report. */
  onReport?: (report: Report) => void;
  log?: Log;
}

/** Starts a Studio. Disposing it stops everything that it has started. Throws `start_failed`, `connect_failed`, … */
export async function startStudio(options: StudioOptions = {}): Promise<Studio> {
  await using stack = new AsyncDisposableStack();
  const folder = options.folder ?? await Deno.makeTempDir({ prefix: "s-" });
  if (options.folder === undefined) stack.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const store = stack.use(Store.open(`${folder}/studio.db`));
  addAccount(store, { accountKey: ownerAccountKey, name: "owner" });
  const registry = options.registry === undefined ? undefined : stack.use(
    await StudioRegistry.start({
      ...options.registry,
      folder: `${folder}/registry`,
      check: (login) => checkLogin(store, login),
    }),
  );
  const tunnels = options.tunnels === undefined
    ? undefined
    : await startTunnels(store, { ...options.tunnels, folder, hostname: options.hostname });
  if (tunnels !== undefined) stack.use(tunnels);
  const router = options.foreignRouter === undefined ? stack.use(await startRouter(store, options)) : undefined;
  const login = options.foreignRouter ?? { url: router?.url ?? "", ...systemLogin(store) };
  const reports = new Reports();
  // On an existing router, devices may report before the backend has registered everything.
  const joined: { backend?: StudioBackend } = {};
  const deps: ProcedureDeps = {
    store,
    onReport: (report) => {
      reports.add(report);
      options.onReport?.(report);
      // For those who follow a device; there may be none.
      joined.backend?.publish(`studio.reports.${report.serial}`, [report]).catch(() => {});
    },
    onChange: () => reports.changed(),
  };
  const backend = stack.use(await StudioBackend.start({ deps, login, log: options.log ?? silentLog }));
  joined.backend = backend;
  const registryHost = registry?.host ?? options.registryHost ?? "127.0.0.1:5002";
  return new Studio({ store, reports, router, registry, tunnels, login, registryHost, backend, owned: stack.move() });
}

async function startTunnels(
  store: Store,
  { folder, hostname = "127.0.0.1", ...ports }:
    & Pick<TunnelServerOptions, "folder" | "port" | "httpPort" | "httpsPort">
    & { hostname?: string | undefined },
): Promise<TunnelServer | undefined> {
  return await TunnelServer.start({
    // There are no names below an address; every name below "localhost" is this machine.
    ...{ ...ports, hostname, domain: /^[\d.]+$|:/.test(hostname) ? "localhost" : hostname },
    folder: `${folder}/tunnels`,
    refuse: (question) => refuseTunnel(store, question),
  });
}

/** The Studio's login at its own router, which stays the same across restarts. Secret. */
export function systemLogin(store: Store): { authid: string; secret: string } {
  return { authid: systemAuthid, secret: store.setting("system_secret", () => randomText()) };
}

async function startRouter(store: Store, options: StudioOptions): Promise<Router> {
  markAllDisconnected(store);
  const router = await Router.listen({
    hostname: options.hostname ?? "127.0.0.1",
    port: options.port ?? 0,
    names: options.names ?? [],
    realm,
    users: { [systemAuthid]: { secret: systemLogin(store).secret, role: "system" } },
    authorise: authoriseWith(store),
    ...(options.log === undefined ? {} : { log: options.log }),
  });
  for (const { authid, secret } of listDevices(store)) router.addUser(authid, { secret, role: "device" });
  for (const { accountKey, secret } of listAccounts(store)) {
    router.addUser(String(accountKey), { secret, role: "account" });
  }
  return router;
}
