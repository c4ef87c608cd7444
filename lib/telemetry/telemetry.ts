/** Measures the agent for `-profiling` and for OpenTelemetry. Loaded only when one of them is wanted. */

import type { Clock } from "../async/clock.ts";
import { AgentError } from "../base/errors.ts";
import type { Activity, Recorder } from "../base/recorder.ts";
import { type AgentMeasures, agentReadings } from "./agent_readings.ts";
import { Histograms } from "./histograms.ts";
import { durations, errorAttribute, type Measured } from "./instruments.ts";
import { OpenTelemetry } from "./open_telemetry.ts";
import { readProcess } from "./process_readings.ts";
import { prometheusText } from "./prometheus.ts";

/** What it is created with. */
export interface TelemetryOptions {
  version: string;
  /** The runtime sends measurements and spans (`OTEL_DENO`). */
  isExported: boolean;
  clock: Pick<Clock, "now">;
}

/** The measurements of the agent. */
export interface Telemetry extends Recorder {
  /** From now on also measures what `read` returns. It must not throw. */
  observe(read: () => Promise<AgentMeasures>): void;
  /** Everything as Prometheus reads it. */
  prometheusText(): Promise<string>;
}

/** Creates it. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  return new Measurements(options);
}

class Measurements implements Telemetry {
  readonly #options: TelemetryOptions;
  readonly #histograms = new Histograms();
  readonly #exporter: OpenTelemetry | undefined;
  #read: (() => Promise<AgentMeasures>) | undefined;

  constructor(options: TelemetryOptions) {
    this.#options = options;
    if (options.isExported) {
      this.#exporter = new OpenTelemetry({
        version: options.version,
        read: () => this.#readAll(),
      });
    }
  }

  observe(read: () => Promise<AgentMeasures>): void {
    this.#read = read;
  }

  async prometheusText(): Promise<string> {
    const resource = { service_name: "reagent", service_version: this.#options.version };
    return prometheusText({ readings: await this.#readAll(), series: this.#histograms.list(), resource });
  }

  async record<T>(activity: Activity, work: (fail: (why: string) => void) => Promise<T>): Promise<T> {
    const exporter = this.#exporter;
    if (exporter === undefined) return await this.#measure(activity, work);
    return await exporter.trace(activity, async (span) => {
      try {
        return await this.#measure(activity, work, (why) => exporter.markFailed(span, why));
      } finally {
        span.end();
      }
    });
  }

  async #measure<T>(
    activity: Activity,
    work: (fail: (why: string) => void) => Promise<T>,
    onFailure: (why: string) => void = () => {},
  ): Promise<T> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    let why: string | undefined;
    const fail = (reason: string) => {
      why = reason;
      onFailure(reason);
    };
    try {
      return await work(fail);
    } catch (error) {
      fail(error instanceof AgentError ? error.code : "internal");
      throw error;
    } finally {
      const { nameAttribute, fixed } = durations[activity.kind];
      const attributes = {
        ...fixed,
        [nameAttribute]: activity.name,
        ...why === undefined ? {} : { [errorAttribute]: why },
      };
      const seconds = (clock.now() - startedAt) / 1000;
      this.#histograms.add(durations[activity.kind], { attributes, seconds });
      this.#exporter?.count(activity.kind, { attributes, seconds });
    }
  }

  async #readAll(): Promise<Measured[]> {
    const [own, known] = await Promise.all([readProcess(), this.#read?.()]);
    return known === undefined ? own : [...own, ...agentReadings(known)];
  }
}
