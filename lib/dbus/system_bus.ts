/**
 * The system bus: calls, properties and signals of other programs. One connection, opened with the first use and again
 * after a loss. None there is an error of the call, and nothing else.
 */

import type { Clock } from "../async/clock.ts";
import { orAborted } from "../async/deadline.ts";
import { TaskSet } from "../async/task_set.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { busSocketPaths } from "./bus_address.ts";
import { isServiceMissing } from "./bus_errors.ts";
import { busItself, type BusMethod, BusSession, type BusSignal } from "./bus_session.ts";
import { BusSignals, ownerRule, type SignalMatch, signalRule } from "./bus_signals.ts";
import { type BusDict, type BusValue, readBusDict, unwrapped } from "./bus_values.ts";

/** What the bus needs. */
export interface SystemBusOptions {
  /** `DBUS_SYSTEM_BUS_ADDRESS`; the usual address when absent. */
  address: string | undefined;
  clock: Pick<Clock, "sleep">;
  log: Log;
}

/** An object of a program, and one of its interfaces. */
export interface BusTarget {
  destination: string;
  path: string;
  interface: string;
}

const propertiesInterface = "org.freedesktop.DBus.Properties";
const redialFirstMs = 250;
const redialLimitMs = 30_000;

/**
 * The bus as the areas use it.
 *
 * - Any number of calls share one connection. A call opens it when there is none.
 * - While somebody listens or watches a name, a lost connection is opened again until that works.
 */
export class SystemBus implements AsyncDisposable {
  readonly #options: SystemBusOptions;
  readonly #signals: BusSignals;
  readonly #life = new AbortController();
  readonly #tasks: TaskSet;
  #session: BusSession | undefined;
  #opening: Promise<BusSession> | undefined;
  #isRestoring = false;

  constructor(options: SystemBusOptions) {
    this.#options = options;
    this.#signals = new BusSignals(options.log);
    this.#tasks = new TaskSet((error) => options.log.debug("Cannot keep the system bus", { error: textOf(error) }));
  }

