/** Answers questions on the agent's socket. */

import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { systemClock } from "../async/clock.ts";
import { foreignLines, LineQuota } from "../async/line_quota.ts";
import { TaskSet } from "../async/task_set.ts";
import { closedMode, closeFolder } from "../files/folder_rights.ts";
import { HeldFolder } from "../files/held_folder.ts";
import { receiveLine, sendLine } from "./line.ts";
import { decodeQuestion, type LocalAnswer, type Question, questionLimitBytes, replyLimitBytes } from "./questions.ts";
import { socketNames } from "./socket_path.ts";

/** Limits of what others may ask of the socket. */
export const socketLimits = {
  /** Further connections are closed at once. */
  connections: 16,
  /** From the connection to the end of the question. */
  questionMs: 2_000,
  /** From the question to the end of the answer. */
  answerMs: 20_000,
};

const acceptPauseMs = 1_000;

/** What the server works with. */
export interface SocketServerOptions {
  agentDir: string;
  /** Answers a question. Whatever it throws becomes an answer. */
  answer(question: Question, signal: AbortSignal): Promise<unknown>;
  log: Log;
  limits?: Partial<typeof socketLimits>;
}

/**
 * The listening socket.
 * - Its folder is closed to everybody but the agent's user before the socket is there.
 * - A connection carries one question and its answer, and ends within a bounded time.
 */
export class SocketServer implements AsyncDisposable {
  readonly #options: SocketServerOptions;
  readonly #limits: typeof socketLimits;
  readonly #folder: HeldFolder;
  readonly #listener: Deno.UnixListener;
  readonly #life = new AbortController();
  readonly #connections = new Set<Deno.Conn>();
  readonly #tasks: TaskSet;

  private constructor(options: SocketServerOptions, held: { folder: HeldFolder; listener: Deno.UnixListener }) {
    this.#options = options;
    this.#limits = { ...socketLimits, ...options.limits };
    this.#folder = held.folder;
    this.#listener = held.listener;
    const quota = new LineQuota(foreignLines, systemClock);
    this.#tasks = new TaskSet((error) => {
      quota.run((omitted) => options.log.debug("A local question failed", { error: textOf(error), ...omitted }));
    });
  }

  /** Listens. What is left of an earlier agent, or was put in its place, is removed. Throws the system's errors. */
  static async open(options: SocketServerOptions): Promise<SocketServer> {
    await using outer = await HeldFolder.open(options.agentDir);
    if (outer === undefined) throw new Deno.errors.NotFound(`no folder "${options.agentDir}"`);
    const folder = await outer.ensureFolder(socketNames.folder, { mode: closedMode, isReplacing: true });
    try {
      // A folder that somebody else has made keeps no right of theirs.
      if (!await closeFolder(folder)) throw new Error(`"${folder.path}" belongs to another user`);
      await folder.setMode(closedMode);
      await folder.remove(socketNames.socket);
      // A path through the held folder is short, however long the path of the folder is.
      const listener = Deno.listen({ transport: "unix", path: folder.pathForChild(socketNames.socket) });
      const server = new SocketServer(options, { folder, listener });
      void server.#tasks.add(server.#accept());
      return server;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Closes all connections and removes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort();
    this.#listener.close();
    for (const connection of this.#connections) hangUp(connection);
    await this.#tasks.settled();
    await this.#folder.remove(socketNames.socket);
    await this.#folder[Symbol.asyncDispose]();
  }

  async #accept(): Promise<void> {
    while (!this.#life.signal.aborted) {
      const connection = await this.#listener.accept().catch(() => undefined);
      if (connection === undefined) {
        // Closed, or no more files can be opened: the agent's own work comes first.
        await systemClock.sleep(acceptPauseMs, this.#life.signal).catch(() => {});
        continue;
      }
      // Accepted while the server was closed, it would be waited for.
      const isOver = this.#life.signal.aborted || this.#connections.size >= this.#limits.connections;
      if (isOver) hangUp(connection);
      else void this.#tasks.add(this.#serve(connection));
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    this.#connections.add(connection);
    const over = new AbortController();
    const expire = () => {
      over.abort();
      hangUp(connection);
    };
    let timer = setTimeout(expire, this.#limits.questionMs);
    try {
      const line = await receiveLine(connection, questionLimitBytes);
      clearTimeout(timer);
      timer = setTimeout(expire, this.#limits.answerMs);
      const answer = await this.#answer(line, AbortSignal.any([over.signal, this.#life.signal]));
      await sendLine(connection, JSON.stringify(answer));
    } finally {
      clearTimeout(timer);
      this.#connections.delete(connection);
      hangUp(connection);
    }
  }

  async #answer(line: string, signal: AbortSignal): Promise<LocalAnswer> {
    const question = decodeQuestion(line);
    if (question === undefined) return { ok: false, error: "The question is not understood" };
    try {
      const value = await this.#options.answer(question, signal);
      const isTooLong = JSON.stringify(value ?? null).length > replyLimitBytes / 4;
      return isTooLong ? { ok: false, error: "The answer is too long" } : { ok: true, value };
    } catch (error) {
      return { ok: false, error: textOf(error) };
    }
  }
}

function hangUp(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
