/** Keeps a bug in one task from ending the process: it is logged with its stack, and everything else goes on. */

import type { Log } from "../base/log.ts";

/** Handles all errors and rejections that nobody caught, until it is disposed. */
export function containErrors(log: Log): Disposable {
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    log.error("An error was caught by nobody", { error: event.error });
  };
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    log.error("A promise was rejected and nobody handled it", { error: event.reason });
  };
  globalThis.addEventListener("error", onError);
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    [Symbol.dispose]() {
      globalThis.removeEventListener("error", onError);
      globalThis.removeEventListener("unhandledrejection", onRejection);
    },
  };
}
