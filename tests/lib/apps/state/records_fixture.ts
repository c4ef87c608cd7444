/** Records of apps on a database of their own. */

import { AppRecords } from "../../../../lib/apps/state/app_records.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";
import { Folder } from "../../store/samples.ts";

/** The app of `sampleRequest()`. */
export const id = { appKey: 71, stage: "PROD" } as const;

/** Records on a database of their own. */
export class RecordsWorld implements Disposable {
  readonly #folder = new Folder();
  readonly #database = this.#folder.open();
  readonly clock = new FakeClock();
  records = this.reopen();

  /** Records that have only what is stored, as after a restart. */
  reopen(): AppRecords {
    return new AppRecords({ database: this.#database, clock: this.clock });
  }

  /** Lets every write fail. */
  breakStore(): void {
    this.#database.sql.exec("PRAGMA query_only = ON");
  }

  /** Lets writes succeed again. */
  mendStore(): void {
    this.#database.sql.exec("PRAGMA query_only = OFF");
  }

  /** Lets every read and write fail. */
  closeStore(): void {
    this.#database[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}
