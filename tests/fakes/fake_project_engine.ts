/** The containers, networks and volumes of compose projects in memory, as an engine lists and removes them. */

import { AgentError, type ErrorCode } from "../../lib/base/errors.ts";
import type { ContainerSummary } from "../../lib/docker/decode.ts";
import type { Engine } from "../../lib/docker/engine.ts";
import { composeLabels, composeProjectLabel } from "../../lib/model/labels.ts";

type Calls = "listContainers" | "networksWith" | "remove" | "removeNetwork" | "removeVolume" | "stop" | "volumesWith";

/** What the engine has, and what it was asked to change. */
export class FakeProjectEngine implements Pick<Engine, Calls> {
  /** Projects by the ids of their containers, networks and volumes. */
  readonly containers = new Map<string, string>();
  readonly networks = new Map<string, string>();
  readonly volumes = new Map<string, string>();
  readonly oneOffs = new Set<string>();
  /** Errors of calls by `<call> <id>`. */
  readonly failures = new Map<string, ErrorCode>();
  readonly changes: string[] = [];

  listContainers(): Promise<ContainerSummary[]> {
    return Promise.resolve([...this.containers].map(([id, project]) => {
      const oneOff = this.oneOffs.has(id) ? "True" : "False";
      const labels = { [composeProjectLabel]: project, [composeLabels.oneOff]: oneOff };
      return { id, names: [id], state: "running", image: "x", labels, published: {} };
    }));
  }

  networksWith(labels: Readonly<Record<string, string>>): Promise<string[]> {
    return Promise.resolve(idsOf(this.networks, labels));
  }

  volumesWith(labels: Readonly<Record<string, string>>): Promise<string[]> {
    return Promise.resolve(idsOf(this.volumes, labels));
  }

  stop(id: string, { graceSeconds }: { graceSeconds: number }): Promise<void> {
    return this.#change(`stop ${id}`, `, ${graceSeconds} s`);
  }

  async remove(id: string, { force, volumes = false }: { force: boolean; volumes?: boolean }): Promise<void> {
    await this.#change(`remove ${id}`, `${force ? ", force" : ""}${volumes ? ", volumes" : ""}`);
    this.containers.delete(id);
  }

  async removeNetwork(id: string): Promise<void> {
    await this.#change(`removeNetwork ${id}`);
    this.networks.delete(id);
  }

  async removeVolume(id: string): Promise<void> {
    await this.#change(`removeVolume ${id}`);
    this.volumes.delete(id);
  }

  async #change(call: string, more = ""): Promise<void> {
    const code = this.failures.get(call);
    await Promise.resolve();
    if (code !== undefined) throw new AgentError(code, `${call} failed`);
    this.changes.push(`${call}${more}`);
  }
}

function idsOf(owners: ReadonlyMap<string, string>, labels: Readonly<Record<string, string>>): string[] {
  return [...owners].filter(([, project]) => project === labels[composeProjectLabel]).map(([id]) => id);
}
