/** What the probes of the doctor go by. */

import type { DeviceConfig } from "../../config/flock.ts";
import type { Flags } from "../../flags.ts";
import type { AgentFacts } from "../agent_facts.ts";

/** What the probes have in common. */
export interface ProbeSite {
  flags: Flags;
  /** Undefined when it cannot be read. */
  config: DeviceConfig | undefined;
  /** Undefined when no agent answers. */
  agent: AgentFacts | undefined;
  /** How the engine is reached. */
  engineEnvironment: Record<string, string | undefined>;
  /** The variables of the agent, as far as they are known. */
  environment: Record<string, string | undefined>;
}
