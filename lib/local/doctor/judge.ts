/** Judges what was found on a device: what is fine, what is not, and what to do about it. Pure. */

import type { DoctorFacts } from "./doctor_facts.ts";
import { judgeClock, judgeDatabase, judgeDisks, judgeInodes, judgePermissions } from "./judge_device.ts";
import { judgeNames, judgeProxy, judgeRouter, judgeTls } from "./judge_network.ts";
import { judgeAgent, judgeCompose, judgeConfig, judgeEngine, judgeRegistry } from "./judge_parts.ts";
import { doubtful, type Finding } from "./finding.ts";

/** The checks, in the order in which they are shown: what others depend on comes first. */
export const checkNames = [
  "clock",
  "disk",
  "inodes",
  "permissions",
  "config",
  "database",
  "dns",
  "proxy",
  "tls",
  "router",
  "engine",
  "compose",
  "registry",
  "agent",
] as const;

/** The name of one; `docs/operating.md` has a section for each. */
export type CheckName = typeof checkNames[number];

/** The result of one check. `advice` is empty when all is well. */
export interface Check extends Finding {
  name: CheckName;
}

/** Where they would look is in the `.flock` file. */
const needConfig: readonly CheckName[] = ["dns", "proxy", "tls", "router", "registry"];

const unnamed: Finding = doubtful("Cannot be checked without the .flock file", 'See "config".');

/** All results. */
export function judge(facts: DoctorFacts): Check[] {
  const findings: Readonly<Record<CheckName, Finding>> = {
    clock: judgeClock(facts),
    disk: judgeDisks(facts),
    inodes: judgeInodes(facts),
    permissions: judgePermissions(facts),
    config: judgeConfig(facts),
    database: judgeDatabase(facts),
    dns: judgeNames(facts),
    proxy: judgeProxy(facts),
    tls: judgeTls(facts),
    router: judgeRouter(facts),
    engine: judgeEngine(facts),
    compose: judgeCompose(facts),
    registry: judgeRegistry(facts),
    agent: judgeAgent(facts),
  };
  const isKnown = facts.config.kind === "read";
  return checkNames.map((name) => ({ name, ...isKnown || !needConfig.includes(name) ? findings[name] : unnamed }));
}
