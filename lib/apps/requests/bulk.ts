/** Measures the members of a request that can be big: variables, ports, compose files, logins. Pure. */

import { assertBounds, type Bounds, excessOf } from "../../base/bounds.ts";
import type { AppState } from "../../model/app.ts";
import { isGone } from "../state/live_app.ts";
import { stableTarget } from "../state/transitions.ts";
import { fieldLeftOut } from "./row_fields.ts";

/** The big members of one request. */
export class Bulk {
  /** A sentence for each member that is left out. */
  readonly problems: string[] = [];
  /** The same for the log of the app. */
  readonly leftOut: string[] = [];
  readonly #where: string;
  readonly #isRemoval: boolean;

  /** `where` is what errors call the request. */
  constructor(where: string, options: { target: AppState }) {
    this.#where = where;
    this.#isRemoval = isGone(stableTarget(options.target));
  }

  /**
   * `value`, if it is within `bounds`. Throws `bad_request` when it is not; a request to remove the app goes on without
   * it, because whatever is on the device can be removed.
   */
  measured<T>(value: T, { path, bounds }: { path: string; bounds: Bounds }): T | undefined {
    if (!this.#isRemoval) {
      assertBounds(value, { where: this.#where, path, bounds });
      return value;
    }
    const excess = excessOf(value, bounds);
    if (excess === undefined) return value;
    this.problems.push(`${path} ${excess}`);
    this.leftOut.push(fieldLeftOut(path, `it ${excess}`));
    return undefined;
  }
}
