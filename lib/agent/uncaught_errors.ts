/** Keeps a mistake in one task from ending the process: it is logged with its stack, and everything else goes on. */

import type { Log } from "../base/log.ts";

/** Takes all errors and rejections that nobody caught, until it is disposed. */
export function containErrors(log: Log): Disposable {
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    log.error("A task failed without anybody taking care of it", { error: event.error });
  };
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    log.error("A promise was rejected without anybody taking care of it", { error: event.reason });
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
