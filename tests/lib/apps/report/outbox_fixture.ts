/** An outbox on a database of its own, and a Studio that takes reports or does not. */

import { Outbox } from "../../../../lib/apps/report/outbox.ts";
import type { AppId, AppState } from "../../../../lib/model/app.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import type { Database } from "../../../../lib/store/database.ts";
import type { AppReport } from "../../../../lib/backend/requests.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";
import { Folder } from "../../store/samples.ts";

/** The app that most tests report. */
export const shop = { appKey: 7, stage: "PROD" } as const;

/** Others: one of the same key, one of the same stage. */
export const shopDev = { appKey: 7, stage: "DEV" } as const;
/** See `shopDev`. */
export const fan = { appKey: 8, stage: "PROD" } as const;

/** A report of `shop`; `change` replaces members of it. */
export function report(state: AppState, change: Partial<AppReport> = {}): AppReport {
  return {
    id: shop,
    state,
    requestorAccountKey: 3,
    releaseKey: 9,
    requestUpdate: false,
    releaseBuild: false,
    updateStatus: "",
    ...change,
  };
}

/** The report of an update that went through. */
export function updated(id: AppId = shop): AppReport {
  return report("PRESENT", { id, updateStatus: "pending_remote_confirmation" });
}

/** An outbox with its database and its Studio. `taken` has what Studio has taken, as `PROD:7 RUNNING`. */
export class OutboxWorld implements AsyncDisposable {
  readonly taken: string[] = [];
  readonly reports: AppReport[] = [];
  /** Throws what Studio answers to a report that it does not take. */
  answer: (report: AppReport) => void | Promise<void> = () => {};
  readonly #folder = new Folder();
  readonly #clock = new FakeClock();
  #life = new AbortController();
  database: Database = this.#folder.open();
  outbox: Outbox = this.#make();

  /** Studio cannot be reached from here on. */
  disconnect(): void {
    this.answer = () => {
      throw new AgentError("not_connected", "not connected");
    };
  }

  /** Studio takes everything from here on. */
  reconnect(): void {
    this.answer = () => {};
  }

  /** Sends reports one after the other; returns for each whether Studio has taken it. */
  async send(...reports: AppReport[]): Promise<boolean[]> {
    const arrived: boolean[] = [];
    for (const one of reports) arrived.push(await this.outbox.send(() => one));
    return arrived;
  }

  /** Restarts the agent on the same database. */
  async restart(): Promise<void> {
    this.#life.abort();
    await this.outbox.settled();
    this.database[Symbol.dispose]();
    this.#life = new AbortController();
    this.database = this.#folder.open();
    this.outbox = this.#make();
  }

  /** Ends the agent; a report that is being sent is interrupted. */
  endLife(): void {
    this.#life.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    await this.outbox.settled();
    this.database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }

  #make(): Outbox {
    const reportAppState = async (one: AppReport) => {
      await this.answer(one);
      this.reports.push(one);
      this.taken.push(`${one.id.stage}:${one.id.appKey} ${one.state}`);
    };
    return new Outbox({
      backend: { reportAppState },
      database: this.database,
      clock: this.#clock,
      log: silentLog,
      life: this.#life.signal,
    });
  }
}
