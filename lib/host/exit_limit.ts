/**
 * Ends the process within a limit, even where the runtime's own exit hangs. With `OTEL_DENO` the runtime sends what it
 * has before it exits, and while it does the event loop stands: a collection of measurements that begins in that moment
 * waits for the loop, and the exit waits for the collection, for ever (denoland/deno issue 33157).
 */

import { within } from "../async/deadline.ts";

/** For the start of the worker: 25 ms on a computer, more on a small board. */
const workerLimitMs = 2_000;

/** Resolves once the process is sure to end with `code` after `limitMs`, whatever its event loop does. Never throws. */
export async function limitExit(code: number, { limitMs }: { limitMs: number }): Promise<void> {
  try {
    const worker = new Worker(`data:application/javascript,${encodeURIComponent(workerSource(code, limitMs))}`, {
      type: "module",
    });
    await within(workerLimitMs, () => untilReady(worker), { what: "Starting the worker" });
  } catch {
    // Without it the process ends as the runtime does.
  }
}

function untilReady(worker: Worker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = () => resolve();
  worker.onerror = (event) => {
    event.preventDefault();
    reject(event.error);
  };
  return promise;
}

/** Only the C library ends all threads with an exit code; the runtime ends no more than the worker. */
function workerSource(code: number, limitMs: number): string {
  return `
    let end = () => Deno.kill(Deno.pid, "SIGKILL");
    if (Deno.build.os === "linux") {
      const library = Deno.dlopen("libc.so.6", { _exit: { parameters: ["i32"], result: "void" } });
      end = () => library.symbols._exit(${code});
    }
    setTimeout(end, ${limitMs});
    postMessage("ready");`;
}
