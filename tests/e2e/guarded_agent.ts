/** A real agent under the real start guard, restarted by a small service, with versions that a test makes. */

import assert from "node:assert/strict";
import { guardFiles, type GuardLimits, startGuardScript } from "../../lib/self_update/start_guard.ts";
import { agentVersion } from "../../lib/version.ts";
import { build } from "../../scripts/build.ts";
import { projectRoot } from "../../scripts/paths.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import type { AgentFixture, StartOptions } from "./agent_fixture.ts";
import { UpdatedDevice } from "./updated_device.ts";

/** Starts the guard again half a second after it has ended, as the unit of the agent does. */
const service = `#!/bin/sh
child=
trap 'kill -TERM "$child" 2>/dev/null; wait "$child"; exit 0' TERM
while [ ! -e go ]; do sleep 0.1; done
while :; do
  sh ./guard.sh "$PWD" "$@" &
  child=$!
  echo "$child" >pid
  wait "$child"
  echo "ended with $?" >>ends
  sleep 0.5
done
`;

/** Programs of this agent, one for each version that is asked for. */
export class AgentVersions {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** Makes the program of this machine once. */
  static async build(): Promise<AgentVersions> {
    const folder = await Deno.makeTempDir({ prefix: "v-" });
    const printed: string[] = [];
    const targets = await Deno.readTextFile(`${projectRoot}targets`);
    const options = { entry: `${projectRoot}main.ts`, folder, targets, environment: Deno.env.toObject() };
    const code = await build(["--bundle-only"], { ...options, say: (text) => void printed.push(text) });
    assert.equal(code, 0, printed.join("\n"));
    const text = await Deno.readTextFile(`${folder}/reagent`);
    await Deno.remove(folder, { recursive: true });
    return new AgentVersions(text);
  }

  /** The text of a program that is the agent in another version. */
  program(version: string = agentVersion): string {
    const [before, ...rest] = this.#text.split(`version:"${agentVersion}"`);
    assert.equal(rest.length, 1, "the version stands once in the bundle");
    return [before, ...rest].join(`version:"${version}"`);
  }
}

/** The agent of a device, in a folder with a guard. */
export class GuardedAgent extends UpdatedDevice implements AsyncDisposable {
  readonly #agent: AgentProcess;

  private constructor(fixture: AgentFixture, { agent, device }: { agent: AgentProcess; device: AddedDevice }) {
    super(fixture, { device, folder: agent.folder });
    this.#agent = agent;
  }

  /** Starts the version of this source tree; `prepare` changes the folder before. */
  static async start(
    fixture: AgentFixture,
    { versions, limits, prepare, ...options }: StartOptions & {
      versions: AgentVersions;
      limits: GuardLimits;
      prepare?(agent: GuardedAgent): Promise<void>;
    },
  ): Promise<GuardedAgent> {
    const device = fixture.addDevice();
    const script = await Deno.makeTempFile({ prefix: "service-" });
    await Deno.writeTextFile(script, service, { mode: 0o755 });
    await Deno.chmod(script, 0o755);
    const agent = new GuardedAgent(fixture, {
      device,
      agent: await fixture.startAgent(device, { ...options, program: script }),
    });
    await Deno.writeTextFile(`${agent.folder}/guard.sh`, startGuardScript(limits));
    await agent.place(agentVersion, versions.program());
    agent.link("program", agentVersion);
    await prepare?.(agent);
    await Deno.writeTextFile(`${agent.folder}/go`, "");
    await Deno.remove(script);
    return agent;
  }

  /** Puts the program of a version in its place. */
  async place(version: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/reagent-v${version}`, text, { mode: 0o755 });
  }

  /** Makes one of the links. */
  link(name: "program" | "fallback", version: string): void {
    Deno.symlinkSync(`reagent-v${version}`, `${this.folder}/${guardFiles[name]}`);
  }

  /** Kills the agent, which the service starts again. */
  async kill(): Promise<void> {
    Deno.kill(Number(await Deno.readTextFile(`${this.folder}/pid`)), "SIGKILL");
  }

  /** What the guard has written. */
  get errors(): string {
    return this.#agent.errors;
  }

  /** Waits for a line of the agent's log. */
  async waitForLog(text: string, options: { limitMs?: number } = {}): Promise<void> {
    await this.#agent.waitForLog(text, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Only the service can end what it has started.
    await this.#agent.stop().catch(() => undefined);
    await this.#agent[Symbol.asyncDispose]();
  }
}
