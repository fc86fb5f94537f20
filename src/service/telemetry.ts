import type { HandlerEvent } from "./events.ts";

/** Values that describe a span; those that are `undefined` are left out. */
export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

/** Span of work that is still running. */
export interface TelemetrySpan {
  /** Adds attributes, whose names get the prefix `manifests.` unless they have a dot. */
  describe(attributes: SpanAttributes): void;
}

/** Unfinished runs of all callers, for metrics. */
export interface OpenRuns {
  /** Number of runs that are neither finished nor expired. */
  readonly count: number;
  /** Age of the oldest one, in seconds; 0 if there is none. */
  readonly oldest: number;
}

/** Spans and metrics of a process that has them. */
export interface Instruments {
  /** Runs work in a span, which fails if the work does. */
  span<T>(name: string, attributes: SpanAttributes, work: (span: TelemetrySpan) => Promise<T>): Promise<T>;
  /** Adds an event to the counters and histograms. */
  count(event: HandlerEvent): void;
  /** Records a request to a registry: its duration in seconds. */
  recordCall(seconds: number, attributes: SpanAttributes): void;
}

const NO_SPAN: TelemetrySpan = { describe: () => {} };

/**
 * Spans and metrics through the API of OpenTelemetry. They are off, and its package is not even loaded, unless something
 * has registered an implementation, as Deno does with `OTEL_DENO=true`.
 */
export class Telemetry {
  readonly #findOpenRuns: (() => Promise<OpenRuns>) | undefined;
  #instruments: Instruments | undefined;
  #loading: Promise<void> | undefined;

  /** Creates telemetry that is off until {@linkcode load}. `findOpenRuns` counts runs; default: there are none. */
  constructor(findOpenRuns?: () => Promise<OpenRuns>) {
    this.#findOpenRuns = findOpenRuns;
  }

  /** Loads the instruments if an implementation of OpenTelemetry is registered. Never rejects. */
  load(): Promise<void> | undefined {
    // The key under which every version 1 of the API registers its implementation.
    if (!(Symbol.for("opentelemetry.js.api.1") in globalThis)) return undefined;
    return this.#loading ??= import("./opentelemetry.ts").then(
      ({ createInstruments }) => void (this.#instruments = createInstruments(this.#findOpenRuns)),
      // Without the package, requests are answered all the same.
      () => {},
    );
  }

  /** Runs work in a span. */
  span<T>(name: string, attributes: SpanAttributes, work: (span: TelemetrySpan) => Promise<T>): Promise<T> {
    return this.#instruments ? this.#instruments.span(name, attributes, work) : work(NO_SPAN);
  }

  /** Adds an event to the counters and histograms, if there are any. */
  count(event: HandlerEvent): void {
    this.#instruments?.count(event);
  }

  /** Sends a request to a registry in a span, and records its duration. */
  async call(request: Request, send: () => Promise<Response>): Promise<Response> {
    const instruments = this.#instruments;
    if (!instruments) return await send();
    const { method, url } = request;
    const attributes = { "http.request.method": method, "server.address": new URL(url).host };
    return await instruments.span("call registry", attributes, async (span) => {
      const since = performance.now();
      let status: number | undefined;
      try {
        const response = await send();
        status = response.status;
        return response;
      } finally {
        const answered = { "http.response.status_code": status };
        span.describe(answered);
        instruments.recordCall((performance.now() - since) / 1000, { ...attributes, ...answered });
      }
    });
  }
}
