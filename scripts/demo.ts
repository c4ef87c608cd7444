/**
 * `deno task demo`: shows on this machine what Reagent is for. A local Studio, a device, an app that is installed,
 * watched and updated; then everything is removed. It uses the Docker engine that is there, or a private one in a
 * box.
 */

import { textOf } from "../lib/base/errors.ts";
import { Box, sweepBoxes } from "./testbed/box.ts";
import { Docker } from "./demo/docker.ts";
import { lookAround } from "./demo/look_around.ts";
import { type Narrator, narratorOnStdout, reasonOf, secondsSince } from "./demo/narrator.ts";
import { setUp } from "./demo/set_up.ts";
import { show } from "./demo/show.ts";
import { projectRoot } from "./paths.ts";

const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const narrator = narratorOnStdout();
  const { stop, exitCode } = listenForStop();
  narrator.plain("Reagent on this machine: a local Studio, a device and an app, in less than a minute after set-up.");
  narrator.plain("Nothing of it stays. Ctrl-C ends it at any moment.");
  try {
    if (!await runDemo(narrator, stop)) return 1;
    stop.throwIfAborted();
    return 0;
  } catch (error) {
    if (stop.aborted) {
      narrator.plain("\nInterrupted. Everything that the demo had started has ended.");
      // What cleaning up met comes with what was cut by the interruption.
      if (error instanceof SuppressedError) narrator.plain(`Something may be left: ${textOf(error.error)}`);
      return exitCode();
    }
    narrator.plain(`\nThe demo cannot go on: ${reasonOf(error)}`);
    return 1;
  }
}

/**
 * The first signal ends the demo in order. Others change nothing: cleaning up takes seconds and must come to its end.
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

/** False when it could not be shown and has said why. */
async function runDemo(narrator: Narrator, stop: AbortSignal): Promise<boolean> {
  narrator.heading("A Docker engine");
  const { choice, lock } = await lookAround();
  using _lock = lock;
  if (choice.kind === "none") {
    narrator.say(choice.because);
    narrator.say(choice.need);
    return false;
  }
  const say = (text: string) => narrator.say(text);
  if (choice.kind === "private") say(`${choice.because} A private one is started, in a box that ends with the demo.`);
  else say(`Docker ${choice.version} runs here and is used; the demo removes what it makes there, and only that.`);
  await narrator.timed(
    () => setUp(choice.kind === "private" ? ["box", "engine", "registry"] : [], { say, stop }),
    () => {
      return "What the demo needs is installed";
    },
  );
  const startedMs = performance.now();
  if (choice.kind === "private") {
    if (!await runInBox(narrator, stop)) return false;
  } else {
    await show({ docker: new Docker(choice.host), narrator, stop, lock });
  }
  sayEnd(narrator, startedMs);
  return true;
}

/** Runs the demo in a box. False when it has failed there, and said why. */
async function runInBox(narrator: Narrator, stop: AbortSignal): Promise<boolean> {
  await sweepBoxes();
  stop.throwIfAborted();
  const program = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", `${projectRoot}scripts/demo/in_box.ts`];
  let isWell = false;
  {
    await using box = await Box.start([Deno.execPath(), ...program], { cwd: projectRoot });
    const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve(), { once: true }));
    if (!stop.aborted) isWell = (await Promise.race([box.status, stopped]))?.success ?? false;
  }
  stop.throwIfAborted();
  narrator.say("The box is gone, and the private engine with it.");
  return isWell;
}

function sayEnd(narrator: Narrator, startedMs: number): void {
  const lines = [
    "",
    `That was the main job of Reagent, in ${secondsSince(startedMs)}: a device joined its Studio, an app was installed`,
    "from a registry, its log was read, it was updated to a second version, and all of it is gone again.",
    "",
    "The same by hand, with a Studio that remembers:  npx --yes deno@2.9.6 task studio --help",
  ];
  for (const line of lines) narrator.plain(line);
}
