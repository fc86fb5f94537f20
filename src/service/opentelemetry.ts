import { type Attributes, metrics, SpanStatusCode, trace } from "@opentelemetry/api";
import { VERSION } from "../internal/room.ts";
import type { HandlerEvent } from "./events.ts";
import type { Instruments, OpenRuns, SpanAttributes } from "./telemetry.ts";

/** Name of the instrumentation scope. */
const SCOPE = "@multiarch/manifests";

/** Creates the instruments of a handler. `findOpenRuns` is called whenever metrics are collected. */
export function createInstruments(findOpenRuns: (() => Promise<OpenRuns>) | undefined): Instruments {
  const tracer = trace.getTracer(SCOPE, VERSION);
  const meter = metrics.getMeter(SCOPE, VERSION);
  const requests = meter.createCounter("manifests.requests", { description: "Answered requests" });
  const requestDuration = meter.createHistogram("manifests.request.duration", {
    description: "Duration of requests",
    unit: "s",
  });
  const steps = meter.createCounter("manifests.run.steps", { description: "Steps of runs" });
  const publishDuration = meter.createHistogram("manifests.publish.duration", {
    description: "Duration of publishing a run",
    unit: "s",
  });
  const conflicts = meter.createCounter("manifests.conflicts", {
    description: "Tags that another writer changed while they were being published",
  });
  const calls = meter.createHistogram("manifests.registry.duration", {
    description: "Time until a registry answers a request",
    unit: "s",
  });
  if (findOpenRuns) observeOpenRuns(findOpenRuns);
  return {
    span: (name, attributes, work) =>
      tracer.startActiveSpan(name, { attributes: toAttributes(attributes) }, async (span) => {
        try {
          return await work({ describe: (more) => void span.setAttributes(toAttributes(more)) });
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      }),
    count(event: HandlerEvent) {
      const { result, code } = event;
      if (event.type === "request") {
        const attributes = toAttributes({ endpoint: event.endpoint, result, code, status: event.status });
        requests.add(1, attributes);
        requestDuration.record(event.duration / 1000, attributes);
        return;
      }
      const attributes = toAttributes({ step: event.step, result, code });
      steps.add(1, attributes);
      if (event.step === "conflict") conflicts.add(1);
      if (event.step === "publish") publishDuration.record(event.duration / 1000, attributes);
    },
    recordCall: (seconds, attributes) => calls.record(seconds, toAttributes(attributes)),
  };

  function observeOpenRuns(find: () => Promise<OpenRuns>): void {
    const open = meter.createObservableGauge("manifests.runs.open", { description: "Unfinished runs" });
    const oldest = meter.createObservableGauge("manifests.runs.oldest", {
      description: "Age of the oldest unfinished run; 0 if there is none",
      unit: "s",
    });
    meter.addBatchObservableCallback(async (observer) => {
      // Without the database, these two metrics are missing for a while.
      const runs = await find().catch(() => undefined);
      if (!runs) return;
      observer.observe(open, runs.count);
      observer.observe(oldest, runs.oldest);
    }, [open, oldest]);
  }
}

/** Returns attributes with full names, without those that are `undefined`. */
function toAttributes(attributes: SpanAttributes): Attributes {
  const known = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name.includes(".") ? name : `manifests.${name}`, value]));
}
