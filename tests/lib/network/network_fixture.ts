/** A network of the agent on a real bus, with a router that tests reach or do not reach. */

import { type Clock, systemClock } from "../../../lib/async/clock.ts";
import type { Log } from "../../../lib/base/log.ts";
import { SystemBus } from "../../../lib/dbus/system_bus.ts";
import type { ChangeOutcome } from "../../../lib/network/change_record.ts";
import { changeLimits } from "../../../lib/network/guarded_changes.ts";
import { ManagedNetwork } from "../../../lib/network/managed_network.ts";
import { runProgram } from "../../../scripts/programs.ts";

/** A signal that never ends. */
export const never = new AbortController().signal;

/** What a test network needs. */
export interface NetworkFixtureOptions {
  /** Of the bus. */
  address: string;
  /** Where changes are noted. */
  changeFile: string;
  /** Whether the router answers, asked every 100 ms while a connection is opened. */
  reaches(): Promise<boolean>;
  /** After this NetworkManager undoes a change; 90 when absent. */
  checkpointSeconds?: number;
}

/** A network of the agent, and what Studio and the log got. */
export interface NetworkFixture extends AsyncDisposable {
  network: ManagedNetwork;
  outcomes: ChangeOutcome[];
  lines: string[];
  /** Lets the time be over in which the router has to be reached. */
  giveUp(): void;
  /** Waits for this many outcomes. */
  untilOutcomes(count: number): Promise<ChangeOutcome[]>;
}

/** Starts one, which goes on with what an earlier one has left. */
export function startNetwork(options: NetworkFixtureOptions): NetworkFixture {
  const outcomes: ChangeOutcome[] = [];
  const lines: string[] = [];
  const log = logInto(lines);
  const bus = new SystemBus({ address: options.address, clock: systemClock, log });
  const router = testRouter(options, () => network.onConnect());
  const { clock, giveUp } = clockWithPatience();
  const network = new ManagedNetwork({
    bus,
    changeFile: options.changeFile,
    reconnect: router.reconnect,
    isConnected: router.isConnected,
    publish: (outcome) => {
      if (!router.isConnected()) return Promise.reject(new Error("not connected"));
      outcomes.push(outcome);
      return Promise.resolve();
    },
    limits: { ...changeLimits, checkpointSeconds: options.checkpointSeconds ?? changeLimits.checkpointSeconds },
    clock,
    log,
  });
  network.start();
  return {
    ...{ network, outcomes, lines },
    giveUp,
    untilOutcomes: async (count) => {
      const startedMs = performance.now();
      while (outcomes.length < count) {
        if (performance.now() - startedMs > 60_000) throw new Error(`${count} outcomes in vain:\n${lines.join("\n")}`);
        await systemClock.sleep(50);
      }
      return outcomes;
    },
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await network[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
    },
  };
}

/** A router that is connected once it is reached. */
function testRouter({ reaches }: NetworkFixtureOptions, onConnect: () => Promise<void>) {
  let isConnected = true;
  const life = new AbortController();
  const dials: Promise<void>[] = [];
  const dial = async () => {
    isConnected = false;
    while (!life.signal.aborted && !await reaches()) await systemClock.sleep(100, life.signal).catch(() => {});
    if (life.signal.aborted) return;
    isConnected = true;
    await onConnect();
  };
  return {
    reconnect: () => void dials.push(dial()),
    isConnected: () => isConnected,
    [Symbol.asyncDispose]: async () => {
      life.abort();
      await Promise.all(dials);
    },
  };
}

function logInto(lines: string[]): Log {
  const write = (message: string, fields?: unknown) => void lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  return { trace: write, debug: write, info: write, warn: write, error: write, fatal: write };
}

/** A clock on which the time to reach the router is over when the test says so. */
function clockWithPatience(): { clock: Clock; giveUp: () => void } {
  const patience = Promise.withResolvers<void>();
  const sleep = async (ms: number, signal?: AbortSignal) => {
    if (ms !== changeLimits.tryMs) return await systemClock.sleep(ms, signal);
    const aborted = new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
    await Promise.race([patience.promise, aborted]);
    signal?.throwIfAborted();
  };
  return { clock: { ...systemClock, sleep }, giveUp: patience.resolve };
}

/** Whether a machine answers, if only that nothing listens there. */
export async function answers(address: string): Promise<boolean> {
  const limit = AbortSignal.timeout(1_000);
  try {
    (await Deno.connect({ hostname: address, port: 9, signal: limit })).close();
    return true;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

/** The IPv4 addresses of an interface, as `10.77.0.5/24`. */
export async function addressesOf(interfaceName: string): Promise<string[]> {
  const { stdout } = await runProgram("ip", ["-4", "-o", "addr", "show", "dev", interfaceName]);
  return [...stdout.matchAll(/inet (\S+)/g)].map(([, address = ""]) => address);
}
