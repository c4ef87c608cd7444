/**
 * A caller in a process of its own that costs as little as possible: the runtime's own WebSocket, frames as text, no
 * session. Its argument is a JSON object; it prints a JSON object with the times of all calls.
 */

import { signChallenge } from "../../lib/wamp/auth.ts";
import { isDict, parseJson } from "../../lib/base/json.ts";
import { messageTypes } from "../../lib/wamp/message.ts";
import { realm } from "../../lib/backend/uris.ts";
import { projectRoot } from "../paths.ts";

/** A call that is made repeatedly. */
export interface WireCall {
  procedure: string;
  args?: readonly unknown[];
}

/** The calls to make. */
export interface CallerOptions {
  url: string;
  authid: string;
  secret: string;
  /** The calls, made in turn. */
  calls: readonly WireCall[];
  /** How many calls wait for their answers at the same time. */
  inFlight: number;
  /** Ends after a number of calls or seconds. */
  limit: { calls: number } | { seconds: number };
}

/** The result of a run. Times in milliseconds. */
export interface CallerResult {
  callsPerSecond: number;
  /** One entry per call of the options. */
  calls: { times: number[]; errors: number; firstError: string }[];
}

const warmCalls = 200;
/** How long answers may take after the last call. */
const answerLimitMs = 20_000;

/** Runs a caller in a process of its own. */
export async function runCaller(options: CallerOptions): Promise<CallerResult> {
  const settings = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check"];
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...settings, "scripts/bench/raw_caller.ts", JSON.stringify(options)],
    cwd: projectRoot,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The caller failed");
  const result: CallerResult = JSON.parse(new TextDecoder().decode(stdout));
  return result;
}

/** Makes one call repeatedly. Returns the milliseconds of each; throws when one has failed. */
export async function timeCalls(
  { call, ...options }: Omit<CallerOptions, "calls"> & { call: WireCall },
): Promise<{ times: number[]; perSecond: number }> {
  const { calls: [result], callsPerSecond } = await runCaller({ ...options, calls: [call] });
  if (result === undefined || result.errors > 0) {
    throw new Error(`${result?.errors} calls of ${call.procedure} failed: ${result?.firstError}`);
  }
  return { times: result.times, perSecond: callsPerSecond };
}

async function callAll(options: CallerOptions): Promise<CallerResult> {
  const socket = await join(options);
  const warming = { ...options, limit: { calls: warmCalls }, firstRequest: 1 };
  await new Promise<CallerResult>((resolve) => new Calls(socket, { ...warming, done: resolve }));
  const measured = { ...options, firstRequest: 1_000_000 };
  return await new Promise<CallerResult>((resolve) => new Calls(socket, { ...measured, done: resolve }));
}

/** Keeps a number of calls in flight. */
class Calls {
  readonly #socket: WebSocket;
  readonly #options: CallerOptions & { firstRequest: number };
  readonly #done: (result: CallerResult) => void;
  readonly #begunMs = new Map<number, number>();
  readonly #result: CallerResult;
  readonly #startedMs = performance.now();
  /** The end of each frame, after the options. */
  readonly #texts: readonly string[];
  #count = 0;
  #answers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    socket: WebSocket,
    { done, ...options }: CallerOptions & { firstRequest: number; done(result: CallerResult): void },
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#done = done;
    this.#texts = options.calls.map(({ procedure, args = [] }) => {
      return `${JSON.stringify(procedure)},${JSON.stringify(args)}`;
    });
    this.#result = { callsPerSecond: 0, calls: options.calls.map(() => ({ times: [], errors: 0, firstError: "" })) };
    socket.onmessage = ({ data }) => this.#onMessage(String(data));
    for (let index = 0; index < options.inFlight; index += 1) this.#next();
  }

  #next(): void {
    const request = this.#options.firstRequest + this.#count;
    const index = request % this.#options.calls.length;
    this.#begunMs.set(request, performance.now());
    this.#count += 1;
    this.#socket.send(`[48,${request},{},${this.#texts[index]}]`);
  }

  #onMessage(text: string): void {
    const nowMs = performance.now();
    const match = /^\[\s*(?:50|8,\s*48),\s*(\d+)/.exec(text);
    const request = Number(match?.[1]);
    const begunMs = this.#begunMs.get(request);
    if (begunMs === undefined) return;
    this.#begunMs.delete(request);
    this.#record(request, text, nowMs - begunMs);
    this.#answers += 1;
    if (!this.#isOver(nowMs)) return this.#next();
    this.#timer ??= setTimeout(() => this.#giveUp(), answerLimitMs);
    if (this.#begunMs.size === 0) this.#finish();
  }

  /** Calls without an answer count as failed. */
  #giveUp(): void {
    for (const request of this.#begunMs.keys()) this.#record(request, "[8] no answer", answerLimitMs);
    this.#finish();
  }

  #finish(): void {
    clearTimeout(this.#timer);
    this.#socket.onmessage = null;
    this.#result.callsPerSecond = this.#answers / (performance.now() - this.#startedMs) * 1_000;
    this.#done(this.#result);
  }

  #record(request: number, text: string, tookMs: number): void {
    const call = this.#result.calls[request % this.#options.calls.length];
    if (call === undefined) return;
    if (!text.startsWith("[8")) return void call.times.push(tookMs);
    call.errors += 1;
    call.firstError ||= text.slice(0, 300);
  }

  #isOver(nowMs: number): boolean {
    const { limit } = this.#options;
    return "calls" in limit ? this.#count >= limit.calls : nowMs - this.#startedMs >= limit.seconds * 1_000;
  }
}

function join({ url, authid, secret }: CallerOptions): Promise<WebSocket> {
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
      if (type !== messageTypes.challenge || !isDict(extra)) return reject(new Error(`Cannot join ${url}: ${data}`));
      socket.send(JSON.stringify([messageTypes.authenticate, await signChallenge({ method, extra }, secret), {}]));
    };
  });
}

// At the end, where the class above is ready.
if (import.meta.main) {
  const result = await callAll(JSON.parse(Deno.args[0] ?? ""));
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(result)));
  Deno.exit(0);
}
