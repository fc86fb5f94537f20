/** Edits of one index in a registry: what changes nothing is not written, and what others write is kept. */
import assert from "node:assert/strict";
import { editRemoteList, readList, tagImage } from "../../mod.ts";
import { type Fetch, RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { type Digest, digestOf, MEDIA_TYPES, parsePlatform, ZSTD_ANNOTATION } from "../../src/spec/room.ts";
import { annotateIndex, appendToIndex, type PushResult, removeFromIndex, retag } from "../../src/system/remote/mod.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";

const HOST = "registry.example";
const TARGET = `${HOST}/app:1`;
const ARCHITECTURES = ["amd64", "arm64", "s390x", "riscv64", "ppc64le", "mips64"];

/** Answers a write of the tag `1` instead of the registry. */
type Tamper = (request: Request, forward: Fetch) => Promise<Response>;

/** A registry without conditional requests. */
const unconditional: Tamper = (request, forward) => {
  for (const header of ["if-match", "if-none-match"]) request.headers.delete(header);
  return forward(request);
};

/** A registry with images that are tagged by their architecture, and an index of two, in bytes that we never write. */
async function makeWorld(tamper: Tamper = (request, forward) => forward(request)) {
  const registry = createRegistry({ storage: createMemoryStorage() });
  const repository = new RegistryClient(HOST, { fetch: registry.fetch }).repository("app");
  const digests = new Map<string, Digest>();
  for (const architecture of ARCHITECTURES) {
    digests.set(architecture, await pushImage(repository, makeImage({ architecture }), architecture));
  }
  const entry = (architecture: string) => ({
    platform: { architecture, os: "linux" },
    ...describe(MEDIA_TYPES.ociManifest, makeImage({ architecture }).manifest),
    "com.example.unknown": true,
  });
  const index = {
    schemaVersion: 2,
    annotations: { team: "release" },
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: [entry("amd64"), { ...entry("arm64"), annotations: { tested: "yes" } }],
  };
  const odd = encode(JSON.stringify(index, undefined, 3));
  await repository.putManifest("1", odd);
  const requests: string[] = [];
  /** Opens a context with its own connections and tokens, as another process would have. */
  const open = () => ({
    fetch: async (request: Request) => {
      requests.push(`${request.method} ${new URL(request.url).pathname}`);
      const isTag = request.method === "PUT" && request.url.endsWith("/manifests/1");
      return await (isTag ? tamper(request, registry.fetch) : registry.fetch(request));
    },
  });
  const platforms = async () => {
    const { manifests } = JSON.parse(new TextDecoder().decode((await repository.getManifest("1")).bytes));
    return manifests.map(({ platform }: { platform: { architecture: string } }) => platform.architecture).sort();
  };
  return { repository, requests, open, platforms, digests, odd, systemContext: open() };
}

type World = Awaited<ReturnType<typeof makeWorld>>;

const unchanged: [name: string, edit: (world: World) => Promise<{ digest: string; unchanged?: true | undefined }>][] = [
  ["removeFromIndex() of nothing", ({ systemContext }) => removeFromIndex(TARGET, [], { systemContext })],
  ["appendToIndex() of nothing", ({ systemContext }) => appendToIndex(TARGET, [], { systemContext })],
  [
    "appendToIndex() of an image that is there",
    ({ systemContext }) => appendToIndex(TARGET, [`${HOST}/app:amd64`], { systemContext }),
  ],
  [
    "annotateIndex() with what the index says already",
    ({ systemContext }) => annotateIndex(TARGET, { annotations: { team: "release" } }, { systemContext }),
  ],
  [
    "annotateIndex() with what an instance says already",
    ({ systemContext }) =>
      annotateIndex(TARGET, { instance: "linux/arm64", annotations: { tested: "yes" } }, { systemContext }),
  ],
  ["editRemoteList() that does nothing", ({ systemContext }) => editRemoteList(TARGET, () => {}, { systemContext })],
  [
    "editRemoteList() that undoes what it did",
    ({ systemContext }) =>
      editRemoteList(TARGET, (list) => {
        const digest = list.instances()[0]!;
        list.setOs(digest, "windows");
        list.setOs(digest, "linux");
      }, { systemContext }),
  ],
  ["a push of the list that was read", async ({ systemContext }) => {
    const { list } = await readList(TARGET, { systemContext });
    list.setAnnotations(undefined, { team: "release" });
    return await list.push(TARGET, { systemContext });
  }],
  ["… under the condition that nobody has changed it", async ({ systemContext }) => {
    const { list, digest } = await readList(TARGET, { systemContext });
    return await list.push(TARGET, { systemContext, ifMatch: digest, imageListSelection: "specific" });
  }],
];

for (const [name, edit] of unchanged) {
  Deno.test(`an edit that changes nothing is not written: ${name}`, async () => {
    const world = await makeWorld();
    const result = await edit(world);
    assert.deepEqual([result.digest, result.unchanged], [digestOf(world.odd), true]);
    assert.deepEqual(world.requests.filter((request) => request.startsWith("PUT")), []);
    assert.deepEqual((await world.repository.getManifest("1")).bytes, world.odd);
  });
}

Deno.test("a tag that means the image already is not written; others are", async () => {
  const { requests, systemContext, repository, odd } = await makeWorld();
  await repository.putManifest("2", odd);
  for (const tag of [retag, tagImage]) {
    assert.equal(await tag(TARGET, ["2", "1"], { systemContext }), digestOf(odd));
    assert.deepEqual(requests.filter((request) => request.startsWith("PUT")), []);
  }
  await retag(`${HOST}/app:amd64`, ["2"], { systemContext });
  assert.equal((await repository.headManifest("2"))?.digest, (await repository.headManifest("amd64"))?.digest);
});

Deno.test("a tag that another writer moves at the same time is a conflict", async () => {
  let others = 0;
  const world = await makeWorld(async (request, forward) => {
    if (others++ > 0) return await forward(request);
    await world.repository.putManifest("1", makeImage({ architecture: "mips64" }).manifest);
    return await forward(request);
  });
  await assert.rejects(retag(`${HOST}/app:amd64`, ["1"], { systemContext: world.systemContext }), { code: "CONFLICT" });
  assert.equal((await world.repository.headManifest("1"))?.digest, world.digests.get("mips64"));
});

Deno.test("an edit that only moves instances is written", async () => {
  const { systemContext, repository, digests } = await makeWorld();
  const { unchanged } = await editRemoteList(TARGET, (list) => {
    const [first] = list.instances();
    const [size, mediaType, platform] = [makeImage({ architecture: "amd64" }).manifest.length, list.mediaType(first!), {
      os: "linux",
      architecture: "amd64",
    }];
    list.addInstance({ digest: first!, size, mediaType, platform });
  }, { systemContext });
  const { manifests } = JSON.parse(new TextDecoder().decode((await repository.getManifest("1")).bytes));
  const order = manifests.map(({ digest }: { digest: string }) => digest);
  assert.deepEqual([unchanged, order], [undefined, [digests.get("arm64"), digests.get("amd64")]]);
});

Deno.test("an index that lost its last instance is still an OCI index", async () => {
  const { systemContext } = await makeWorld();
  const { mediaType } = await removeFromIndex(TARGET, ["linux/amd64", "linux/arm64"], { systemContext });
  assert.equal(mediaType, MEDIA_TYPES.ociIndex);
});

for (const [name, tamper] of [["with", undefined], ["without", unconditional]] as const) {
  Deno.test(`edits of all kinds at the same time are kept by a registry ${name} conditional requests`, async () => {
    const world = await makeWorld(tamper);
    const edits = ARCHITECTURES.slice(2).map((architecture) => () =>
      appendToIndex(TARGET, [`${HOST}/app:${architecture}`], { systemContext: world.open() })
    );
    await Promise.all([
      ...edits.map((edit) => edit()),
      removeFromIndex(TARGET, ["linux/amd64"], { systemContext: world.open() }),
      annotateIndex(TARGET, { annotations: { by: "me" } }, { systemContext: world.open() }),
      annotateIndex(TARGET, { instance: "linux/arm64", annotations: { by: "you" } }, { systemContext: world.open() }),
      editRemoteList(TARGET, (list) => list.setArtifactType(undefined, "application/x"), {
        systemContext: world.open(),
      }),
    ]);
    assert.deepEqual(await world.platforms(), ARCHITECTURES.slice(1).sort());
    const index = JSON.parse(new TextDecoder().decode((await world.repository.getManifest("1")).bytes));
    assert.deepEqual([index.annotations, index.artifactType], [{ by: "me", team: "release" }, "application/x"]);
    const arm64 = index.manifests.find(({ digest }: { digest: string }) => digest === world.digests.get("arm64"));
    assert.deepEqual(arm64.annotations, { by: "you", tested: "yes" });
  });
}

Deno.test("two writers can remove the same instance at the same time without an error", async () => {
  const world = await makeWorld();
  const remove = (...instances: string[]) => removeFromIndex(TARGET, instances, { systemContext: world.open() });
  await appendToIndex(TARGET, [`${HOST}/app:s390x`], { systemContext: world.systemContext });
  await Promise.all([remove("linux/amd64", "linux/arm64"), remove("linux/arm64", "linux/s390x")]);
  assert.deepEqual(await world.platforms(), []);
});

const builtOn: [name: string, size: number, edit: (systemContext: { fetch: Fetch }) => Promise<PushResult>][] = [
  ["an image appended", 3, (systemContext) => appendToIndex(TARGET, [`${HOST}/app:s390x`], { systemContext })],
  [
    "an instance removed",
    1,
    (systemContext) =>
      editRemoteList(TARGET, (list) => list.remove(list.instancesFor(parsePlatform("linux/amd64"))[0]!), {
        systemContext,
      }),
  ],
];

for (const [name, size, edit] of builtOn) {
  Deno.test(`an index that another writer built on ours is not written again: ${name}`, async () => {
    let writes = 0;
    const world = await makeWorld(async (request, forward) => {
      writes++;
      const response = await unconditional(request, forward);
      if (writes === 1) await annotateIndex(TARGET, { annotations: { by: "other" } }, { systemContext: world.open() });
      return response;
    });
    const { digest, instances, unchanged } = await edit(world.systemContext);
    assert.deepEqual([writes, instances.size, unchanged], [2, size, undefined]);
    assert.equal(digest, (await world.repository.headManifest("1"))?.digest);
  });
}

Deno.test("an immutable tag is not a race: the registry's own text ends the edit", async () => {
  const message = "configured as immutable, cannot be updated";
  const world = await makeWorld(() =>
    Promise.resolve(Response.json({ errors: [{ code: "PRECONDITION", message }] }, { status: 412 }))
  );
  const appending = appendToIndex(TARGET, [`${HOST}/app:s390x`], { systemContext: world.systemContext });
  await assert.rejects(appending, { code: "DENIED", message: new RegExp(message) });
  assert.equal(world.requests.filter((request) => request.startsWith("PUT")).length, 1);
});

Deno.test("the index and the images that are added to it are read at the same time", async () => {
  const world = await makeWorld();
  const { fetch } = world.systemContext;
  const reading = Promise.withResolvers<void>();
  const isImage = ({ url }: Request) => url.endsWith("/manifests/s390x");
  // The index arrives only after the image was asked for.
  const systemContext = {
    fetch: async (request: Request) => {
      if (isImage(request)) reading.resolve();
      if (request.method === "GET" && request.url.endsWith("/manifests/1")) await reading.promise;
      return await fetch(request);
    },
  };
  await appendToIndex(TARGET, [`${HOST}/app:s390x`], { systemContext });
  assert.deepEqual(await world.platforms(), ["amd64", "arm64", "s390x"]);
  const [ping, ...requests] = world.requests.map((request) => request.replace(/sha256:.*/, "DIGEST"));
  assert.equal(ping, "GET /v2/");
  assert.deepEqual(requests.slice(0, 2).sort(), ["GET /v2/app/manifests/1", "GET /v2/app/manifests/s390x"]);
  assert.deepEqual(requests.slice(2), [
    "GET /v2/app/blobs/DIGEST",
    "HEAD /v2/app/manifests/1",
    "PUT /v2/app/manifests/1",
    "HEAD /v2/app/manifests/1",
  ]);
});

Deno.test("if the index cannot be read, the images to add are not read further", async () => {
  const world = await makeWorld();
  const { fetch } = world.systemContext;
  const systemContext = {
    fetch: async (request: Request) => {
      if (!request.url.endsWith("/manifests/s390x")) return await fetch(request);
      await new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));
      throw new Error("never reached");
    },
  };
  const appending = appendToIndex(`${HOST}/app:none`, [`${HOST}/app:s390x`], { systemContext });
  await assert.rejects(appending, { code: "NOT_FOUND", message: /Cannot edit .*app:none: the list does not exist/ });
});

Deno.test("a writer that loses every race reports CONFLICT", async () => {
  let round = 0;
  const world = await makeWorld(async (request, forward) => {
    const annotations = { round: `${round++}` };
    const other = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], annotations });
    const response = await unconditional(request, forward);
    await world.repository.putManifest("1", other);
    return response;
  });
  const options = { systemContext: world.systemContext, maxAttempts: 3 };
  await assert.rejects(appendToIndex(TARGET, [`${HOST}/app:s390x`], options), { code: "CONFLICT" });
  assert.equal(round, 3);
});

Deno.test("an image that is added again keeps the annotation of entries with zstd layers", async () => {
  const { repository, requests, systemContext } = await makeWorld();
  const { manifest } = makeImage({ architecture: "amd64" });
  const entry = {
    ...describe(MEDIA_TYPES.ociManifest, manifest),
    platform: { architecture: "amd64", os: "linux" },
    annotations: { [ZSTD_ANNOTATION]: "true" },
  };
  await repository.putManifest("1", encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry] }));
  const { unchanged } = await appendToIndex(TARGET, [`${HOST}/app:amd64`], { systemContext });
  assert.equal(unchanged, true);
  assert.deepEqual(requests.filter((request) => request.startsWith("PUT")), []);
});
