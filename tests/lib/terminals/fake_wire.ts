/** A router as one terminal sees it: topics and procedures that are there, and what was published. */

import type { InvocationHandler } from "../../../lib/wamp/invocations.ts";
import { AgentError } from "../../../lib/base/errors.ts";
import type { PublishOptions, Registration, Subscription, WireEvent } from "../../../lib/wamp/session.ts";

/** The router. `watchers` are those that are subscribed to the output. */
export class FakeWire {
  readonly published: { text: string; options: PublishOptions }[] = [];
  readonly handlers = new Map<string, (event: WireEvent) => void>();
  readonly procedures = new Map<string, InvocationHandler>();
  watchers: number[] = [1];
  isConnected = true;
  #ids = 0;

  publish(_topic: string, [value]: unknown[], options: PublishOptions = {}): Promise<void> {
    if (!this.isConnected) return Promise.reject(new AgentError("not_connected", "not connected"));
    this.published.push({ text: String(value), options });
    return Promise.resolve();
  }

  subscribe(topic: string, handler: (event: WireEvent) => void): Promise<Subscription> {
    this.handlers.set(topic, handler);
    const unsubscribe = () => Promise.resolve(void this.handlers.delete(topic));
    return Promise.resolve({ id: this.#ids += 1, topic, unsubscribe });
  }

  register(procedure: string, handler: InvocationHandler): Promise<Registration> {
    this.procedures.set(procedure, handler);
    const unregister = () => Promise.resolve(void this.procedures.delete(procedure));
    return Promise.resolve({ id: this.#ids += 1, procedure, unregister });
  }

  /** Somebody types. */
  type(value: unknown, publisherAuthid?: string): void {
    const topic = "write";
    const event = { topic, args: value === undefined ? [] : [value], kwargs: {} };
    this.handlers.get(topic)?.(publisherAuthid === undefined ? event : { ...event, publisherAuthid });
  }

  /** What was shown, joined. */
  get shown(): string {
    return this.published.map(({ text }) => text).join("|");
  }
}
