/**
 * A caller in a process of its own that costs as little as it can: the runtime's own WebSocket, frames as text, no session. Takes
 * one JSON object on its command line and prints one with the times of all calls.
 */

import { signChallenge } from "../../lib/wamp/auth.ts";
import { isDict, parseJson } from "../../lib/base/json.ts";
import { messageTypes } from "../../lib/wamp/message.ts";
import { realm } from "../../lib/backend/uris.ts";
import { projectRoot } from "../paths.ts";

/** A call as it is made again and again. */
export interface WireCall {
  procedure: string;
  args?: readonly unknown[];
}

/** What a caller is told. */
export interface CallerOrder {
  url: string;
  authid: string;
  secret: string;
  /** Made in turn. */
  calls: readonly WireCall[];
  /** Calls that wait for their answers at the same time. */
  inFlight: number;
  /** Ends after so many answers, or after so many seconds. */
  limit: { calls: number } | { seconds: number };
}

/** What it has seen. Times in milliseconds. */
export interface CallerSeen {
  callsPerSecond: number;
  /** By the call's place in the order. */
  calls: { times: number[]; errors: number; firstError: string }[];
}

const warmCalls = 200;
/** How long answers may take after the last call was made. */
const patienceMs = 20_000;
/** Runs a caller in a process of its own to its end. */
export async function runCaller(order: CallerOrder): Promise<CallerSeen> {
  const settings = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check"];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...settings, "scripts/bench/raw_caller.ts", JSON.stringify(order)],
    cwd: projectRoot,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The caller failed");
  const seen: CallerSeen = JSON.parse(new TextDecoder().decode(stdout));
  return seen;
}

/** Makes one call again and again, as `runCaller` does. Gives the milliseconds of each; throws when one failed. */
export async function timeCalls(
  { call, ...order }: Omit<CallerOrder, "calls"> & { call: WireCall },
): Promise<{ times: number[]; perSecond: number }> {
  const { calls: [seen], callsPerSecond } = await runCaller({ ...order, calls: [call] });
  if (seen === undefined || seen.errors > 0) {
    throw new Error(`${seen?.errors} calls of ${call.procedure} failed: ${seen?.firstError}`);
  }
  return { times: seen.times, perSecond: callsPerSecond };
}

async function callAll(order: CallerOrder): Promise<CallerSeen> {
  const socket = await join(order);
  await new Promise<CallerSeen>((resolve) =>
    new Calls(socket, { ...order, limit: { calls: warmCalls }, firstRequest: 1 }, resolve)
  );
  return await new Promise<CallerSeen>((resolve) => new Calls(socket, { ...order, firstRequest: 1_000_000 }, resolve));
}

/** Keeps as many calls under way as it was told to. */
class Calls {
  readonly #socket: WebSocket;
  readonly #order: CallerOrder & { firstRequest: number };
  readonly #done: (seen: CallerSeen) => void;
  readonly #begunMs = new Map<number, number>();
  readonly #seen: CallerSeen;
  readonly #startedMs = performance.now();
  /** What follows the options in each frame. */
  readonly #texts: readonly string[];
  #count = 0;
  #answers = 0;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: WebSocket, order: CallerOrder & { firstRequest: number }, done: (seen: CallerSeen) => void) {
    this.#socket = socket;
    this.#order = order;
    this.#done = done;
    this.#texts = order.calls.map(({ procedure, args = [] }) => `${JSON.stringify(procedure)},${JSON.stringify(args)}`);
    this.#seen = { callsPerSecond: 0, calls: order.calls.map(() => ({ times: [], errors: 0, firstError: "" })) };
    socket.onmessage = ({ data }) => this.#take(String(data));
    for (let index = 0; index < order.inFlight; index += 1) this.#next();
  }

  #next(): void {
    const request = this.#order.firstRequest + this.#count;
    const place = request % this.#order.calls.length;
    this.#begunMs.set(request, performance.now());
    this.#count += 1;
    this.#socket.send(`[48,${request},{},${this.#texts[place]}]`);
  }

  #take(text: string): void {
    const nowMs = performance.now();
    const match = /^\[\s*(?:50|8,\s*48),\s*(\d+)/.exec(text);
    const request = Number(match?.[1]);
    const begunMs = this.#begunMs.get(request);
    if (begunMs === undefined) return;
    this.#begunMs.delete(request);
    this.#note(request, text, nowMs - begunMs);
    this.#answers += 1;
    if (!this.#isOver(nowMs)) return this.#next();
    this.#patience ??= setTimeout(() => this.#giveUp(), patienceMs);
    if (this.#begunMs.size === 0) this.#finish();
  }

  /** Calls without an answer count as failed. */
  #giveUp(): void {
    for (const request of this.#begunMs.keys()) this.#note(request, "[8] no answer", patienceMs);
    this.#finish();
  }

  #finish(): void {
    clearTimeout(this.#patience);
    this.#socket.onmessage = null;
    this.#seen.callsPerSecond = this.#answers / (performance.now() - this.#startedMs) * 1_000;
    this.#done(this.#seen);
  }

  #note(request: number, text: string, tookMs: number): void {
    const call = this.#seen.calls[request % this.#order.calls.length];
    if (call === undefined) return;
    if (!text.startsWith("[8")) return void call.times.push(tookMs);
    call.errors += 1;
    call.firstError ||= text.slice(0, 300);
  }

  #isOver(nowMs: number): boolean {
    const { limit } = this.#order;
    return "calls" in limit ? this.#count >= limit.calls : nowMs - this.#startedMs >= limit.seconds * 1_000;
  }
}

function join({ url, authid, secret }: CallerOrder): Promise<WebSocket> {
  const socket = new WebSocket(url, ["wamp.2.json"]);
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error(`Cannot dial ${url}`));
    socket.onopen = () => {
      const roles = { caller: {} };
      socket.send(JSON.stringify([messageTypes.hello, realm, { authid, authmethods: ["wampcra"], roles }]));
    };
    socket.onmessage = async ({ data }) => {
      const message = parseJson(String(data));
      const [type, method, extra] = Array.isArray(message) ? message : [];
      if (type === messageTypes.welcome) return resolve(socket);
      if (type !== messageTypes.challenge || !isDict(extra)) return reject(new Error(`The router says ${data}`));
      socket.send(JSON.stringify([messageTypes.authenticate, await signChallenge({ method, extra }, secret), {}]));
    };
  });
}

// At the end, where the class above is ready.
if (import.meta.main) {
  const seen = await callAll(JSON.parse(Deno.args[0] ?? ""));
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(seen)));
  Deno.exit(0);
}
