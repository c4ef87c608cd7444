/** The uploads of all apps, whose code is loaded with the first one: most devices never see any. */

import type { TransferPart, Transfers, TransfersDeps } from "./transfers.ts";

/** What `Transfers` does, from the first upload on. */
export class Uploads implements AsyncDisposable {
  readonly #deps: TransfersDeps;
  #transfers: Promise<Transfers> | undefined;

  constructor(deps: TransfersDeps) {
    this.#deps = deps;
  }

  /** See `Transfers.write()`. */
  async write(part: TransferPart): Promise<void> {
    this.#transfers ??= loadTransfers(this.#deps);
    await (await this.#transfers).write(part);
  }

  /** See `Transfers.cancel()`. */
  async cancel(containerName: string): Promise<void> {
    await (await this.#transfers)?.cancel(containerName);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#transfers)?.[Symbol.asyncDispose]();
  }
}

async function loadTransfers(deps: TransfersDeps): Promise<Transfers> {
  const { Transfers } = await import("./transfers.ts");
  return new Transfers(deps);
}
