/** Spans and metrics, as a collector gets them from a process with `OTEL_DENO=true`. */
import assert from "node:assert/strict";
import { serve } from "../support/registries.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

const WORKER = new URL("../support/telemetry_worker.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

interface Attribute {
  key: string;
  value: { stringValue?: string; doubleValue?: number };
}

interface Point {
  attributes?: Attribute[];
  asInt?: string;
  asDouble?: number;
  count?: string;
}

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Attribute[];
  status?: { code?: number };
}

interface Metric {
  name: string;
  sum?: { dataPoints: Point[] };
  gauge?: { dataPoints: Point[] };
  histogram?: { dataPoints: Point[] };
}

interface Scope {
  scope?: { name?: string };
  spans?: Span[];
  metrics?: Metric[];
}

/** Returns attributes as one object. */
function toObject(attributes: readonly Attribute[] = []): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(value.stringValue ?? value.doubleValue)]),
  );
}

/** Runs the worker, and returns all that a collector on loopback gets from it. */
async function collect(env: Record<string, string>) {
  const spans: Span[] = [];
  const metrics = new Map<string, Metric>();
  const requests: string[] = [];
  const complete = Promise.withResolvers<void>();
  if (env.OTEL_DENO === undefined) complete.resolve();
  await using collector = serve(async (request) => {
    requests.push(new URL(request.url).pathname);
    const body: { [name: string]: { [name: string]: Scope[] }[] } = await request.json();
    const scopes = [body.resourceSpans, body.resourceMetrics].flatMap((resources = []) =>
      resources.flatMap(({ scopeSpans = [], scopeMetrics = [] }) => [...scopeSpans, ...scopeMetrics])
    );
    for (const { scope, ...collected } of scopes) {
      if (scope?.name !== "@multiarch/manifests") continue;
      spans.push(...collected.spans ?? []);
      // Counts are cumulative: the last ones are complete.
      for (const metric of collected.metrics ?? []) metrics.set(metric.name, metric);
    }
    const age = metrics.get("manifests.runs.oldest")?.gauge?.dataPoints[0];
    // The worker is done when its clock has gone on. After many exports without that, the test may fail.
    if (age && (age.asDouble ?? Number(age.asInt)) > 0 || requests.length > 200) complete.resolve();
    return Response.json({});
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--unstable-kv", "--config", CONFIG, WORKER],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${collector.host}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "100",
      ...env,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output();
  await Promise.race([complete.promise, ended]);
  await child.stdin.close();
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return { spans, metrics, requests, output: JSON.parse(new TextDecoder().decode(stdout)) };
}

Deno.test("a process with OTEL_DENO=true exports spans of requests, publishing and registry calls, and metrics", async () => {
  const { spans, metrics, output } = await collect({ OTEL_DENO: "true" });
  assert.deepEqual(output, { isOn: true, statuses: [409, 200, 200, 401, 200] });

  const handled = spans.filter(({ name }) => name === "handle request");
  assert.deepEqual(handled.map(({ attributes }) => toObject(attributes)["http.response.status_code"]), [
    "409",
    "200",
    "200",
    "401",
    "200",
  ]);
  const [superseded, publishing, ...others] = spans.filter(({ name }) => name === "publish run");
  assert.deepEqual([superseded?.status?.code, publishing?.status?.code ?? 0, others], [2, 0, []]);
  const { "manifests.run": run, "manifests.digest": digest } = toObject(publishing!.attributes);
  assert.equal(run, "1");
  assert.match(digest!, /^sha256:/);
  const publisher = handled.find(({ spanId }) => spanId === publishing!.parentSpanId);
  assert.equal(toObject(publisher!.attributes)["manifests.endpoint"], "fan-in");
  const calls = spans.filter(({ name, parentSpanId }) =>
    name === "call registry" && parentSpanId === publishing!.spanId
  );
  assert.ok(calls.some(({ attributes }) => toObject(attributes)["http.request.method"] === "PUT"));
  assert.ok(calls.every(({ attributes }) => toObject(attributes)["server.address"] === "registry.example"));

  const points = (name: string) => {
    const { sum, gauge, histogram } = metrics.get(name) ?? assert.fail(`no metric ${name}`);
    return (sum ?? gauge ?? histogram)!.dataPoints;
  };
  const count = (name: string, attributes: Record<string, string> = {}) =>
    points(name)
      .filter((point) => Object.entries(attributes).every(([key, value]) => toObject(point.attributes)[key] === value))
      .reduce((sum, { asInt, asDouble, count }) => sum + Number(asInt ?? asDouble ?? count), 0);
  assert.equal(count("manifests.requests", { "manifests.status": "200", "manifests.endpoint": "fan-in" }), 3);
  assert.equal(count("manifests.requests", { "manifests.code": "UNAUTHORIZED" }), 1);
  assert.equal(count("manifests.request.duration"), 5);
  assert.equal(count("manifests.run.steps", { "manifests.step": "begin" }), 3);
  assert.equal(count("manifests.run.steps", { "manifests.step": "publish", "manifests.result": "ok" }), 1);
  assert.equal(count("manifests.publish.duration"), 2);
  assert.equal(count("manifests.conflicts"), 1);
  assert.ok(count("manifests.registry.duration", { "http.request.method": "PUT" }) > 0);
  assert.equal(count("manifests.runs.open"), 1);
  // The clock of the worker goes on by a minute after the second run has begun.
  assert.equal(count("manifests.runs.oldest"), 60);
});

Deno.test("without OTEL_DENO nothing is exported", async () => {
  const { requests, output } = await collect({});
  assert.deepEqual([output.isOn, requests], [false, []]);
});
