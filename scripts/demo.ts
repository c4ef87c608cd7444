/**
 * `deno task demo`: shows what Reagent does. Starts a local Studio and a device, installs and updates an app, one of
 * several services with `--compose`, or builds one on the device with `--dev`, and removes everything again. Uses the
 * Docker engine of this machine, or a private one in a box.
 */

import { textOf } from "../lib/base/errors.ts";
import { Box, sweepBoxes } from "./testbed/box.ts";
import { Docker } from "./demo/docker.ts";
import { inspectMachine } from "./demo/inspect_machine.ts";
import { createNarrator, type Narrator, reasonOf, secondsSince } from "./demo/narrator.ts";
import { argsOf, type DemoPart, introductionOf, readPart, summaryOf, usage } from "./demo/parts.ts";
import { setUp } from "./demo/set_up.ts";
import { show } from "./demo/show.ts";
import { projectRoot } from "./paths.ts";

const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const narrator = createNarrator();
  const part = readPart(Deno.args);
  if (part === undefined) {
    narrator.plain(usage);
    return 2;
  }
  const { stop, exitCode } = listenForStop();
  narrator.plain(introductionOf(part));
  narrator.plain("It leaves nothing behind. Press Ctrl-C to end it at any time.");
  try {
    if (!await runDemo(part, narrator, stop)) return 1;
    stop.throwIfAborted();
    return 0;
  } catch (error) {
    if (stop.aborted) {
      narrator.plain("\nInterrupted. Everything that the demo had started has ended.");
      // The cleanup has failed too.
      if (error instanceof SuppressedError) narrator.plain(`Something may be left: ${textOf(error.error)}`);
      return exitCode();
    }
    narrator.plain(`\nThe demo has failed: ${reasonOf(error)}`);
    return 1;
  }
}

/**
 * Stops the demo at the first signal. Later ones change nothing: the cleanup takes seconds and must be completed.
 */
function listenForStop(): { stop: AbortSignal; exitCode: () => number } {
  const controller = new AbortController();
  let code = 1;
  for (const name of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (!controller.signal.aborted) code = exitCodes[name];
      controller.abort();
    });
  }
  return { stop: controller.signal, exitCode: () => code };
}

/** Returns false when the demo could not run; the reason has been printed. */
async function runDemo(part: DemoPart, narrator: Narrator, stop: AbortSignal): Promise<boolean> {
  narrator.heading("A Docker engine");
  const { choice, lock } = await inspectMachine();
  using _lock = lock;
  if (choice.kind === "none") {
    narrator.say(choice.because);
    narrator.say(choice.need);
    return false;
  }
  const say = (text: string) => narrator.say(text);
  if (choice.kind === "private") say(`${choice.because} A private one is started, in a box that ends with the demo.`);
  else say(`The demo uses Docker ${choice.version} of this machine, and removes what it creates there and only that.`);
  await narrator.timed(
    () => setUp(choice.kind === "private" ? ["box", "engine", "registry"] : [], { say, stop }),
    () => "What the demo needs is installed",
  );
  const startedMs = performance.now();
  if (choice.kind === "private") {
    if (!await runInBox(part, narrator, stop)) return false;
  } else {
    await show({ part, docker: new Docker(choice.host), narrator, stop, lock });
  }
  sayEnd(part, narrator, startedMs);
  return true;
}

/** Runs the demo in a box. Returns false when it has failed there; the reason has been printed. */
async function runInBox(part: DemoPart, narrator: Narrator, stop: AbortSignal): Promise<boolean> {
  await sweepBoxes();
  stop.throwIfAborted();
  const program = [
    "run",
    "--no-prompt",
    "-P=tools",
    "--quiet",
    "--no-check",
    `${projectRoot}scripts/demo/in_box.ts`,
    ...argsOf(part),
  ];
  let success = false;
  {
    await using box = await Box.start([Deno.execPath(), ...program], { cwd: projectRoot });
    const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
    if (!stop.aborted) success = (await Promise.race([box.status, stopped]))?.success ?? false;
  }
  stop.throwIfAborted();
  narrator.say("The box and the private engine in it are gone.");
  return success;
}

function sayEnd(part: DemoPart, narrator: Narrator, startedMs: number): void {
  const lines = [
    "",
    ...summaryOf(part, secondsSince(startedMs)),
    "",
    "By hand, with a Studio that keeps its data:  npx --yes deno@2.9.6 task studio --help",
  ];
  for (const line of lines) narrator.plain(line);
}
