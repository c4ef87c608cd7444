/** What a fake engine does besides containers and images. */

import { AgentError } from "../../lib/base/errors.ts";

/** Networks by id, each with its labels. */
export class FakeNetworks {
  readonly networks = new Map<string, Readonly<Record<string, string>>>();

  networksWith(labels: Readonly<Record<string, string>>, _signal: AbortSignal): Promise<string[]> {
    const found = [...this.networks].filter(([, own]) => {
      return Object.entries(labels).every(([name, value]) => own[name] === value);
    });
    return Promise.resolve(found.map(([id]) => id));
  }

  inspectImage(_reference: string, _signal: AbortSignal): Promise<unknown> {
    return Promise.resolve(undefined);
  }

  async hasImage(reference: string, signal: AbortSignal): Promise<boolean> {
    return await this.inspectImage(reference, signal) !== undefined;
  }

  removeNetwork(id: string, _signal: AbortSignal): Promise<void> {
    this.networks.delete(id);
    return Promise.resolve();
  }

  /** Only containers of compose projects are renamed. */
  rename(id: string, name: string, _signal: AbortSignal): Promise<void> {
    return Promise.reject(new AgentError("container_missing", `No container ${id} becomes ${name}`));
  }

  /** Builds and pushes are tried on real engines only. */
  openBuild(): Promise<never> {
    return Promise.reject(new AgentError("build_failed", "This engine builds nothing"));
  }

  openPush(): Promise<never> {
    return Promise.reject(new AgentError("push_failed", "This engine pushes nothing"));
  }
}
