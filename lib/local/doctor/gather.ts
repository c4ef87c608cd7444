/** Looks at everything that `reagent doctor` judges, all at the same time and within a bounded time. */

import { within } from "../../async/deadline.ts";
import { textOf } from "../../base/errors.ts";
import { ownRegistries } from "../../config/derived.ts";
import type { Flags } from "../../flags.ts";
import { readProxySettings } from "../../wamp/proxy.ts";
import { trustSystemCertificates } from "../../wamp/tls.ts";
import type { AgentFacts } from "../agent_facts.ts";
import type { DoctorFacts, Probed } from "./doctor_facts.ts";
import { readAgentStart } from "../agent_start.ts";
import { probeAgent } from "./probe_agent.ts";
import { probeCompose, probeEngine, readEngineRoot } from "./probe_engine.ts";
import { probeEndpoint, probeNames, probeProxy } from "./probe_network.ts";
import { probeRegistry } from "./probe_registry.ts";
import { probeRouter } from "./probe_router.ts";
import type { ProbeSite } from "./probe_site.ts";
import { probeConfig, probeDatabase, probeDisks, probePermissions } from "./probe_files.ts";

/** How long everything may take: the agent is asked first, and the rest is done at the same time. */
export const doctorTimes = { agentMs: 3_000, probeMs: 11_000 };

/** Gathers it. Never throws, and takes at most 15 s. */
export async function gatherDoctorFacts(flags: Flags): Promise<DoctorFacts> {
  trustSystemCertificates(Deno.env);
  const agent = await probeAgent(flags.agentDir, doctorTimes.agentMs);
  const facts = agent.kind === "answers" ? agent.facts : undefined;
  const { probe: config, values } = await probeConfig(flags, facts);
  const environment = { ...Deno.env.toObject(), ...readAgentStart().environment };
  const site: ProbeSite = {
    environment,
    flags: facts === undefined ? flags : { ...flags, ...knownPaths(facts, flags) },
    config: values,
    agent: facts,
    engineEnvironment: facts?.engine.environment ?? environment,
  };
  return { agent, config, ...await probeAll(site) };
}

async function probeAll(site: ProbeSite): Promise<Omit<DoctorFacts, "agent" | "config">> {
  const proxies = readProxySettings({ get: (name) => site.environment[name] });
  const url = site.config === undefined ? null : URL.parse(site.config.endpointUrl);
  const [registryHost = ""] = site.config === undefined ? [] : ownRegistries(site.config);
  const disks = limited("The disks", async (signal) => {
    const root = await readEngineRoot(site.engineEnvironment, signal);
    return await probeDisks(site, root);
  });
  const endpoint = limited("The endpoint", (signal) => probeEndpoint(url, { proxies, signal }));
  const registry = limited("The registry", (signal) => probeRegistry(registryHost, { site, signal }));
  const [permissions, database, names, proxy, router, engine, compose] = await Promise.all([
    limited("The permissions", () => probePermissions(site)),
    limited("The database", () => probeDatabase(site.flags.dbFileName)),
    limited("The names", () => probeNames({ url, registryHost, proxies })),
    limited("The proxy", (signal) => probeProxy(url, { proxies, signal })),
    limited("The router", (signal) => probeRouter(site, { proxies, signal })),
    limited("The engine", (signal) => probeEngine(site.engineEnvironment, signal)),
    limited("docker compose", (signal) => probeCompose(signal)),
  ]);
  const [found, seen, registryFound] = await Promise.all([disks, endpoint, registry]);
  const heard = [seen, registryFound].flatMap((probe) => "aheadMs" in probe ? probe.aheadMs : []);
  return {
    ...{ permissions, database, proxy, router, engine, compose },
    names: Array.isArray(names) ? names : [],
    disks: Array.isArray(found) ? found : [],
    tls: "tls" in seen ? seen.tls : seen,
    registry: "registry" in registryFound ? registryFound.registry : registryFound,
    clock: { nowMs: Date.now(), aheadMs: heard },
  };
}

/** The agent that runs knows best where its files are. */
function knownPaths({ paths }: AgentFacts, flags: Flags): Partial<Flags> {
  return {
    config: paths.config || flags.config,
    dbFileName: paths.database || flags.dbFileName,
    logFile: paths.log || flags.logFile,
    appsDir: paths.apps || flags.appsDir,
  };
}

async function limited<Found>(
  what: string,
  probe: (signal: AbortSignal) => Promise<Found>,
): Promise<Probed<Found>> {
  try {
    return await within(doctorTimes.probeMs, probe, { what });
  } catch (error) {
    return { kind: "failed", error: textOf(error) };
  }
}
