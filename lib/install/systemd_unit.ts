/** The unit of systemd that runs the agent. Pure. docs/decisions/0033 says why it has no sandbox. */

import { agentArguments, type ServiceSettings } from "./service_settings.ts";
import { unitMark } from "./unit_file.ts";
import { quoteUnitWord } from "./unit_words.ts";

/** What an operator may set for the agent: proxies, `DOCKER_HOST`. Not readable for others, as logins stand in it. */
export const environmentFile = "/etc/default/reagent";

/** What the unit is made from. */
export interface UnitInput {
  settings: ServiceSettings;
  /** The program that is started with the agent's folder and its flags. */
  guard: string;
  /** The runtime that a launcher needs. */
  runtime: string | undefined;
  /** Units that the earlier unit waited for. */
  earlierAfter: readonly string[];
  /** Lines of the earlier unit that set environment variables. */
  earlierEnvironment: readonly string[];
}

const usualAfter = ["network-online.target", "docker.service", "NetworkManager.service"];

/** The text of the unit. */
export function systemdUnit(input: UnitInput): string {
  const { settings, guard } = input;
  const after = [...new Set([...usualAfter, ...input.earlierAfter])];
  const command = [guard, settings.agentDir, ...agentArguments(settings)];
  return [
    unitMark,
    '# Settings of your own belong into a drop-in ("systemctl edit reagent"); variables into ' + environmentFile,
    "[Unit]",
    "Description=Reagent, the device agent of IronFlock",
    "Wants=network-online.target",
    `After=${after.join(" ")}`,
    "# Never give up: nobody comes to start it again.",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=notify",
    "NotifyAccess=all",
    `ExecStart=${command.map(quoteUnitWord).join(" ")}`,
    ...environmentLines(input),
    "Restart=always",
    "RestartSec=500ms",
    "TimeoutStartSec=5min",
    "# It ends by itself within 10 s.",
    "TimeoutStopSec=15s",
    "# What it runs ends with it, apps do not: they are the engine's.",
    "KillMode=mixed",
    "WatchdogSec=60s",
    "WatchdogSignal=SIGKILL",
    "# What it runs may be killed for memory; it goes on.",
    "OOMPolicy=continue",
    "OOMScoreAdjust=-500",
    "# A core would have the secret of the device in it.",
    "LimitCORE=0",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/** Those of the earlier unit stay, but the runtime of an earlier launcher. */
function environmentLines({ runtime, earlierEnvironment }: UnitInput): string[] {
  const own = `EnvironmentFile=-${environmentFile}`;
  const kept = earlierEnvironment.filter((line) => line !== own && !/^Environment="?REAGENT_RUNTIME=/.test(line));
  const launcher = runtime === undefined ? [] : [`Environment=${quoteUnitWord(`REAGENT_RUNTIME=${runtime}`)}`];
  return [...launcher, ...kept, own];
}
