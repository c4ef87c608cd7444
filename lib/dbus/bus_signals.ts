/** Who listens to which signals, and who owns the names they come from. Decides; sends nothing. */

import type { Log } from "../base/log.ts";
import { textOf } from "../base/errors.ts";
import { busItself, type BusSignal } from "./bus_session.ts";

/** Which signals a listener gets. */
export interface SignalMatch {
  /** The well-known name of the sender. Signals of anybody else are dropped, whatever they claim. */
  sender: string;
  interface: string;
  member: string;
  /** Absent: of all objects of the sender. */
  path?: string;
}

/** A listener. */
interface Listener {
  match: SignalMatch;
  onSignal(signal: BusSignal): void;
}

/** Who owns a name, and who is told when that changes. */
interface WatchedName {
  /** The unique name of the owner; undefined when there is none, or no bus. */
  owner: string | undefined;
  users: number;
  watchers: Set<(hasOwner: boolean) => void>;
}

/** The listeners and the names they depend on. Nothing here fails because a listener does. */
export class BusSignals {
  readonly #listeners = new Set<Listener>();
  readonly #names = new Map<string, WatchedName>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Whether anybody listens. */
  get isEmpty(): boolean {
    return this.#listeners.size === 0 && this.#names.size === 0;
  }

  /** The names that are watched. */
  get names(): string[] {
    return [...this.#names.keys()];
  }

  /** The rules that the bus must know, one for each listener and each name. */
  get rules(): string[] {
    return [...this.names.map(ownerRule), ...[...this.#listeners].map(({ match }) => signalRule(match))];
  }

  /** Adds a listener. Returns how to remove it, with the rule that is then not needed any more. */
  listen(listener: Listener): () => string {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      return signalRule(listener.match);
    };
  }

  /** Whether the name is watched already. */
  isWatched(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whether a watched name is known to have an owner. */
  hasOwner(name: string): boolean {
    return this.#names.get(name)?.owner !== undefined;
  }

  /** Watches a name. Returns how to stop it; that returns the rule that is not needed any more, if any. */
  watch(name: string, onChange?: (hasOwner: boolean) => void): () => string | undefined {
    const watched = this.#names.get(name) ?? { owner: undefined, users: 0, watchers: new Set() };
    this.#names.set(name, watched);
    watched.users += 1;
    if (onChange !== undefined) watched.watchers.add(onChange);
    return () => {
      watched.users -= 1;
      if (onChange !== undefined) watched.watchers.delete(onChange);
      if (watched.users > 0) return undefined;
      this.#names.delete(name);
      return ownerRule(name);
    };
  }

  /** Who owns a watched name now; undefined for nobody. */
  setOwner(name: string, owner: string | undefined): void {
    const watched = this.#names.get(name);
    if (watched === undefined || watched.owner === owner) return;
    const hadOwner = watched.owner !== undefined;
    watched.owner = owner;
    // A successor has none of the state of its predecessor, so it is told as an end and a beginning.
    for (const watcher of [...watched.watchers]) {
      if (hadOwner) this.#guard(() => watcher(false));
      if (owner !== undefined) this.#guard(() => watcher(true));
    }
  }

  /** There is no bus any more, so nobody owns anything. */
  forgetOwners(): void {
    for (const name of this.names) this.setOwner(name, undefined);
  }

  /** Hands a signal to those who listen to it. */
  dispatch(signal: BusSignal): void {
    if (signal.sender === busItself.destination && signal.member === "NameOwnerChanged") {
      const [name, , owner] = signal.args;
      if (typeof name === "string") this.setOwner(name, typeof owner === "string" && owner !== "" ? owner : undefined);
    }
    for (const { match, onSignal } of [...this.#listeners]) {
      if (this.#isFor(match, signal)) this.#guard(() => onSignal(signal));
    }
  }

  #isFor(match: SignalMatch, signal: BusSignal): boolean {
    return this.#names.get(match.sender)?.owner === signal.sender && match.interface === signal.interface &&
      match.member === signal.member && (match.path === undefined || match.path === signal.path);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.warn("Cannot use a signal of the system bus", { error: textOf(error) });
    }
  }
}

/** The rule for changes of the owner of a name. */
export function ownerRule(name: string): string {
  return `type='signal',sender='${busItself.destination}',interface='${busItself.interface}',` +
    `member='NameOwnerChanged',arg0='${name}'`;
}

/** The rule for the signals of a match. */
export function signalRule({ sender, interface: name, member, path }: SignalMatch): string {
  const rule = `type='signal',sender='${sender}',interface='${name}',member='${member}'`;
  return path === undefined ? rule : `${rule},path='${path}'`;
}
