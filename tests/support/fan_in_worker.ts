/**
 * A program that sends reports to a handler of its own, and may kill itself at a step:
 * `fan_in_worker.ts <database> <registry> <reports as JSON> [step]`. Prints status and state of each answer.
 */
import { bearerTokens, createHandler } from "../../src/service/room.ts";
import { call, TOKEN } from "./handlers.ts";
import { openKvFile } from "./kv.ts";
import { Fate } from "./mortal.ts";

const [path, registry, reports, killAt = "Infinity"] = Deno.args as [string, string, string, string?];
using kv = await openKvFile(path);
const fate = new Fate(Number(killAt), Number(killAt) % 2 ? "dies before" : "dies after", () => {
  Deno.kill(Deno.pid, "SIGKILL");
  return new Promise(() => {});
});
const handler = createHandler({
  authorize: bearerTokens([{ token: TOKEN }]),
  targets: [`${registry}/app`],
  systemContext: { dockerInsecureSkipTlsVerify: true, fetch: fate.fetch((request) => fetch(request)) },
  kv: fate.kv(kv),
});
const answers = await Promise.all(
  (JSON.parse(reports) as unknown[]).map((body) => call(handler, "/fan-in", { body })),
);
Deno.stdout.writeSync(
  new TextEncoder().encode(JSON.stringify(answers.map(({ status, body }) => [status, body.state ?? body.error]))),
);
