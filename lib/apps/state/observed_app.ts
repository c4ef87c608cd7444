/** What the engine has of an app: containers and images. Pure. */

import type { PortBinding } from "../../docker/decode.ts";

/** A container of an app. The optional fields are absent where the observation does not tell. */
export interface ObservedContainer {
  id: string;
  /** Also the name of its log channel. */
  name: string;
  /** As the engine spells it: `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  status: string;
  /** When it was last started, as the engine spells it. Together with `id` it names one run. */
  startedAt?: string;
  /** 0 while it runs. */
  exitCode?: number;
  /** It was ended from outside: by the engine as it stopped, or by a person. */
  wasKilled?: boolean;
  /** It bears the label of agents, who all give it a terminal. */
  isMadeByAgent?: boolean;
  /** Where its ports are published, by `<port>/<protocol>`. */
  published?: Readonly<Record<string, readonly PortBinding[]>>;
}

/** What the engine has of an app at one moment. */
export interface ObservedApp {
  containers: readonly ObservedContainer[];
  /** Tags of the app's own image repository. */
  tags: readonly string[];
}

/** True for a status in which a container has a process, or will have one again. */
export function isAlive(status: string): boolean {
  return ["running", "paused", "restarting"].includes(status);
}

/** The container of an app that has one at most; undefined when there is none. */
export function soleContainer({ containers }: ObservedApp): ObservedContainer | undefined {
  return containers[0];
}
