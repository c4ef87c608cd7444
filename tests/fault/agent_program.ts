/** Process of a test: the part of the agent that works on apps, with a fault that strikes at a given step. */

import { type Apps, createApps } from "../../lib/apps/apps.ts";
import { readIdleMark } from "../../lib/host/process_idle.ts";
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
import { encodeRequest } from "../../scripts/studio/wish.ts";
import { Studio } from "../fakes/fake_studio.ts";
import { quietDevice } from "../fakes/fake_surroundings.ts";
import { sleep } from "../../scripts/testbed/wait.ts";
import { type AgentPlace, appendLine, type Event, type Moment, type Order, readLines, type Strike } from "./orders.ts";
import { releaseOf } from "./releases.ts";
import { nameOfStep } from "./step_list.ts";

/** Of the agent's long waits; they are shorter here, so that a row takes seconds. */
const shortProbationMs = 700;
const longWaitMs = 5_000;

const device = {
  ...{ deviceKey: 345, swarmKey: 12, serial: "SN-1", name: "pump-7", secret: "secret", authid: "12-345" },
  ...{ ownerAccountKey: 1, swarmName: "demo", ownerName: "acme", baseUrl: "", appCredKey: "", status: "" },
  ...{ sessionId: 1, stats: null, tunnelCapable: undefined, facts: null, reportedAt: "" },
};

/**
 * The agent's apps, and Studio in the same process. What Studio knows is written down before a call of it returns, so that the end of
 * this process does not lose it.
 */
class FaultyAgent {
  readonly #place: AgentPlace;
  readonly #studio = new Studio();
  readonly #life = new AbortController();
  #apps: Apps | undefined;
  #known: DeviceApp | undefined;
  #armed: { moment: Moment; strike: Strike } | undefined;
  #clockShiftMs = 0;

  constructor(place: AgentPlace) {
    this.#place = place;
  }

  /** Does one order. */
  async obey(order: Order): Promise<void> {
    switch (order.do) {
      case "begin":
        this.#known = order.app;
        return await this.#begin();
      case "arm":
        this.#armed = order;
        return;
      case "ask":
        this.#learn(order.app);
        return await this.#apps?.request(encodeRequest(order.app, device));
      case "connect":
        this.#studio.isConnected = true;
        return await this.#connect();
      case "resume":
        return this.#apps?.resume();
    }
  }

  async #begin(): Promise<void> {
    const { folder, engineHost, registryHost } = this.#place;
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
      readIdleMark,
      isRebuilt,
    });
    const disk = { measure: () => Promise.resolve() };
    await startWithEngine({ engine, apps, disk, onLate: () => {}, clock: systemClock, log }, this.#life.signal);
    await this.#connect();
    this.#tell({ event: "ready" });
  }

  /** What a connect brings for the apps; it is repeated until it is through, as on a device. */
  async #connect(): Promise<void> {
    for (let isRepeated = false;; isRepeated = true) {
      try {
        await this.#apps?.reconcileRemote(this.#life.signal, { isRepeated });
        return this.#tell({ event: "connected" });
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

  /** Every word of the agent passes here, so this is where a step is met. */
  #log(): Log {
    const writer = (level: Level) => (message: string, fields?: LogFields) => {
      this.#write(level, message, fields);
      if (message === "Step begins") this.#meet(fields, "begin");
      if (message === "Step") this.#meet(fields, "end");
      if (message === "Transition begins") this.#tellTransition(fields, "begins");
      if (message === "Transition ended") this.#tellTransition(fields, "ended");
    };
    const [trace, debug, info, warn] = [writer("trace"), writer("debug"), writer("info"), writer("warn")];
    return { trace, debug, info, warn, error: writer("error"), fatal: writer("fatal") };
  }

  #meet(fields: LogFields | undefined, at: Moment["at"]): void {
    const [goal, step] = [String(fields?.goal), nameOfStep(String(fields?.step))];
    if (at === "begin") this.#tell({ event: "step", goal, step });
    const armed = this.#armed;
    if (armed === undefined || armed.moment.at !== at) return;
    if (armed.moment.goal !== goal || armed.moment.step !== step) return;
    this.#armed = undefined;
    this.#tell({ event: "struck" });
    this.#strike(armed.strike);
  }

  #strike(strike: Strike): void {
    switch (strike.kind) {
      case "kill":
        Deno.kill(Deno.pid, "SIGKILL");
        // The signal takes effect a moment later; nothing more must happen until then.
        for (;;);
      case "run":
        new Deno.Command(strike.program, { args: [...strike.args], stdout: "null", stderr: "null" }).outputSync();
        return;
      case "cutLink":
        this.#studio.isConnected = false;
        return;
      case "moveClock":
        this.#clockShiftMs = strike.ms;
        return;
    }
  }

  #learn(app: DeviceApp): void {
    this.#known = app;
    this.#tell({ event: "told", app });
  }

  #tellTransition(fields: LogFields | undefined, phase: "begins" | "ended"): void {
    this.#tell({ event: "transition", goal: String(fields?.goal), phase });
  }

  #tell(event: Event): void {
    appendLine(this.#place.eventsFile, event);
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
  const place: AgentPlace = JSON.parse(Deno.args[0] ?? "");
  const agent = new FaultyAgent(place);
  let offset = 0;
  for (;;) {
    const orders = readLines<Order>(place.ordersFile, offset);
    offset = orders.offset;
    for (const order of orders.lines) await agent.obey(order);
    await sleep(10);
  }
}
