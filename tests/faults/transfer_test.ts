/** Registries that lie, break off or vanish while a list is pushed. */
import assert from "node:assert/strict";
import { type CopyEvent, create, type List } from "../../mod.ts";
import { createMemoryStorage, createRegistry, type Registry } from "../../src/server/room.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { serve, startDockerRegistry, startEmbedded } from "../support/registries.ts";
import { startRelay } from "../support/relay.ts";

const context = { systemContext: { dockerInsecureSkipTlsVerify: true }, maxRetries: 1, retryDelay: 1 };
const ARCHITECTURES = ["amd64", "arm64", "s390x"];

type Tamper = (request: Request, forward: () => Promise<Response>) => Response | Promise<Response>;

/** A registry whose answers are tampered with. */
function tampered(registry: Registry, tamper: Tamper) {
  return serve((request) => tamper(request, () => registry.fetch(request)));
}

/** A list of three images with layers of 3 MB that will not compress, in a registry that tampers from then on. */
async function startSource(tamper: Tamper) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  let armed = false;
  const server = tampered(registry, (request, forward) => armed ? tamper(request, forward) : forward());
  const list: List = create();
  for (const architecture of ARCHITECTURES) {
    const layer = new Uint8Array(3_000_000);
    for (let at = 0; at < layer.length; at += 60_000) crypto.getRandomValues(layer.subarray(at, at + 60_000));
    await pushImage(
      clientOf(server.host).repository("app"),
      makeImage({ architecture, layers: [layer] }),
      architecture,
    );
    await list.add(`${server.host}/app:${architecture}`, context);
  }
  armed = true;
  return { list, server };
}

const isBlob = (request: Request) => request.method === "GET" && request.url.includes("/blobs/");

function cut(response: Response, bytes: number): Response {
  let left = bytes;
  const body = response.body!.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk.subarray(0, left));
        left -= chunk.length;
        // The content length promises more, so the connection is cut.
        if (left <= 0) controller.terminate();
      },
    }),
  );
  return new Response(body, { status: response.status, headers: response.headers });
}

const flip = (response: Response) =>
  new Response(
    response.body!.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => controller.enqueue(chunk.map((byte, i) => i === 7 ? byte ^ 1 : byte)),
      }),
    ),
    { status: response.status, headers: response.headers },
  );

const cases: [name: string, tamper: Tamper, codes: string[]][] = [
  ["a blob breaks off, and its rest is refused", async (r, next) => {
    if (!isBlob(r)) return await next();
    return r.headers.has("range") ? new Response("", { status: 403 }) : cut(await next(), 1_000_000);
  }, ["DENIED"]],
  ["a blob has a wrong byte", async (r, next) => isBlob(r) ? flip(await next()) : next(), ["DIGEST_MISMATCH"]],
  ["a manifest has a wrong byte", async (r, next) => r.url.includes("/manifests/") ? flip(await next()) : next(), [
    "DIGEST_MISMATCH",
  ]],
  ["a blob is gone", (r, next) => isBlob(r) ? new Response("", { status: 404 }) : next(), ["NOT_FOUND"]],
  ["the source fails", (r, next) => isBlob(r) ? new Response("", { status: 500 }) : next(), ["REGISTRY_ERROR"]],
];

for (const [name, tamper, codes] of cases) {
  Deno.test(`${name}: the push fails with ${codes.join(" or ")} and leaves no index`, async () => {
    const { list, server } = await startSource(tamper);
    await using _source = server;
    await using to = startEmbedded();
    await assert.rejects(list.push(`${to.host}/dst:1`, context), (error: Error & { code?: string }) => {
      assert.ok(codes.includes(error.code!), `${error.code}: ${error.message}`);
      return true;
    });
    assert.equal(await clientOf(to.host).repository("dst").headManifest("1"), undefined);
    assert.deepEqual(to.errors, []);
  });
}

Deno.test("after a broken download, only the rest of the blob is requested", async () => {
  const broken = new Set<string>();
  const ranges: string[] = [];
  const { list, server } = await startSource(async (request, next) => {
    const range = request.headers.get("range");
    if (range !== null) ranges.push(range);
    if (!isBlob(request) || broken.has(request.url)) return await next();
    broken.add(request.url);
    return cut(await next(), 100);
  });
  await using _source = server;
  await using to = startEmbedded();
  const retried: string[] = [];
  const onProgress = (event: { type: string; step?: string }) =>
    void (event.type === "retrying" && retried.push(event.step!));
  await list.push(`${to.host}/dst:1`, { ...context, onProgress });
  assert.ok(ranges.length >= 3);
  assert.ok(ranges.every((range) => range === "bytes=100-"));
  assert.deepEqual(retried, []);
  assert.deepEqual((await clientOf(to.host).repository("dst").getManifest("1")).bytes, list.serialize());
});

