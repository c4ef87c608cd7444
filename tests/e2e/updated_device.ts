/** A device whose agent updates itself: what Studio sees of it, and which versions are on its disk. */

import { isDict } from "../../lib/base/json.ts";
import { guardFiles } from "../../lib/self_update/start_guard.ts";
import type { AddedDevice, Studio } from "../../scripts/studio/studio.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";

/** Where versions of an agent lead: undefined where there is no link. */
export interface SeenLinks {
  program: string | undefined;
  fallback: string | undefined;
}

/** The agent of a device, seen from outside. */
export class UpdatedDevice {
  readonly #world: { readonly studio: Studio };
  readonly device: AddedDevice;
  /** The agent's folder. */
  readonly folder: string;

  constructor(world: { readonly studio: Studio }, { device, folder }: { device: AddedDevice; folder: string }) {
    this.#world = world;
    this.device = device;
    this.folder = folder;
  }

  /** The session that the device has, or had last. */
  get sessionId(): number {
    return this.#world.studio.device(this.device).sessionId;
  }

  /** Where the links lead. */
  links(): SeenLinks {
    const read = (name: string) => {
      try {
        return Deno.readLinkSync(`${this.folder}/${name}`).replace("reagent-v", "");
      } catch {
        // There is none.
        return undefined;
      }
    };
    return { program: read(guardFiles.program), fallback: read(guardFiles.fallback) };
  }

  /** The versions on the disk, sorted. */
  versions(): string[] {
    return [...Deno.readDirSync(this.folder)].flatMap(({ name }) => /^reagent-v(.*)$/.exec(name)?.[1] ?? []).sort();
  }

  /** Waits until the device is connected with a version. */
  async untilConnected(version: string, { limitMs = 60_000 } = {}): Promise<void> {
    await pollUntil(`version ${version} is connected`, async () => {
      if (this.#world.studio.device(this.device).status !== "CONNECTED") return undefined;
      return (await this.metadata().catch(() => undefined))?.version === version || undefined;
    }, { limitMs });
  }

  /** What `get_agent_metadata` answers. */
  async metadata(): Promise<Record<string, unknown>> {
    const [value] = (await this.#world.studio.call(this.device, "get_agent_metadata")).args;
    return isDict(value) ? value : {};
  }

  /** What `update_agent` answers. */
  async update(): Promise<Record<string, unknown>> {
    const [value] = (await this.#world.studio.call(this.device, "update_agent")).args;
    return isDict(value) ? value : {};
  }

  /** How long nobody was connected as this device, from the next time on that it is not. */
  async offlineMs(before: number, { limitMs = 60_000 } = {}): Promise<number> {
    const state = () => this.#world.studio.device(this.device);
    const options = { limitMs };
    await pollUntil("it is gone", () => Promise.resolve(state().status === "DISCONNECTED" || undefined), options);
    const goneAt = performance.now();
    const isBack = () => Promise.resolve((state().status === "CONNECTED" && state().sessionId !== before) || undefined);
    await pollUntil("it is back", isBack, options);
    return performance.now() - goneAt;
  }
}
