/** The named volumes of the engine in memory. */

import { dictField, listField, textField } from "../../lib/docker/decode.ts";
import type { CreateRequest } from "../../lib/docker/engine.ts";

/** The volumes of one engine. */
export class FakeVolumes {
  /** The labels of each, by name. */
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();

  /** Creates those of a container that do not exist yet, and returns all of them as inspect shows them. */
  mount(body: CreateRequest): object[] {
    const mounts = listField(dictField(body.HostConfig).Mounts).map(dictField).filter(({ Type }) => Type === "volume");
    return mounts.map(({ Source, Target, VolumeOptions }) => {
      const name = textField(Source);
      const labels = Object.entries(dictField(dictField(VolumeOptions).Labels));
      if (!this.#labels.has(name)) {
        this.#labels.set(name, Object.fromEntries(labels.map(([key, value]) => [key, textField(value)])));
      }
      return { Type: "volume", Name: name, Destination: Target };
    });
  }

  /** The names of those that have all of these labels. */
  namesWith(labels: Readonly<Record<string, string>>): string[] {
    const isMatch = (own: Readonly<Record<string, string>>) => {
      return Object.entries(labels).every(([name, value]) => own[name] === value);
    };
    return [...this.#labels].filter(([, own]) => isMatch(own)).map(([name]) => name).sort();
  }

  /** Removes one. */
  remove(name: string): void {
    this.#labels.delete(name);
  }
}
