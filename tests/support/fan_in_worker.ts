/**
 * A program that sends reports to a handler of its own: `fan_in_worker.ts <database> <registry> <reports as JSON>`.
 * Prints status and state of each answer.
 */
import { bearerTokens, createHandler } from "../../src/system/handler/mod.ts";
import { call, TOKEN } from "./handlers.ts";
import { openKvFile } from "./kv.ts";

const [path, registry, reports] = Deno.args as [string, string, string];
using kv = await openKvFile(path);
const handler = createHandler({
  authorize: bearerTokens([{ token: TOKEN }]),
  targets: [`${registry}/app`],
  systemContext: { dockerInsecureSkipTlsVerify: true },
  kv,
});
const answers = await Promise.all(
  (JSON.parse(reports) as unknown[]).map((body) => call(handler, "/fan-in", { body })),
);
Deno.stdout.writeSync(
  new TextEncoder().encode(JSON.stringify(answers.map(({ status, body }) => [status, body.state ?? body.error]))),
);
