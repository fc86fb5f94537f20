/**
 * A program that publishes one run, with a conflict, and leaves another one unfinished. Prints the statuses of the
 * answers and whether the process has an implementation of OpenTelemetry.
 */
import { makeFanIn, PLATFORMS } from "./fan_in.ts";
import { call } from "./handlers.ts";

using kv = await Deno.openKv(":memory:");
const at = await makeFanIn(kv);
let interferes = true;
const fetch = async (request: Request) => {
  if (interferes && request.method === "PUT" && request.url.endsWith("/manifests/1")) {
    interferes = false;
    await at.world.repository().putManifest("1", (await at.world.repository().getManifest("arm64")).bytes);
  }
  return await at.world.fetch(request);
};
const handler = at.handler({ systemContext: { fetch } });
const expected = PLATFORMS.slice(0, 1);
const report = (more: Record<string, unknown>) => ({ body: at.report(PLATFORMS[0]!, { expected, ...more }) });
const answers = [
  await call(handler, "/fan-in", report({ run: "superseded" })),
  await call(handler, "/fan-in", report({ run: "1" })),
  await call(handler, "/fan-in", report({ run: "2", expected: PLATFORMS })),
  await call(handler, "/fan-in", { ...report({ run: "3" }), token: "nobody-knows-me-here" }),
  await call(handler, `/fan-in?target=${at.report(PLATFORMS[0]!).target}`),
];
at.now += 60_000;
const isOn = Symbol.for("opentelemetry.js.api.1") in globalThis;
Deno.stdout.writeSync(
  new TextEncoder().encode(JSON.stringify({ isOn, statuses: answers.map(({ status }) => status) })),
);
// Gauges are read while the process runs: the test closes stdin once it has them.
await Deno.stdin.read(new Uint8Array(1));
