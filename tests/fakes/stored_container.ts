/** A container of the fake engine. */

import type { ContainerDetails } from "../../lib/docker/decode.ts";
import type { CreateRequest } from "../../lib/docker/engine.ts";

/** A container, with what it was created from. */
export interface StoredContainer {
  seen: ContainerDetails;
  body: CreateRequest;
  /** Counts its starts. */
  runs: number;
  exits: Set<(exitCode: number) => void>;
}
