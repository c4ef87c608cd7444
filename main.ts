/** The program: reads flags, listens for signals, returns an exit code. */

import type { LineOutput, Subcommand } from "./lib/base/subcommand.ts";
import { acquireInstanceLock, type InstanceLock } from "./lib/files/instance_lock.ts";
import { makeFolderSync } from "./lib/files/make_folder.ts";
import { earlyAnswer, type Flags, parseFlags } from "./lib/flags.ts";
import type { HostPlatform } from "./lib/flags/defaults.ts";
import { removeDebugVariables } from "./lib/host/debug_variables.ts";
import { startErrorLine } from "./lib/log/log.ts";
import { pathsOf } from "./lib/paths.ts";
import { isExported } from "./lib/telemetry/is_exported.ts";
import { agentVersion, buildArch } from "./lib/version.ts";

/** After a signal the program exits within this time, whatever is still running. */
const stopLimitMs = 10_000;

/** What is exported as OpenTelemetry is sent within this time at the exit, or not at all. */
const exportLimitMs = 3_000;

const lineOutput: LineOutput = {
  print: (line) => writeLine(Deno.stdout, line),
  complain: (line) => writeLine(Deno.stderr, line),
};

// Not awaited here: the runtime would read the whole bundle again for the first error with a frame of this level.
if (import.meta.main) queueMicrotask(async () => await exit(await main(Deno.args)));

async function main(args: readonly string[]): Promise<number> {
  const subcommand = await findSubcommand(args[0]);
  if (subcommand !== undefined) return await subcommand(args.slice(1), lineOutput);
  const parsed = parseFlags(args, { program: programName(), platform: platform() });
  if (parsed.kind !== "run") {
    writeLine(Deno.stderr, parsed.text);
    return parsed.exitCode;
  }
  const { arch, variant } = buildArch();
  const answer = earlyAnswer(parsed.flags, { version: agentVersion, arch: arch + variant });
  if (answer !== undefined) {
    writeLine(Deno.stdout, answer);
    return 0;
  }
  return await runLocked(parsed.flags);
}

/** The subcommand of this name. They are imported here because the agent itself needs none of them. */
async function findSubcommand(name: string | undefined): Promise<Subcommand | undefined> {
  switch (name) {
    case "service":
      return (await import("./lib/install/install.ts")).runService;
    case "status":
    case "logs":
    case "doctor": {
      const { runLocalCommand } = await import("./lib/local/command.ts");
      const { stdout, stderr } = Deno;
      return (args) => runLocalCommand([name, ...args], { platform: platform(), stdout, stderr });
    }
    default:
      return undefined;
  }
}

async function runLocked(flags: Flags): Promise<number> {
  const programData = Deno.build.os === "windows" ? Deno.env.get("ProgramData") : undefined;
  const machine = programData === undefined ? { os: Deno.build.os } : { os: Deno.build.os, programData };
  const paths = pathsOf(flags, machine);
  const stop = listenForStop();
  let lock: InstanceLock;
  try {
    makeFolderSync(paths.agentDir, { mode: 0o755 });
    lock = await acquireInstanceLock(paths.locks);
  } catch (error) {
    writeLine(Deno.stderr, startErrorLine("Cannot start", { error, date: new Date() }).trimEnd());
    return 1;
  }
  using held = lock;
  removeDebugVariables(Deno.env);
  // Imported here because it takes longer to load than the commands above take in all.
  const { runAgent } = await import("./lib/agent.ts");
  return await runAgent({ flags, paths, stop, warnings: held.warnings, stdout: Deno.stdout, stderr: Deno.stderr });
}

/** The first signal stops the agent gracefully, within ten seconds; the second one exits at once. */
function listenForStop(): AbortSignal {
  const controller = new AbortController();
  const codes = { SIGINT: 130, SIGTERM: 143, SIGBREAK: 130 } as const;
  const listen = (name: keyof typeof codes) =>
    Deno.addSignalListener(name, () => {
      if (controller.signal.aborted) return void exit(codes[name]);
      controller.abort();
      // A hanging stop must not delay a restart of the device.
      Deno.unrefTimer(setTimeout(() => void exit(0), stopLimitMs));
    });
  listen("SIGINT");
  listen(Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM");
  return controller.signal;
}

/** Ends the program at once, or, where the runtime still has to send measurements, soon. */
async function exit(code: number): Promise<void> {
  if (isExported(Deno.env)) {
    const { limitExit } = await import("./lib/host/exit_limit.ts");
    await limitExit(code, { limitMs: exportLimitMs });
  }
  Deno.exit(code);
}

/** The name of the program in the help. */
function programName(): string {
  try {
    const [first = ""] = Deno.readTextFileSync("/proc/self/cmdline").split("\0");
    return Deno.build.standalone && first !== "" ? first : "reagent";
  } catch {
    // Not on Linux.
    return "reagent";
  }
}

function platform(): HostPlatform {
  return { os: Deno.build.os, homeDir: Deno.env.get(Deno.build.os === "windows" ? "USERPROFILE" : "HOME") };
}

/** A closed pipe must not end the agent. */
function writeLine(stream: { writeSync(bytes: Uint8Array): number }, line: string): void {
  try {
    const bytes = new TextEncoder().encode(`${line}\n`);
    for (let written = 0; written < bytes.length;) written += stream.writeSync(bytes.subarray(written));
  } catch {
    // Nobody reads the other end.
  }
}
