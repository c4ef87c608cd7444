/**
 * A small program that uses the agent's real dependencies, for tests of the bundle: opens a database, dials a port
 * where nobody listens, calls a procedure of its own through a router, lists the containers of a missing engine, and
 * prints the results as JSON. Arguments: a folder, the port, the router's URL.
 */

import { systemClock } from "../../../lib/async/clock.ts";
import { AgentError, textOf } from "../../../lib/base/errors.ts";
import { type Log, type LogFields, silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { Database } from "../../../lib/store/database.ts";
import { Link } from "../../../lib/wamp/link.ts";
import type { OnSession } from "../../../lib/wamp/session_runs.ts";
import { noProxies } from "../../../lib/wamp/proxy.ts";
import type { Session } from "../../../lib/wamp/session.ts";

const [folder = "", port = "", routerUrl = ""] = Deno.args;

function openDatabase(): string {
  using database = Database.open(`${folder}/agent.db`, { log: silentLog });
  const row = database.first("SELECT count(*) AS count FROM sqlite_master");
  return `${Number(row?.count) > 0 ? "has" : "lacks"} tables`;
}

async function dialNobody(): Promise<string> {
  const refused = Promise.withResolvers<string>();
  const warn = (message: string, fields: LogFields = {}) => refused.resolve(`${message}: ${fields.error}`);
  const link = linkTo(`ws://127.0.0.1:${port}/`, { log: { ...silentLog, warn }, onSession: () => Promise.resolve() });
  link.start();
  const text = await refused.promise;
  await link.stop();
  return text;
}

async function callThroughRouter(): Promise<string> {
  const called = Promise.withResolvers<string>();
  const work = async (session: Session) => {
    await session.register("bundle_trial.echo", ({ args }) => Promise.resolve({ args }));
    await session.subscribe("bundle_trial.topic", () => {});
    const { args } = await session.call("bundle_trial.echo", ["hello"]);
    called.resolve(`answered ${args[0]}`);
  };
  const onSession = (session: Session) => work(session).catch((error) => called.resolve(textOf(error)));
  const link = linkTo(routerUrl, { log: silentLog, onSession });
  link.start();
  const text = await called.promise;
  await link.stop();
  return text;
}

function linkTo(url: string, options: { log: Log; onSession: OnSession }): Link {
  return new Link({
    identity: () => ({ url, realm: "realm1", authid: "12-345", secret: "s" }),
    marker: { procedure: "bundle_trial.marker", reply: [] },
    testament: () => ({ topic: "bundle_trial.testament", args: [] }),
    timeouts: { connectMs: 5_000, pingMs: 0, responseMs: 5_000 },
    clock: systemClock,
    random: () => 0,
    proxies: noProxies,
    ...options,
  });
}

async function listContainers(): Promise<string> {
  const engine = new Engine({ log: silentLog, env: { DOCKER_HOST: `unix://${folder}/engine.sock` } });
  try {
    return `found ${(await engine.listContainers(new AbortController().signal)).length}`;
  } catch (error) {
    return error instanceof AgentError ? `${error.code}: ${textOf(error)}` : `unexpected: ${textOf(error)}`;
  }
}

if (import.meta.main) {
  const seen = {
    database: openDatabase(),
    nobody: await dialNobody(),
    router: await callThroughRouter(),
    engine: await listContainers(),
  };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(seen)));
}
