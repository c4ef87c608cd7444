/** The agent process of a fault test: the agent's apps and a fake Studio, with a fault that happens at a given step. */

import { type Apps, createApps } from "../../lib/apps/apps.ts";
import { readIdleMark } from "../../lib/host/process_idle.ts";
import { handlesSignal } from "../../lib/host/process_signals.ts";
import { probationMs } from "../../lib/apps/watch/probation.ts";
import { startWithEngine } from "../../lib/agent/engine_start.ts";
import { type Clock, systemClock } from "../../lib/async/clock.ts";
import { textOf } from "../../lib/base/errors.ts";
import type { Level, Log, LogFields } from "../../lib/base/log.ts";
import { encodePortRule } from "../../lib/model/port_rule.ts";
import { Engine } from "../../lib/docker/engine.ts";
import { openWithRecovery } from "../../lib/store/recovery.ts";
import type { Backend } from "../../lib/backend/backend.ts";
import { applyReport, type DeviceApp, encodeRow, isWanted } from "../../scripts/studio/device_apps.ts";
import { encodeRequest } from "../../scripts/studio/desired_change.ts";
import { FakeStudio } from "../fakes/fake_studio.ts";
import { quietDevice } from "../fakes/fake_surroundings.ts";
import { sleep } from "../../scripts/testbed/wait.ts";
import {
  type AgentCommand,
  type AgentEvent,
  type AgentSettings,
  appendLine,
  type FaultAction,
  type FaultPoint,
  readLines,
} from "./agent_commands.ts";
import { publishedVersion, releaseOf } from "./releases.ts";
import { stepName } from "./step_list.ts";

/** Long waits of the agent are shortened, so that a row takes seconds. */
const shortProbationMs = 700;
const longWaitMs = 5_000;

const device = {
  ...{ deviceKey: 345, swarmKey: 12, serial: "SN-1", name: "pump-7", secret: "secret", authid: "12-345" },
  ...{ ownerAccountKey: 1, swarmName: "demo", ownerName: "acme", baseUrl: "", appCredKey: "", status: "" },
  ...{ sessionId: 1, stats: null, tunnelCapable: undefined, metadata: null, reportedAt: "" },
};

/**
 * The agent's apps, and Studio in the same process. What Studio knows is written to the events before a call returns,
 * so that it survives a kill of this process.
 */
class FaultyAgent {
  readonly #settings: AgentSettings;
  readonly #studio = new FakeStudio();
  readonly #life = new AbortController();
  #apps: Apps | undefined;
  #known: DeviceApp | undefined;
  #armed: { point: FaultPoint; action: FaultAction } | undefined;
  #clockShiftMs = 0;

  constructor(settings: AgentSettings) {
    this.#settings = settings;
  }

  /** Carries out one command. */
  async execute(command: AgentCommand): Promise<void> {
    switch (command.do) {
      case "start":
        this.#known = command.app;
        return await this.#start();
      case "arm":
        this.#armed = command;
        return;
      case "request":
        this.#learn(command.app);
        return await this.#apps?.request({ ...encodeRequest(command.app, device), version: publishedVersion });
      case "connect":
        this.#studio.isConnected = true;
        return await this.#connect();
      case "resume":
        return this.#apps?.resume();
    }
  }

