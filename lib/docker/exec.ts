/** Programs that are run in containers which run already. */

import { AgentError, hasCode } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import { joinBytes } from "../base/lines.ts";
import { dictField, numberField, textField } from "./decode.ts";
import type { EngineConnection } from "./engine_connection.ts";
import { type EngineTransport, pathPart } from "./engine_transport.ts";
import { FrameReader } from "./log_lines.ts";

/** What to run. */
export interface ExecCommand {
  command: readonly string[];
  /** Variables that the program sees, besides those of the container: `NAME=value`. */
  variables?: readonly string[];
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  rows: number;
  columns: number;
}

/** A program that was run in a container. */
export interface ExecState {
  isRunning: boolean;
  /** Of its process, as the machine of the engine counts; 0 before the start. */
  pid: number;
}

/** Standard output, in the frames of the engine. */
const stdoutChannel = 1;

/** Runs programs in the containers of one engine. Everything throws as the calls of `Engine`. */
export class Execs {
  readonly #transport: EngineTransport;

  constructor(transport: EngineTransport) {
    this.#transport = transport;
  }

  /** Prepares a program on a terminal of its own, and returns the id of the run. Throws `container_missing`. */
  async prepareTerminal(
    container: string,
    options: ExecCommand & { size: TerminalSize; signal: AbortSignal },
  ): Promise<string> {
    const { size, signal } = options;
    const what = `Preparing a terminal in container "${container}"`;
    const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: true };
    return await this.#create(container, {
      what,
      signal,
      body: { ...streams, ...encodeCommand(options), ConsoleSize: [size.rows, size.columns] },
    });
  }

  /** Starts a prepared program; the connection is its terminal. */
  async openTerminal(execId: string, options: { size: TerminalSize; signal: AbortSignal }): Promise<EngineConnection> {
    const { size, signal } = options;
    const body = { Detach: false, Tty: true, ConsoleSize: [size.rows, size.columns] };
    const what = "Opening a terminal in a container";
    return await this.#transport.hijack({ path: `/exec/${pathPart(execId)}/start`, body }, {
      what,
      signal,
      missing: "container_missing",
    });
  }

  /** Changes the size of a terminal. */
  async resize(execId: string, { rows, columns }: TerminalSize, signal: AbortSignal): Promise<void> {
    const query = { h: `${rows}`, w: `${columns}` };
    const request = { method: "POST", path: `/exec/${pathPart(execId)}/resize`, query } as const;
    const what = "Resizing a terminal in a container";
    await this.#transport.read(request, { what, signal, missing: "container_missing" });
  }

  /** What has become of a program; undefined when the engine does not know it any more. */
  async inspect(execId: string, signal: AbortSignal): Promise<ExecState | undefined> {
    const request = { method: "GET", path: `/exec/${pathPart(execId)}/json` } as const;
    const what = "Inspecting a program in a container";
    try {
      const wire = dictField(await this.#transport.readJson(request, { what, signal, missing: "container_missing" }));
      return { isRunning: wire.Running === true, pid: numberField(wire.Pid) ?? 0 };
    } catch (error) {
      if (hasCode(error, "container_missing")) return undefined;
      throw error;
    }
  }

  /** Runs a program to its end and returns the first `limitBytes` of its standard output. */
  async readOutput(
    container: string,
    options: ExecCommand & { limitBytes: number; signal: AbortSignal },
  ): Promise<Uint8Array> {
    const { limitBytes, signal } = options;
    const what = `Running "${options.command[0] ?? ""}" in container "${container}"`;
    const body = { AttachStdout: true, AttachStderr: true, ...encodeCommand(options) };
    const execId = await this.#create(container, { what, signal, body });
    const request = { method: "POST", path: `/exec/${pathPart(execId)}/start`, body: { Detach: false } } as const;
    const stream = await this.#transport.open(request, { what, signal });
    const frames = new FrameReader();
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stream.chunks()) {
      frames.push(chunk, (channel, bytes) => {
        if (channel !== stdoutChannel || size >= limitBytes) return;
        const part = bytes.slice(0, limitBytes - size);
        parts.push(part);
        size += part.length;
      });
      if (size >= limitBytes) break;
    }
    return joinBytes(parts, size);
  }

  async #create(
    container: string,
    { what, signal, body }: { what: string; signal: AbortSignal; body: Readonly<Record<string, unknown>> },
  ): Promise<string> {
    const request = { method: "POST", path: `/containers/${pathPart(container)}/exec`, body } as const;
    const { text } = await this.#transport.read(request, { what, signal, missing: "container_missing" });
    const id = textField(dictField(parseJson(text)).Id);
    if (id === "") throw new AgentError("engine_failed", `${what} failed: the answer has no id`);
    return id;
  }
}

function encodeCommand({ command, variables = [] }: ExecCommand): Readonly<Record<string, unknown>> {
  return { Cmd: [...command], ...(variables.length === 0 ? {} : { Env: [...variables] }) };
}
