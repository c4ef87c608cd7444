/** Hands measurements and spans to the runtime, which sends them as `OTEL_*` variables say. */

import type { Activity } from "../base/recorder.ts";
import { type Attributes, type DurationInstrument, durations, type Instrument, observed } from "./instruments.ts";
import type { Measured } from "./instruments.ts";

/** The parts of the OpenTelemetry interface that are used; the runtime has them without a package. */
interface Span {
  setAttribute(name: string, value: string | number): void;
  setStatus(status: { code: number; message?: string }): void;
  end(): void;
}

interface Tracer {
  // deno-lint-ignore house/positional-arguments -- the signature of OpenTelemetry
  startActiveSpan<T>(
    name: string,
    options: { kind: number; attributes: Record<string, string | number> },
    work: (span: Span) => T,
  ): T;
}

interface Recording {
  record(value: number, attributes: Attributes): void;
}

interface Meter {
  createHistogram(name: string, options: object): Recording;
  createObservableCounter(name: string, options: object): object;
  createObservableUpDownCounter(name: string, options: object): object;
  createObservableGauge(name: string, options: object): object;
  addBatchObservableCallback(callback: (result: BatchResult) => Promise<void>, instruments: object[]): void;
}

interface BatchResult {
  // deno-lint-ignore house/positional-arguments -- the signature of OpenTelemetry
  observe(instrument: object, value: number, attributes: Attributes): void;
}

/** Values of the OpenTelemetry interface. */
const [internalSpan, serverSpan, errorStatus] = [0, 1, 2];

/** Records work as spans and durations. */
export class OpenTelemetry {
  readonly #tracer: Tracer;
  readonly #recordings: Readonly<Record<Activity["kind"], Recording>>;

  /** `read` is called whenever the runtime sends measurements. */
  constructor({ version, read }: { version: string; read(): Promise<readonly Measured[]> }) {
    this.#tracer = Deno.telemetry.tracerProvider.getTracer("reagent", version);
    const meter: Meter = Deno.telemetry.meterProvider.getMeter("reagent", version);
    const create = (instrument: DurationInstrument) =>
      meter.createHistogram(instrument.name, histogramOptions(instrument));
    this.#recordings = {
      call: create(durations.call),
      transition: create(durations.transition),
      step: create(durations.step),
    };
    const created = new Map<Instrument, object>(
      Object.values(observed).map((instrument) => [instrument, createObservable(meter, instrument)]),
    );
    meter.addBatchObservableCallback(async (result) => {
      for (const { instrument, value, attributes } of await read()) {
        const target = created.get(instrument);
        if (target !== undefined) result.observe(target, value, attributes);
      }
    }, [...created.values()]);
  }

  /** Does work within a span; what it starts meanwhile becomes a child. */
  trace<T>(activity: Activity, work: (span: Span) => Promise<T>): Promise<T> {
    const { nameAttribute, fixed } = durations[activity.kind];
    const attributes = { ...fixed, [nameAttribute]: activity.name, ...activity.about };
    const isCall = activity.kind === "call";
    const name = isCall ? activity.name : `${activity.kind} ${activity.name}`;
    return this.#tracer.startActiveSpan(name, { kind: isCall ? serverSpan : internalSpan, attributes }, work);
  }

  /** Counts a duration. */
  count(kind: Activity["kind"], { seconds, attributes }: { seconds: number; attributes: Attributes }): void {
    this.#recordings[kind].record(seconds, attributes);
  }

  /** Marks a span as failed. */
  markFailed(span: Span, why: string): void {
    span.setAttribute("error.type", why);
    span.setStatus({ code: errorStatus });
  }
}

function histogramOptions({ unit, description, boundsSeconds }: DurationInstrument): object {
  return { unit, description, advice: { explicitBucketBoundaries: [...boundsSeconds] } };
}

function createObservable(meter: Meter, { name, kind, unit, description }: Instrument): object {
  const options = { unit, description };
  if (kind === "counter") return meter.createObservableCounter(name, options);
  return kind === "gauge"
    ? meter.createObservableGauge(name, options)
    : meter.createObservableUpDownCounter(name, options);
}