  /**
   * Calls a method and returns its results. Throws `bus_refused` (a `BusRefusal`) for what the program answers,
   * `bus_unreachable` when there is no bus, `bad_request` when an argument does not fit, `busy`, `protocol_error`,
   * `timeout`, `canceled`.
   */
  async call(method: BusMethod, signal: AbortSignal): Promise<BusValue[]> {
    const session = await orAborted(this.#open(), { what: `The call "${method.member}"`, signal });
    return await session.call(method, {}, signal);
  }

  /** The value of a property, out of its variant; undefined when the program returned none. Throws like `call()`. */
  async property(target: BusTarget & { name: string }, signal: AbortSignal): Promise<BusValue | undefined> {
    const args = [target.interface, target.name];
    const [value] = await this.call({ ...propertiesCall(target, "Get"), signature: "ss", args }, signal);
    return unwrapped(value);
  }

  /** All properties of an interface, each in its variant. Throws like `call()`. */
  async properties(target: BusTarget, signal: AbortSignal): Promise<BusDict> {
    const args = [target.interface];
    const [values] = await this.call({ ...propertiesCall(target, "GetAll"), signature: "s", args }, signal);
    return readBusDict(values, `the properties of ${target.interface}`);
  }

  /** Whether a program owns the name. Throws like `call()`. */
  async nameHasOwner(name: string, signal: AbortSignal): Promise<boolean> {
    const [has] = await this.call({ ...busItself, member: "NameHasOwner", signature: "s", args: [name] }, signal);
    return has === true;
  }

  /**
   * Hands every matching signal to `onSignal`, also of a program that starts later, and after the bus was restarted,
   * until it is disposed. Throws like `call()`.
   */
  async subscribe(match: SignalMatch, onSignal: (signal: BusSignal) => void): Promise<AsyncDisposable> {
    await this.#open();
    const unwatch = await this.#watch(match.sender);
    const remove = this.#signals.listen({ match, onSignal });
    const end = async () => {
      await this.#removeRule(remove());
      await unwatch();
    };
    try {
      await this.#addRule(signalRule(match));
    } catch (error) {
      await end();
      throw error;
    }
    return { [Symbol.asyncDispose]: end };
  }

  /**
   * Calls `onChange` whenever a program takes the name (true) or it or the bus is gone (false), and once at the
   * beginning if the name is owned, until it is disposed. A program that takes the place of another is told as both.
   * Throws like `call()`.
   */
  async watchName(name: string, onChange: (hasOwner: boolean) => void): Promise<AsyncDisposable> {
    await this.#open();
    const isOwned = this.#signals.hasOwner(name);
    const end = await this.#watch(name, onChange);
    if (isOwned) onChange(true);
    return { [Symbol.asyncDispose]: end };
  }

  /** Ends the connection. Open calls fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    this.#session?.[Symbol.dispose]();
    this.#session = undefined;
    await this.#tasks.settled();
  }

  /** The open session, or a new one; whoever asks meanwhile waits for the same. */
  async #open(): Promise<BusSession> {
    if (this.#session !== undefined) return this.#session;
    this.#opening ??= this.#openNew().finally(() => this.#opening = undefined);
    return await this.#opening;
  }

  async #openNew(): Promise<BusSession> {
    const events = {
      onSignal: (signal: BusSignal) => this.#signals.dispatch(signal),
      onEnd: (error: unknown) => this.#lose(error),
    };
    const { signal } = this.#life;
    const session = await BusSession.open(busSocketPaths(this.#options.address), events, signal);
    try {
      for (const rule of this.#signals.rules) await addMatch(session, rule, signal);
      for (const name of this.#signals.names) await this.#lookUpOwner(session, name);
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
    this.#session = session;
    return session;
  }

  #lose(error: unknown): void {
    this.#session = undefined;
    this.#options.log.info("The connection to the system bus is lost", { error: textOf(error) });
    this.#signals.forgetOwners();
    if (!this.#isRestoring && !this.#life.signal.aborted) void this.#tasks.add(this.#restore());
  }

  /** Opens it again while somebody listens. */
  async #restore(): Promise<void> {
    const { clock, log } = this.#options;
    this.#isRestoring = true;
    try {
      for (let waitMs = redialFirstMs; !this.#signals.isEmpty; waitMs = Math.min(2 * waitMs, redialLimitMs)) {
        await clock.sleep(waitMs, this.#life.signal);
        try {
          await this.#open();
          log.info("Connected to the system bus again");
          return;
        } catch (error) {
          log.debug("Cannot reach the system bus yet", { error: textOf(error) });
        }
      }
    } finally {
      this.#isRestoring = false;
    }
  }

  async #watch(name: string, onChange?: (hasOwner: boolean) => void): Promise<() => Promise<void>> {
    const isNew = !this.#signals.isWatched(name);
    const unwatch = this.#signals.watch(name, onChange);
    const end = async () => {
      const rule = unwatch();
      if (rule !== undefined) await this.#removeRule(rule);
    };
    if (!isNew) return end;
    try {
      await this.#addRule(ownerRule(name));
      await this.#lookUpOwner(await this.#open(), name);
    } catch (error) {
      await end();
      throw error;
    }
    return end;
  }

  async #lookUpOwner(session: BusSession, name: string): Promise<void> {
    const onReply = ([owner]: readonly BusValue[]) => {
      this.#signals.setOwner(name, typeof owner === "string" ? owner : undefined);
    };
    try {
      const method = { ...busItself, member: "GetNameOwner", signature: "s", args: [name] };
      await session.call(method, { onReply }, this.#life.signal);
    } catch (error) {
      if (!isServiceMissing(error)) throw error;
    }
  }

  async #addRule(rule: string): Promise<void> {
    await addMatch(await this.#open(), rule, this.#life.signal);
  }

  /** The rules of a connection end with it. */
  async #removeRule(rule: string): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    try {
      const method = { ...busItself, member: "RemoveMatch", signature: "s", args: [rule] };
      await session.call(method, {}, this.#life.signal);
    } catch (error) {
      this.#options.log.debug("Cannot stop to listen to the system bus", { error: textOf(error) });
    }
  }
}

function propertiesCall({ destination, path }: BusTarget, member: string): BusMethod {
  return { destination, path, interface: propertiesInterface, member };
}

async function addMatch(session: BusSession, rule: string, signal: AbortSignal): Promise<void> {
  await session.call({ ...busItself, member: "AddMatch", signature: "s", args: [rule] }, {}, signal);
}
