/** Plain calls to the engine, as a yardstick for the agent's own work. */

import { Agent, request } from "node:http";
import { AgentError } from "../../lib/base/errors.ts";
import { isDict, parseJson } from "../../lib/base/json.ts";
import type { CreateRequest } from "../../lib/docker/engine.ts";

/** Calls one engine. Each call opens a connection, as the agent does. */
export class EngineCalls {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: false });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** The list of all containers, as text. */
  async listContainers(): Promise<string> {
    return await this.#ask("GET", "/containers/json?all=1");
  }

  /** Pulls an image. Throws when it fails, which the engine reports inside the stream. */
  async pull(repository: string, options: { tag: string; user: string; password: string }): Promise<void> {
    const { tag, user, password } = options;
    const auth = btoa(JSON.stringify({ username: user, password })).replaceAll("+", "-").replaceAll("/", "_");
    const path = `/images/create?fromImage=${encodeURIComponent(repository)}&tag=${encodeURIComponent(tag)}`;
    const text = await this.#ask("POST", path, { headers: { "x-registry-auth": auth } });
    const failed = text.split("\n").map(parseJson).find((line) => isDict(line) && "error" in line);
    if (failed !== undefined) throw new AgentError("engine_failed", `Cannot pull: ${JSON.stringify(failed)}`);
  }

  /** Creates a container and returns its id. */
  async create(name: string, body: CreateRequest): Promise<string> {
    const answer = parseJson(await this.#ask("POST", `/containers/create?name=${name}`, { body }));
    if (isDict(answer) && typeof answer.Id === "string") return answer.Id;
    throw new AgentError("engine_failed", "The engine returned no container id");
  }

  /** Starts a container. */
  async start(container: string): Promise<void> {
    await this.#ask("POST", `/containers/${container}/start`);
  }

  /** Stops a container with the agent's grace period. */
  async stop(container: string): Promise<void> {
    await this.#ask("POST", `/containers/${container}/stop?t=1`);
  }

  /** Removes a container, running or not. */
  async remove(container: string): Promise<void> {
    await this.#ask("DELETE", `/containers/${container}?force=1`);
  }

  /** Removes an image. */
  async removeImage(reference: string): Promise<void> {
    await this.#ask("DELETE", `/images/${encodeURIComponent(reference)}`);
  }

  #ask(method: string, path: string, options: { body?: object; headers?: Record<string, string> } = {}) {
    const body = options.body === undefined ? "" : JSON.stringify(options.body);
    const headers = {
      ...(body === "" ? {} : { "content-type": "application/json" }),
      "content-length": `${new TextEncoder().encode(body).length}`,
      ...options.headers,
    };
    return new Promise<string>((resolve, reject) => {
      const call = request({ socketPath: this.#socketPath, agent: this.#agent, path, method, headers }, (response) => {
        const parts: string[] = [];
        const status = response.statusCode ?? 0;
        response.setEncoding("utf8").on("error", reject).on("data", (part) => parts.push(String(part)));
        response.on("end", () => {
          if (status < 400) resolve(parts.join(""));
          else reject(new AgentError("engine_failed", `${method} ${path}: ${status} ${parts.join("")}`));
        });
      });
      call.on("error", reject).end(body);
    });
  }
}
