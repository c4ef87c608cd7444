/** The change of the network that is being tried out, in a file: it outlives the agent. */

import { isCount, isDict, parseJson, readText } from "../base/json.ts";
import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { writeFileDurably } from "../files/atomic_file.ts";

/** How a change ended, as Studio is told. */
export interface ChangeOutcome {
  /** The procedure that began it. */
  method: string;
  interfaceName: string;
  outcome: "kept" | "reverted";
  error?: string;
}

/** What is done once the caller has its answer. Each can be done again. */
export type SwitchOver =
  | { kind: "activate"; accessPointMac?: string }
  | { kind: "delete" }
  | { kind: "reload" };

/** IPv4 settings of a profile. */
export interface Ipv4Settings {
  method: string;
  addresses: readonly { address: string; prefix: number }[];
  gateway: string;
  nameServers: readonly number[];
}

/** How the agent itself returns, where NetworkManager could not: it knows no checkpoints, or was restarted. */
export interface Undo {
  /** The UUID of the profile that was in use. */
  profile: string;
  /** Its IPv4 settings, if they were changed. */
  ipv4?: Ipv4Settings;
}

/**
 * What is known of a change.
 *
 * - `trying`: nothing is decided.
 * - `keeping`: the router was reached; the checkpoint is about to be removed.
 * - `ended`: Studio has to be told.
 */
export interface ChangeRecord {
  phase: "trying" | "keeping" | "ended";
  method: string;
  interfaceName: string;
  /** The UUID of the profile. */
  profile: string;
  switchOver: SwitchOver;
  /** The NetworkManager that has the checkpoint: another one does not. */
  instance: string;
  /** Undefined when NetworkManager has no checkpoints. */
  checkpoint?: string;
  undo?: Undo;
  outcome?: ChangeOutcome["outcome"];
  error?: string;
}

/** Reads and writes the file. */
export class ChangeRecordFile {
  readonly #path: string;
  readonly #log: Log;

  constructor({ path, log }: { path: string; log: Log }) {
    this.#path = path;
    this.#log = log;
  }

  /** The record; undefined when there is none that can be read. Never throws. */
  async read(): Promise<ChangeRecord | undefined> {
    try {
      const record = decodeChangeRecord(await Deno.readTextFile(this.#path));
      if (record === undefined) this.#log.warn("What was noted of a change of the network cannot be read");
      return record;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      this.#log.warn("Cannot read what was noted of a change of the network", { error: textOf(error) });
      return undefined;
    }
  }

  /** Throws `no_space`, `io_failed`. */
  async write(record: ChangeRecord): Promise<void> {
    await writeFileDurably(this.#path, `${JSON.stringify(record)}\n`, { log: this.#log });
  }

  /** Removes it. Never throws; one that stays is told again at the next start. */
  async remove(): Promise<void> {
    try {
      await Deno.remove(this.#path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      this.#log.warn("Cannot forget a change of the network", { error: textOf(error) });
    }
  }
}

/** The record in the text of the file; undefined when it is none. Pure. */
export function decodeChangeRecord(text: string): ChangeRecord | undefined {
  const value = parseJson(text);
  if (!isDict(value)) return undefined;
  const phase = (["trying", "keeping", "ended"] as const).find((name) => name === value.phase);
  const switchOver = decodeSwitchOver(value.switchOver);
  const [method, interfaceName] = [readText(value.method), readText(value.interfaceName)];
  const [profile, instance] = [readText(value.profile), readText(value.instance)];
  if (phase === undefined || switchOver === undefined || method === undefined) return undefined;
  if (interfaceName === undefined || profile === undefined || instance === undefined) return undefined;
  const [checkpoint, error, undo] = [readText(value.checkpoint), readText(value.error), decodeUndo(value.undo)];
  const outcome = (["kept", "reverted"] as const).find((name) => name === value.outcome);
  return {
    ...{ phase, method, interfaceName, profile, switchOver, instance },
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(undo === undefined ? {} : { undo }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(error === undefined ? {} : { error }),
  };
}

function decodeSwitchOver(value: unknown): SwitchOver | undefined {
  if (!isDict(value)) return undefined;
  if (value.kind === "delete" || value.kind === "reload") return { kind: value.kind };
  if (value.kind !== "activate") return undefined;
  const mac = readText(value.accessPointMac);
  return { kind: "activate", ...(mac === undefined ? {} : { accessPointMac: mac }) };
}

function decodeUndo(value: unknown): Undo | undefined {
  if (!isDict(value)) return undefined;
  const profile = readText(value.profile);
  if (profile === undefined) return undefined;
  const ipv4 = decodeIpv4(value.ipv4);
  return { profile, ...(ipv4 === undefined ? {} : { ipv4 }) };
}

function decodeIpv4(value: unknown): Ipv4Settings | undefined {
  if (!isDict(value)) return undefined;
  const [method, gateway] = [readText(value.method), readText(value.gateway)];
  if (method === undefined || gateway === undefined) return undefined;
  const addresses = listOf(value.addresses).flatMap((entry) => {
    if (!isDict(entry) || typeof entry.address !== "string" || !isCount(entry.prefix)) return [];
    return [{ address: entry.address, prefix: entry.prefix }];
  });
  return { method, gateway, addresses, nameServers: listOf(value.nameServers).filter(isCount) };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, 100) : [];
}
