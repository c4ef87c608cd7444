/** What happens to containers, as the engine reports it. */

import { AgentError, hasCode } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import { TextLines } from "../base/lines.ts";
import type { EngineTransport } from "./engine_transport.ts";

/** Something that happened to a container. */
export interface EngineEvent {
  /** `create`, `start`, `die`, `destroy`, `oom`, `health_status: healthy`, … */
  action: string;
  /** The container's id. */
  id: string;
  name: string;
  labels: Record<string, string>;
  /** With `die` only. */
  exitCode?: number;
  /** Nanoseconds since 1970; above 2^53, hence exact only as `bigint`. */
  timeNano: bigint;
}

/**
 * Yields what happens to containers from now on, until `signal` is aborted, which ends the iteration without an error.
 * After `engine_unreachable` the caller has to start again and look at the containers, because events in between are
 * lost. `onOpen` is called when the engine has begun to report: a look at the containers from then on misses nothing.
 */
export async function* followEvents(
  transport: EngineTransport,
  options: { onOpen?: (() => void) | undefined; signal: AbortSignal },
): AsyncGenerator<EngineEvent, void> {
  try {
    const stream = await transport.open(
      { method: "GET", path: "/events", query: { filters: JSON.stringify({ type: ["container"] }) } },
      { what: "Following the engine's events", signal: options.signal },
    );
    options.onOpen?.();
    const lines = new TextLines();
    let events: EngineEvent[] = [];
    const keep = (line: string) => {
      const event = decodeEvent(line);
      if (event !== undefined) events.push(event);
    };
    for await (const chunk of stream.chunks()) {
      lines.push(chunk, keep);
      for (const event of events) yield event;
      events = [];
    }
  } catch (error) {
    if (!hasCode(error, "canceled")) throw error;
    return;
  }
  // The engine ends this stream only when it shuts down.
  throw new AgentError("engine_unreachable", "Following the engine's events ended, the engine has closed the stream");
}

/** An event as the engine writes it, one JSON object a line; undefined for anything else. */
export function decodeEvent(line: string): EngineEvent | undefined {
  const wire = parseJson(line);
  if (!isDict(wire) || typeof wire.Action !== "string" || !isDict(wire.Actor)) return undefined;
  const { ID: id, Attributes: attributes } = wire.Actor;
  if (typeof id !== "string") return undefined;
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(isDict(attributes) ? attributes : {})) {
    if (typeof value === "string") labels[name] = value;
  }
  const exitCode = /^\d+$/.test(labels.exitCode ?? "") ? Number(labels.exitCode) : undefined;
  return {
    action: wire.Action,
    id,
    name: labels.name ?? "",
    labels,
    ...(exitCode === undefined ? {} : { exitCode }),
    timeNano: BigInt(/"timeNano":(\d+)/.exec(line)?.[1] ?? 0),
  };
}