  async #start(): Promise<void> {
    const { folder, engineHost, registryHost } = this.#settings;
    const log = this.#log();
    const engine = new Engine({ log, env: { DOCKER_HOST: engineHost } });
    const { database, isRebuilt } = openWithRecovery(`${folder}/reagent.db`, { log, now: new Date() });
    this.#studio.answer = () => {
      return this.#known !== undefined && isWanted(this.#known) ? [encodeRow(this.#known, device)] : [];
    };
    const apps = this.#apps = createApps({
      engine,
      backend: this.#backend(),
      database,
      appLogs: this.#studio.appLogs(),
      log,
      clock: this.#clock(),
      random: () => 0.5,
      ...quietDevice(folder, { registryUrl: `${registryHost}/` }),
      appsDir: `${folder}/apps`,
      composeDir: `${folder}/apps/compose`,
      buildDir: `${folder}/apps/build`,
      engineEnvironment: { DOCKER_HOST: engineHost },
      readIdleMark,
      handlesSignal,
      isRebuilt,
    });
    const disk = { measure: () => Promise.resolve() };
    await startWithEngine(
      { engine, apps, disk, onLate: () => {}, onCome: () => {}, clock: systemClock, log },
      this.#life.signal,
    );
    await this.#connect();
    this.#emit({ event: "ready" });
  }

  /** Reconciles the apps with Studio; retries until that succeeds, as a device does. */
  async #connect(): Promise<void> {
    for (let isRepeated = false;; isRepeated = true) {
      try {
        await this.#apps?.reconcileRemote(this.#life.signal, { isRepeated });
        return this.#emit({ event: "connected" });
      } catch (error) {
        this.#write("warn", "Cannot take over what Studio wants of the apps", { error });
        if (!this.#studio.isConnected) return;
        await sleep(500);
      }
    }
  }

  #backend(): Backend {
    const backend = this.#studio.backend();
    return {
      ...backend,
      reportAppState: async (report, signal) => {
        await backend.reportAppState(report, signal);
        const named = releaseOf(report.releaseKey);
        if (this.#known !== undefined) this.#learn(applyReport(this.#known, report, { named }));
      },
      savePorts: async (list, signal) => {
        await backend.savePorts(list, signal);
        if (this.#known !== undefined) this.#learn({ ...this.#known, ports: list.ports.map(encodePortRule) });
      },
    };
  }

  #clock(): Clock {
    return {
      now: () => systemClock.now(),
      wall: () => new Date(Date.now() + this.#clockShiftMs),
      sleep: (ms, signal) => {
        const shorterMs = ms === probationMs ? shortProbationMs : ms >= longWaitMs ? ms / 10 : ms;
        return systemClock.sleep(shorterMs, signal);
      },
    };
  }

  /** Everything that the agent logs passes through here, so this is where steps are noticed. */
  #log(): Log {
    const writer = (level: Level) => (message: string, fields?: LogFields) => {
      this.#write(level, message, fields);
      if (message === "Step begins") this.#onStep(fields, "begin");
      if (message === "Step") this.#onStep(fields, "end");
      if (message === "Transition begins") this.#onTransition(fields, "begins");
      if (message === "Transition ended") this.#onTransition(fields, "ended");
    };
    const [trace, debug, info, warn] = [writer("trace"), writer("debug"), writer("info"), writer("warn")];
    return { trace, debug, info, warn, error: writer("error"), fatal: writer("fatal") };
  }

  #onStep(fields: LogFields | undefined, at: FaultPoint["at"]): void {
    const [goal, step] = [String(fields?.goal), stepName(String(fields?.step))];
    if (at === "begin") this.#emit({ event: "step", goal, step });
    const armed = this.#armed;
    if (armed === undefined || armed.point.at !== at) return;
    if (armed.point.goal !== goal || armed.point.step !== step) return;
    this.#armed = undefined;
    this.#emit({ event: "fault" });
    this.#cause(armed.action);
  }

  #cause(action: FaultAction): void {
    switch (action.kind) {
      case "kill":
        Deno.kill(Deno.pid, "SIGKILL");
        // The signal takes effect with a delay; nothing else must happen until then.
        for (;;);
      case "run":
        new Deno.Command(action.program, { args: [...action.args], stdout: "null", stderr: "null" }).outputSync();
        return;
      case "cutLink":
        this.#studio.isConnected = false;
        return;
      case "moveClock":
        this.#clockShiftMs = action.ms;
        return;
    }
  }

  #learn(app: DeviceApp): void {
    this.#known = app;
    this.#emit({ event: "known", app });
  }

  #onTransition(fields: LogFields | undefined, phase: "begins" | "ended"): void {
    this.#emit({ event: "transition", goal: String(fields?.goal), phase });
  }

  #emit(event: AgentEvent): void {
    appendLine(this.#settings.eventsFile, event);
  }

  #write(level: string, message: string, fields: LogFields = {}): void {
    const rest = Object.entries(fields).map(([name, value]) => {
      return `${name}=${name === "error" ? textOf(value) : JSON.stringify(value)}`;
    });
    const line = `${performance.now().toFixed(0)} ${level} ${message} ${rest.join(" ")}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
  }
}

if (import.meta.main) {
  const settings: AgentSettings = JSON.parse(Deno.args[0] ?? "");
  const agent = new FaultyAgent(settings);
  let offset = 0;
  for (;;) {
    const commands = readLines<AgentCommand>(settings.commandsFile, offset);
    offset = commands.offset;
    for (const command of commands.lines) await agent.execute(command);
    await sleep(10);
  }
}