Deno.test("if the destination refuses the index, the registry's error is reported and no other format is tried", async () => {
  const { list, server } = await startSource((_, next) => next());
  await using _source = server;
  const registry = createRegistry({ storage: createMemoryStorage() });
  let refusals = 0;
  await using to = tampered(registry, (request, next) => {
    if (request.method !== "PUT" || !request.url.endsWith("/manifests/1")) return next();
    refusals++;
    return new Response('{"errors":[{"code":"DENIED","message":"quota"}]}', { status: 403 });
  });
  await assert.rejects(list.push(`${to.host}/dst:1`, context), { code: "DENIED", message: /quota/ });
  assert.equal(refusals, 1);
});

Deno.test("an index upload that fails once for a transient reason is repeated unchanged", async () => {
  const { list, server } = await startSource((_, next) => next());
  await using _source = server;
  const registry = createRegistry({ storage: createMemoryStorage() });
  let failures = 0;
  await using to = tampered(registry, (request, next) => {
    const index = request.method === "PUT" && request.url.endsWith("/manifests/1");
    return index && failures++ === 0 ? new Response("", { status: 429, headers: { "retry-after": "0" } }) : next();
  });
  list.setAnnotations(undefined, { keep: "me" });
  await list.push(`${to.host}/dst:1`, context);
  assert.deepEqual((await clientOf(to.host).repository("dst").getManifest("1")).bytes, list.serialize());
});

Deno.test("an aborted push rejects with the signal's reason, stops and leaves no index", async () => {
  const { list, server } = await startSource((_, next) => next());
  await using _source = server;
  await using to = startEmbedded();
  const abort = new AbortController();
  const reason = new Error("stop");
  const onProgress = (event: { type: string }) => void (event.type === "blob-progress" && abort.abort(reason));
  const pushing = list.push(`${to.host}/dst:1`, { ...context, onProgress, signal: abort.signal });
  await assert.rejects(pushing, (error) => error === reason);
  assert.equal(await clientOf(to.host).repository("dst").headManifest("1"), undefined);
});

Deno.test("a registry that disappears during a push is a NETWORK error", async () => {
  const { list, server } = await startSource((_, next) => next());
  await using _source = server;
  // A process of its own, so that it can be killed with its connections open.
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  const mod = new URL("../../src/server/room.ts", import.meta.url).href;
  await Deno.writeTextFile(
    script,
    `import { createMemoryStorage, createRegistry } from "${mod}";
    const { fetch } = createRegistry({ storage: createMemoryStorage() });
    Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) }, fetch);`,
  );
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = ["run", "-A", "--config", config, script];
  const process = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const output = process.stdout.getReader();
  const port = new TextDecoder().decode((await output.read()).value).trim();
  let killed = false;
  const onProgress = (event: { type: string }) => {
    if (event.type === "blob-started" && !killed) process.kill("SIGKILL");
    killed ||= event.type === "blob-started";
  };
  await assert.rejects(list.push(`127.0.0.1:${port}/dst:1`, { ...context, onProgress }), { code: "NETWORK" });
  await output.cancel();
  await process.status;
  await Deno.remove(script);
});

peerTest(
  "an upload is resumed after its connection breaks, without a retry of the step",
  ["docker-registry"],
  async () => {
    await using registry = await startDockerRegistry();
    const { list, server } = await startSource((_, forward) => forward());
    await using _source = server;
    let left = 2;
    const fault = { way: "up", after: 1_000_000, then: "close" } as const;
    await using relay = startRelay(registry.host, (line) => /^PATCH /.test(line) && left-- > 0 ? fault : undefined);
    const events: string[] = [];
    const onProgress = ({ type }: CopyEvent) => void events.push(type);
    const { digest } = await list.push(`${relay.host}/app:1`, { ...context, maxRetries: 0, onProgress });
    assert.equal(relay.faults, 2);
    assert.ok(!events.includes("retrying"));
    assert.equal((await clientOf(registry.host).repository("app").headManifest("1"))?.digest, digest);
  },
);
