/** Remembers how far a container's log was read, so that reading resumes without a gap or a repeated line. Pure. */

import { type LogLine, timeBytes } from "../docker/log_lines.ts";

/** How far a log was read: up to a line, or into one, of those that follow each other with this `time`. */
export interface Position {
  /** RFC 3339 in UTC with nine decimals. */
  time: string;
  /** Whole lines with this time. */
  lines: number;
  /** Of the line after them. */
  bytes: number;
}

/** How far the log of which container was read. */
export interface ContainerPosition extends Position {
  containerId: string;
}

/** How far the log of a container of a project was read. */
export interface ServicePosition extends ContainerPosition {
  /** The end of the run of which viewers know that it has exited. */
  endedAt?: string;
}

/** How far the logs of all containers of a project were read. */
export interface ProjectPosition {
  services: readonly ServicePosition[];
}

/** How far the logs behind a channel were read. */
export type LogPosition = ContainerPosition | ProjectPosition;

/** The state of reading one container's log. Lines without a time are messages of the engine and move nothing. */
export class LogReading {
  /** The time of the last line, as its bytes; all zero before the first. */
  readonly #stamp = new Uint8Array(timeBytes);
  #lines = 0;
  #bytes = 0;

  /** How far the log was read; undefined before the first line. */
  get position(): Position | undefined {
    if (this.#stamp[0] === 0) return undefined;
    return { time: new TextDecoder().decode(this.#stamp), lines: this.#lines, bytes: this.#bytes };
  }

  /** Goes on from an earlier position. */
  set position(position: Position) {
    new TextEncoder().encodeInto(position.time, this.#stamp);
    this.#lines = position.lines;
    this.#bytes = position.bytes;
  }

  /** The position as it is now, with the container that it belongs to; undefined before the first line. */
  noted(containerId: string): ContainerPosition | undefined {
    if (this.#stamp[0] === 0) return undefined;
    return new NotedPosition(this.#stamp.slice(), { containerId, lines: this.#lines, bytes: this.#bytes });
  }

  /** Notes lines that were read. */
  note(lines: readonly LogLine[]): void {
    let first = lines.length - 1;
    while (first >= 0 && (lines[first]?.stampAt ?? -1) < 0) first -= 1;
    const last = lines[first];
    if (last === undefined) return;
    // Only the last lines with the same time count; of most times there is one.
    while (first > 0 && hasStampOf(lines[first - 1], last)) first -= 1;
    if (first > 0 || !hasStamp(last, this.#stamp)) {
      this.#stamp.set(last.source.subarray(last.stampAt, last.stampAt + timeBytes));
      this.#lines = 0;
      this.#bytes = 0;
    }
    for (let index = first; index < lines.length; index += 1) this.#count(lines[index]);
  }

  #count(line: LogLine | undefined): void {
    if (line === undefined || line.stampAt < 0) return;
    this.#bytes = line.isEnd ? 0 : this.#bytes + line.to - line.from;
    if (line.isEnd) this.#lines += 1;
  }
}

/** Decodes its time only when it is asked for: most positions are followed by another at once. */
class NotedPosition implements ContainerPosition {
  readonly containerId: string;
  readonly lines: number;
  readonly bytes: number;
  readonly #stamp: Uint8Array;

  constructor(stamp: Uint8Array, of: { containerId: string; lines: number; bytes: number }) {
    this.#stamp = stamp;
    this.containerId = of.containerId;
    this.lines = of.lines;
    this.bytes = of.bytes;
  }

  get time(): string {
    return new TextDecoder().decode(this.#stamp);
  }
}

/** True when a line has a time, and it is this one, as its bytes. */
export function hasStamp({ source, stampAt }: LogLine, stamp: Uint8Array): boolean {
  if (stampAt < 0) return false;
  // From the end, where times differ.
  for (let index = timeBytes - 1; index >= 0; index -= 1) if (source[stampAt + index] !== stamp[index]) return false;
  return true;
}

/** True also for a line without a time. */
function hasStampOf(line: LogLine | undefined, other: LogLine): boolean {
  if (line === undefined) return false;
  return line.stampAt < 0 || hasStamp(line, other.source.subarray(other.stampAt, other.stampAt + timeBytes));
}
