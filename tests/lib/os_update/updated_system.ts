/** The area of updates of the operating system, on a real RAUC and message bus in a box. */

import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { createLazyBus, type LazyBus } from "../../../lib/dbus/dbus.ts";
import type { InstallProgress, OsUpdateDeps } from "../../../lib/os_update/dependencies.ts";
import { createOsUpdate, type OsUpdate } from "../../../lib/os_update/os_update.ts";
import { MessageBus } from "../../../scripts/testbed/message_bus.ts";
import { Rauc } from "../../../scripts/testbed/rauc.ts";

/** A system with a real RAUC, whose update is `u.raucb`; without the rest of an agent. Disposing ends all of it. */
export class UpdatedSystem implements AsyncDisposable {
  readonly bus: MessageBus;
  readonly rauc: Rauc;
  readonly folder = Deno.makeTempDirSync();
  /** The progress of all installations. */
  readonly seen: InstallProgress[] = [];
  /** Why nothing may be installed. */
  reason: string | undefined;
  readonly #buses: LazyBus[] = [];

  private constructor(bus: MessageBus, rauc: Rauc) {
    this.bus = bus;
    this.rauc = rauc;
    Deno.writeTextFileSync(`${this.folder}/source`, "a,b,https://example.com/u.raucb\n");
  }

  /** Starts everything but the area. */
  static async start(): Promise<UpdatedSystem> {
    const bus = await MessageBus.start();
    return new UpdatedSystem(bus, await Rauc.start(bus.address));
  }

  /** Of the bundle. */
  get path(): string {
    return `${this.folder}/u.raucb`;
  }

  /** Another one is another process. */
  area(change: Partial<OsUpdateDeps> = {}): OsUpdate {
    const bus = createLazyBus({ address: this.bus.address, clock: systemClock, log: silentLog });
    this.#buses.push(bus);
    return createOsUpdate({
      paths: { current: "", latest: "", sourceFile: `${this.folder}/source`, bundleFolder: this.folder },
      recordFile: `${this.folder}/os_update.json`,
      bus,
      onDownload: () => {},
      onInstall: (progress) => void this.seen.push(progress),
      reasonToWait: () => this.reason,
      reserveBytes: () => Promise.resolve(0),
      clock: systemClock,
      log: silentLog,
      ...change,
    });
  }

  /** Puts a bundle in its place. */
  async place(bytes: Uint8Array): Promise<void> {
    await Deno.writeFile(this.path, bytes, { mode: 0o600 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bus of this.#buses) await bus[Symbol.asyncDispose]();
    await this.rauc[Symbol.asyncDispose]();
    await this.bus[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
