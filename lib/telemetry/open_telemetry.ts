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
  addBatchObservableCallback(callback: (result: BatchResult) => void, instruments: object[]): void;
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

  /** `read` is called whenever the runtime sends measurements, and gives those that it sends the next time. */
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
    const latest = new LatestReading(read);
    meter.addBatchObservableCallback((result) => {
      for (const { instrument, value, attributes } of latest.take()) {
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

/**
 * What was read the last time, at once. At its exit the runtime waits for a collection that has begun, which cannot go
 * on then (`host/exit_limit.ts`): the shorter a collection, the rarer that is.
 */
class LatestReading {
  readonly #read: () => Promise<readonly Measured[]>;
  #latest: readonly Measured[] = [];
  #reading: Promise<void> | undefined;

  constructor(read: () => Promise<readonly Measured[]>) {
    this.#read = read;
    this.#refresh();
  }

  take(): readonly Measured[] {
    this.#refresh();
    return this.#latest;
  }

  #refresh(): void {
    this.#reading ??= this.#read().then(
      (measured) => void (this.#latest = measured),
      // What cannot be read now is as it was.
      () => {},
    ).finally(() => this.#reading = undefined);
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
