/** Uploads of known size over a real connection: they are sent with a length, and no byte is cut or missing. */
import assert from "node:assert/strict";
import { toStream } from "../../src/internal/room.ts";
import { openNodeFetch } from "../../src/registry/node/room.ts";
import { type FetchHandle, putVerifiedBlob, RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Digest, digestOf, isManifestsError, UNKNOWN_SIZE } from "../../src/spec/room.ts";
import { serve } from "../support/registries.ts";

/** More than what is sent in one request from memory. */
const BLOB = new Uint8Array(3_000_000).map((_, i) => i * 7 + (i >> 10));

type Forward = (request: Request) => Promise<Response>;

/** Ways to send requests, by name. */
const CLIENTS: Record<string, () => FetchHandle> = {
  fetch: () => ({ fetch, close: () => {} }),
  "node:http": () => openNodeFetch(),
};

/** A registry behind a connection, which records the framing of each streamed request. */
function startRegistry(
  open: () => FetchHandle,
  handle: (request: Request, forward: Forward) => Promise<Response> = (request, f) => f(request),
) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const framings: string[] = [];
  const server = serve(async (request) => {
    const { method, headers } = request;
    if (method === "PATCH") framings.push(headers.get("content-length") ?? headers.get("transfer-encoding") ?? "none");
    return await handle(request, registry.fetch);
  });
  const { fetch, close } = open();
  const client = new RegistryClient(server.host, { insecure: true, timeouts: { retryDelay: 0 }, fetch });
  const dispose = async () => {
    close();
    await server[Symbol.asyncDispose]();
  };
  return { repository: client.repository("app"), framings, [Symbol.asyncDispose]: dispose };
}

async function* inPieces(bytes: Uint8Array<ArrayBuffer>) {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.slice(at, at + 65_536);
}

for (const [name, open] of Object.entries(CLIENTS)) {
  Deno.test(`a blob of known size is sent with Content-Length, another one in chunks: ${name}`, async () => {
    await using registry = startRegistry(open);
    const { repository, framings } = registry;
    const digest = digestOf(BLOB);
    await repository.putBlob({ mediaType: "m", digest, size: BLOB.length }, ReadableStream.from(inPieces(BLOB)));
    const other = BLOB.toReversed();
    const unknown = { size: UNKNOWN_SIZE, digest: () => digestOf(other) };
    await putVerifiedBlob(repository, unknown, ReadableStream.from(inPieces(other)));
    assert.deepEqual(framings, [`${BLOB.length}`, "chunked"]);
    assert.equal(await repository.headBlob(digest), BLOB.length);
    assert.equal(await repository.headBlob(digestOf(other)), BLOB.length);
  });

  Deno.test(`a resumed upload is sent with the length of the rest: ${name}`, async () => {
    let isFirst = true;
    await using registry = startRegistry(open, async (request, forward) => {
      if (!isFirst || request.method !== "PATCH") return await forward(request);
      isFirst = false;
      const reader = request.body!.getReader();
      const { value } = await reader.read();
      await forward(new Request(request.url, { method: "PATCH", body: value! }));
      await reader.cancel();
      return new Response(null, { status: 503 });
    });
    const { repository, framings } = registry;
    const digest = digestOf(BLOB);
    const reopen = (offset: number) => Promise.resolve(ReadableStream.from(inPieces(BLOB.slice(offset))));
    await repository.putBlob({ mediaType: "m", digest, size: BLOB.length }, await reopen(0), { reopen });
    const [first, rest] = framings.map(Number);
    assert.equal(framings.length, 2);
    assert.equal(first, BLOB.length);
    assert.ok(rest! > 0 && rest! < BLOB.length, `${rest}`);
    assert.equal(await repository.headBlob(digest), BLOB.length);
  });

  for (
    const [problem, bytes] of [["too long", new Uint8Array([...BLOB, 1])], ["too short", BLOB.slice(1)]] as const
  ) {
    Deno.test(`a stream that is ${problem} fails and publishes nothing: ${name}`, async () => {
      await using registry = startRegistry(open);
      const { repository } = registry;
      const published: Digest[] = [digestOf(BLOB), digestOf(bytes)];
      for (const digest of published) {
        // Not verified by the client itself, as for a blob that is compressed on the fly.
        const blob = { size: BLOB.length, digest: () => digest };
        const upload = putVerifiedBlob(repository, blob, toStream(bytes));
        await assert.rejects(upload, (error) => isManifestsError(error, "SIZE_MISMATCH"));
        assert.equal(await repository.headBlob(digest), undefined);
      }
    });
  }
}
