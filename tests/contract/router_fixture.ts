/** What a case of the router contract works with: the router under test, URIs of its own, and its connections. */

import assert from "node:assert/strict";
import { type Account, type Frame, numberAt, RawPeer } from "./raw_peer.ts";

/** A running router that has the accounts below. Its realm is `realm1`. */
export interface RouterUnderTest {
  url: string;
}

/** The accounts that every router under test has. */
export const accounts = {
  device: { authid: "12-345", secret: "device secret äöü" },
  backend: { authid: "system", secret: "backend secret" },
  /** Salted: PBKDF2 with salt "salt123", 1000 iterations, 32 bytes. */
  salted: { authid: "salted", secret: "test-secret" },
} satisfies Record<string, Account>;

/** The salt of `accounts.salted`. */
export const salt = { salt: "salt123", iterations: 1000, keylen: 32 };

/** One thing that a router must do. */
export interface RouterCase {
  name: string;
  run(fixture: RouterFixture): Promise<void>;
}

/** The fixture of one case. Cases may share a router. Disposing disconnects the peers. */
export class RouterFixture implements AsyncDisposable {
  readonly url: string;
  readonly #name = `case${crypto.randomUUID().slice(0, 8)}`;
  readonly #peers: RawPeer[] = [];

  constructor({ url }: RouterUnderTest) {
    this.url = url;
  }

  /** A URI that is unique to the case. */
  uri(rest: string): string {
    return `${this.#name}.${rest}`;
  }

  /** A connection that has not joined. */
  async open(): Promise<RawPeer> {
    const peer = await RawPeer.open(this.url);
    this.#peers.push(peer);
    return peer;
  }

  /** A joined peer. */
  async join(who: keyof typeof accounts = "device", roles?: object): Promise<RawPeer> {
    const peer = await this.open();
    const last = await peer.join(accounts[who], roles ? { roles } : {});
    assert.equal(last[0], 2, `Cannot join: ${JSON.stringify(last)}`);
    return peer;
  }

  /** A caller, and a callee that has registered a procedure. */
  async callPair(options: object = {}): Promise<{ callee: RawPeer; caller: RawPeer; procedure: string; id: number }> {
    const callee = await this.join();
    const procedure = this.uri("procedure");
    const id = await callee.register(procedure, options);
    return { callee, caller: await this.join("backend"), procedure, id };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) await peer.cut();
  }
}

/** Starts a call; resolves once the callee has received the INVOCATION. */
export async function startCall(
  { callee, caller, procedure }: { callee: RawPeer; caller: RawPeer; procedure: string },
  options: object = {},
): Promise<{ call: number; invocation: number }> {
  const call = caller.begin(48, options, procedure);
  return { call, invocation: numberAt(await callee.next(68), 1) };
}

/** Asserts that a frame is an ERROR with the given URI. */
export function assertError(frame: Frame, uri: string): void {
  assert.equal(frame[0], 8, `not an ERROR: ${JSON.stringify(frame)}`);
  assert.equal(frame[4], uri);
}
