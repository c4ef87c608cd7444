/**
 * Remembers over restarts how far the logs of containers have been shown, so that viewers get what has come since. One
 * small file for each channel, not a row of the database: it is written with every message to a viewer, and must
 * neither wait for the disk nor wear it out. A loss of power may leave an older position or none.
 */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import { isCount, isDict, parseJson } from "../base/json.ts";
import { makeFolderSync } from "../files/make_folder.ts";
import { parseChannel } from "../model/channel_names.ts";
import type { ContainerPosition, LogPosition, ServicePosition } from "./log_reading.ts";

/** Where positions are. */
export interface LogPositionsDeps {
  /** Created when it is needed, for the agent alone. */
  positionsDir: string;
  clock: Pick<Clock, "now">;
  log: Log;
}

/** More files than a device has apps are left by apps that are long gone. */
const filesLimit = 1_000;

/** A position that nobody looks at is stored so often. */
const idleWriteMs = 30_000;

/** The file of a container has this length, so that it can be written over in one step. */
const fileBytes = 256;

/** Stands for no time where a time is checked. */
const unreadTime = " ".repeat(30);

/** No file of a project is longer. */
const sizeLimit = 64 * 1024;

/** That of a project has so much for each of its containers. */
const serviceBytes = 256;

/** The positions of all channels. Nothing throws; without a position the last lines of a log are shown. */
export class LogPositions {
  readonly #deps: LogPositionsDeps;
  /** Positions that are not stored yet. */
  readonly #unwritten = new Map<string, LogPosition>();
  readonly #writtenAtMs = new Map<string, number>();
  #isReady = false;

  constructor(deps: LogPositionsDeps) {
    this.#deps = deps;
  }

  /** What an earlier agent has stored of a container. */
  read(channel: string): ContainerPosition | undefined {
    return decodePosition(this.#read(channel));
  }

  /** What an earlier agent has stored of the containers of a project. */
  readServices(channel: string): ServicePosition[] {
    const value = this.#read(channel);
    return isDict(value) && Array.isArray(value.services) ? value.services.flatMap(decodeService) : [];
  }

  #read(channel: string): unknown {
    const path = this.#pathOf(channel);
    if (path === undefined) return undefined;
    try {
      return parseJson(Deno.readTextFileSync(path));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#complain("read", error);
      return undefined;
    }
  }

  /** Viewers have been sent everything up to here. */
  note(channel: string, position: LogPosition): void {
    this.#unwritten.set(channel, position);
    this.#write(channel);
  }

  /** There are no viewers, and nothing up to here will be sent to any. It is stored now and then. */
  noteUnwatched(channel: string, position: LogPosition): void {
    this.#unwritten.set(channel, position);
    const writtenAtMs = this.#writtenAtMs.get(channel);
    if (writtenAtMs === undefined || this.#deps.clock.now() - writtenAtMs >= idleWriteMs) this.#write(channel);
  }

  /** Stores what is known of a channel. */
  flush(channel: string): void {
    this.#write(channel);
  }

  /** The app of the channel is gone. */
  forget(channel: string): void {
    this.#unwritten.delete(channel);
    this.#writtenAtMs.delete(channel);
    const path = this.#pathOf(channel);
    if (path === undefined) return;
    try {
      Deno.removeSync(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#complain("remove", error);
    }
  }

  #write(channel: string): void {
    const position = this.#unwritten.get(channel);
    const path = this.#pathOf(channel);
    if (position === undefined || path === undefined) return;
    this.#unwritten.delete(channel);
    this.#writtenAtMs.set(channel, this.#deps.clock.now());
    const isProject = "services" in position;
    const text = JSON.stringify(
      isProject ? { services: position.services.map(plainPosition) } : plainPosition(position),
    );
    const size = isProject ? serviceBytes * (position.services.length + 1) : fileBytes;
    if (text.length >= size) return;
    try {
      this.#prepare();
      using file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
      // What is behind the text was longer once.
      const length = Math.max(size, Math.min(file.statSync().size, sizeLimit));
      file.writeSync(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`));
    } catch (error) {
      this.#complain("store", error);
    }
  }

  #prepare(): void {
    if (this.#isReady) return;
    const { positionsDir } = this.#deps;
    makeFolderSync(positionsDir, { mode: 0o700 });
    this.#isReady = true;
    const names = Array.from(Deno.readDirSync(positionsDir), ({ name }) => name);
    if (names.length > filesLimit) { for (const name of names) Deno.removeSync(`${positionsDir}/${name}`); }
  }

  /** Undefined for what is no channel: its name must not become part of a path. */
  #pathOf(channel: string): string | undefined {
    return parseChannel(channel) === undefined ? undefined : `${this.#deps.positionsDir}/${channel}`;
  }

  #complain(what: string, error: unknown): void {
    this.#deps.log.debug(`Cannot ${what} the position in the log of an app`, { error });
  }
}

function plainPosition({ containerId, time, lines, bytes, endedAt }: ServicePosition): ServicePosition {
  return { containerId, time, lines, bytes, ...(endedAt === undefined ? {} : { endedAt }) };
}

function decodeService(value: unknown): ServicePosition[] {
  const isUnread = isDict(value) && value.time === "";
  const position = decodePosition(isUnread ? { ...value, time: unreadTime } : value);
  if (position === undefined || !isDict(value)) return [];
  const { endedAt } = value;
  return [{ ...position, time: isUnread ? "" : position.time, ...(typeof endedAt === "string" ? { endedAt } : {}) }];
}

function decodePosition(value: unknown): ContainerPosition | undefined {
  if (!isDict(value)) return undefined;
  const { containerId, time, lines, bytes } = value;
  if (typeof containerId !== "string" || typeof time !== "string" || time.length !== 30) return undefined;
  if (!isCount(lines) || !isCount(bytes)) return undefined;
  return { containerId, time, lines, bytes };
}
