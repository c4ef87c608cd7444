/** `serve`: runs router, backend, token server and registry until a signal arrives. */

import { AgentError, hasCode } from "../../../lib/base/errors.ts";
import { escapeForCell } from "../../../lib/base/quote.ts";
import { type Log, type LogFields, silentLog } from "../../../lib/base/log.ts";
import { controlProcedures } from "../control.ts";
import type { Report } from "../reports.ts";
import { startStudio } from "../start_studio.ts";
import type { Studio } from "../studio.ts";
import { tunnelPort } from "../tunnel_server.ts";
import type { Command, Context } from "./command.ts";
import { connect } from "./command.ts";
import { removeServerFile, writeServerFile } from "./server_file.ts";

/** Clients decide how long the fields of a warning are. */
const logLineLimit = 2_000;

/** The command. */
export const serve: Command = {
  name: "serve",
  usage: "[--port 8080] [--registry-port 5002] [--token-port 5003] [--tunnel-port 7400] " +
    "[--tunnel-http-port 8000] [--tunnel-https-port 8443] [--hostname 127.0.0.1] [--allow-host NAME ...]",
  summary: "Run the Studio in this terminal",
  options: {
    ...{ "port": "one", "registry-port": "one", "token-port": "one", "hostname": "one", "allow-host": "many" },
    ...{ "tunnel-port": "one", "tunnel-http-port": "one", "tunnel-https-port": "one" },
  },
  least: 0,
  most: 0,
  run: async (context, args) => {
    await requireNoServer(context);
    const hostname = args.text("hostname") ?? "127.0.0.1";
    const tunnels = {
      port: args.count("tunnel-port", tunnelPort(hostname)),
      httpPort: args.count("tunnel-http-port", 8000),
      httpsPort: args.count("tunnel-https-port", 8443),
    };
    await using studio = await startStudio({
      folder: context.folder,
      hostname,
      port: args.count("port", 8080),
      names: args.list("allow-host"),
      registry: { port: args.count("registry-port", 5002), tokenPort: args.count("token-port", 5003) },
      ...(tunnels.port === 0 ? {} : { tunnels }),
      onReport: (report) => context.print(reportLine(report)),
      log: logTo(context),
    });
    await studio.backend.serve(controlProcedures(studio));
    // Whoever reads the file may end the Studio at once.
    const ended = untilSignal();
    await writeServerFile(context.folder, studio.login);
    context.print(`Devices connect to ${studio.routerUrl}`);
    context.print(
      studio.registry?.isRunning
        ? `Images are at ${studio.registryHost}`
        : "This machine has no docker-registry; install it for: app push",
    );
    for (const line of tunnelLines(studio, { isWanted: tunnels.port !== 0 })) context.print(line);
    context.print("The Studio is ready");
    try {
      await ended;
    } finally {
      await removeServerFile(context.folder);
    }
    return 0;
  },
};

function tunnelLines({ tunnels }: Studio, { isWanted }: { isWanted: boolean }): string[] {
  if (tunnels !== undefined) {
    return [`Tunnels are at http://<name>.${tunnels.options.domain}:${tunnels.options.httpPort}`];
  }
  return isWanted ? ["This machine has no frps; get it with deno task setup for: port open"] : [];
}

/** Formats a report: `10:11:12 shop RUNNING release 7 completed`. */
export function reportLine(
  report: Pick<Report, "at" | "serial" | "appName" | "appKey" | "state" | "releaseKey" | "updateStatus">,
): string {
  const app = report.appName || `app ${report.appKey}`;
  const words = `${report.at.slice(11, 19)} ${app} ${report.state} release ${report.releaseKey} ${report.updateStatus}`;
  return escapeForCell(words.trimEnd());
}

async function requireNoServer(context: Context): Promise<void> {
  try {
    await using _server = await connect(context);
  } catch (error) {
    if (hasCode(error, "not_available")) return;
    throw error;
  }
  throw new AgentError("lock_held", `A Studio is already running on the folder "${context.folder}"`);
}

async function untilSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const signals: Deno.Signal[] = ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, resolve);
  await promise;
  for (const signal of signals) Deno.removeSignalListener(signal, resolve);
}

function logTo(context: Context): Log {
  const write = (message: string, fields: LogFields = {}) => {
    context.printError(`${message} ${JSON.stringify(fields)}`.slice(0, logLineLimit));
  };
  return { ...silentLog, warn: write, error: write, fatal: write };
}
