/**
 * Starts what waits for somebody that stands still, lets the garbage collector take what nobody holds, aborts, and
 * prints how each ended. Run it with `--v8-flags=--expose-gc`.
 */
import { acceptAnything } from "../../src/signature/mod.ts";
import { copyImage } from "../../mod.ts";
import { clientOf, describe, encode, pushPlatforms } from "./images.ts";
import { serve, startEmbedded } from "./registries.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/mod.ts";

const { gc } = globalThis as unknown as { gc: () => void };

/** Whether an answer stands still after its first byte, or does not come at all. */
type Stall = (request: Request) => "body" | "answer" | undefined;

async function abortDuring(
  name: string,
  stall: Stall,
  work: (host: string, signal: AbortSignal, stalled: () => void) => Promise<unknown>,
) {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  const [stalled, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let armed = false;
  await using registry = serve(async (request) => {
    const how = armed && stall(request);
    if (!how) return await fetch(request);
    stalled.resolve();
    if (how === "answer") await end.promise;
    const { headers, status, body } = await fetch(request);
    await body?.cancel();
    const start = (controller: ReadableStreamDefaultController) => controller.enqueue(new Uint8Array(1));
    return new Response(new ReadableStream({ start }), { headers, status });
  });
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  armed = true;
  const abort = new AbortController();
  const reason = new Error(name);
  const ending = work(registry.host, abort.signal, stalled.resolve).then(
    () => "came to its end",
    (error) => error === reason ? "aborted" : `failed: ${error}`,
  );
  const early = await Promise.race([stalled.promise, ending]);
  // Each turn of the loop lets finalisers run.
  for (let i = 0; i < 20; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve));
  }
  abort.abort(reason);
  Deno.stdout.writeSync(encode(`${name}: ${early ?? await ending}\n`));
  end.resolve();
}

const systemContext = { dockerInsecureSkipTlsVerify: true };
const copyTo = (destination: string) => (host: string, signal: AbortSignal) =>
  copyImage(`docker://${host}/app:amd64`, destination, { signal, systemContext, signaturePolicy: acceptAnything });
const blob: Stall = ({ method, url }) => method === "GET" && url.includes("/blobs/") ? "body" : undefined;
const manifest: Stall = ({ method, url }) => method === "GET" && url.includes("/manifests/") ? "body" : undefined;
const folder = Deno.args[0]!;

await abortDuring("a blob to dir:", blob, copyTo(`dir:${folder}/dir`));
await abortDuring("a blob to oci:", blob, copyTo(`oci:${folder}/oci:x`));
await abortDuring("a blob to oci-archive:", blob, copyTo(`oci-archive:${folder}/oci.tar`));
await abortDuring("a blob to docker-archive:", blob, copyTo(`docker-archive:${folder}/docker.tar:x:1`));
{
  await using other = startEmbedded();
  await abortDuring("a blob to docker://", blob, copyTo(`docker://${other.host}/app:1`));
}
await abortDuring("a manifest", manifest, copyTo(`dir:${folder}/manifest`));
await abortDuring(
  "the answer to an upload",
  ({ method }) => method === "PATCH" ? "answer" : undefined,
  (host, signal) => {
    const bytes = new Uint8Array(2_000_000);
    return clientOf(host).repository("up").putBlob(describe("x", bytes), new Blob([bytes]).stream(), { signal });
  },
);
await abortDuring(
  "the text of an error",
  ({ url }) => url.includes("/none") ? "body" : undefined,
  (host, signal) => clientOf(host).repository("app").getManifest("none", { signal }),
);
await abortDuring(
  "a list of tags",
  ({ url }) => url.includes("/tags/") ? "body" : undefined,
  (host, signal) => Array.fromAsync(clientOf(host).repository("app").listTags({ signal })),
);
for (const size of [100, 2_000_000]) {
  await abortDuring(`an upload of ${size} bytes that do not come`, () => undefined, (host, signal, stalled) => {
    const pull = () => {
      stalled();
      return new Promise<void>(() => {});
    };
    const descriptor = describe("x", new Uint8Array(size));
    return clientOf(host).repository("up").putBlob(descriptor, new ReadableStream({ pull }), { signal });
  });
}
Deno.exit(0);
