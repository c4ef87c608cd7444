/** The service on Windows: prints the steps, because nobody has tried them there. */

import { AgentError } from "../base/errors.ts";
import { proxyOfService } from "./environment_file.ts";
import { describeStep, type InstallStep } from "./install_step.ts";
import type { ServiceRequest } from "./service_command.ts";
import { decideSettings } from "./service_settings.ts";
import { planWindowsInstall, planWindowsUninstall } from "./windows_plan.ts";

/** With `--dry-run` it prints what the verb would do. Throws `not_available` without. */
export function showWindowsService(request: ServiceRequest): void {
  const { verb, options, output } = request;
  if (!options.isDryRun) {
    throw new AgentError(
      "not_available",
      `the service has not been tried on Windows; "reagent service ${verb} --dry-run" prints its steps`,
    );
  }
  for (const step of stepsOf(request)) output.print(`# would ${describeStep(step)}`);
}

function stepsOf({ verb, options }: ServiceRequest): InstallStep[] {
  const programData = Deno.env.get("ProgramData");
  if (programData === undefined) throw new AgentError("not_available", "the variable ProgramData is not set");
  const agentDir = `${programData}\\IronFlock\\Reagent`;
  const given = options.agentFlags.findLast(({ name }) => name === "config")?.value;
  switch (verb) {
    case "install":
      return planWindowsInstall({
        settings: windowsSettings(options.agentFlags, agentDir),
        programPath: Deno.execPath(),
        givenConfig: String(given),
        proxy: options.proxy === undefined ? {} : proxyOfService(options.proxy),
        certificates: [],
        isNoStart: options.isNoStart,
      });
    case "uninstall":
      return planWindowsUninstall({ agentDir, certificateNames: [] });
    case "restart":
      return ["stop", "start"].map((each) => ({ kind: "run", command: ["sc.exe", each, "reagent"] }));
    case "status":
      return [{ kind: "run", command: ["sc.exe", "query", "reagent"] }];
    case "start":
    case "stop":
      return [{ kind: "run", command: ["sc.exe", verb, "reagent"] }];
  }
}

function windowsSettings(given: ServiceRequest["options"]["agentFlags"], agentDir: string) {
  const decided = decideSettings({
    given,
    earlier: undefined,
    workingDirectory: Deno.cwd(),
    platform: { os: "windows", homeDir: "" },
    agentDir,
  });
  if (decided.kind === "error") throw new AgentError("bad_request", decided.text);
  const { settings } = decided;
  return { ...settings, config: `${settings.agentDir}\\device.flock` };
}
