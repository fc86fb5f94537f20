import assert from "node:assert/strict";
import {
  type CopyEvent,
  create,
  createMemoryStore,
  fetchManifest,
  List,
  loadFromImage,
  MEDIA_TYPES,
  verify,
} from "../../mod.ts";
import { createPolicy, generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { spy } from "@std/testing/mock";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { clientOf, encode, makeImage, pushImage, pushPlatforms } from "../support/images.ts";
import { serve, startEmbedded } from "../support/registries.ts";

const systemContext = { dockerInsecureSkipTlsVerify: true };
const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64", variant: "v8" }, { architecture: "s390x" }];

async function listOf(host: string, path = "src"): Promise<List> {
  await pushPlatforms(host, path, PLATFORMS);
  const list = create();
  for (const { architecture, variant } of PLATFORMS) {
    await list.add(`${host}/${path}:${architecture}${variant ?? ""}`, { systemContext });
  }
  return list;
}

Deno.test("push() to another registry copies everything and returns the digests at the destination", async () => {
  await using from = startEmbedded();
  await using to = startEmbedded();
  const list = await listOf(from.host);
  const onProgress = spy((_event: CopyEvent) => {});
  const result = await list.push(`docker://${to.host}/dst:1`, { systemContext, onProgress });
  const events = onProgress.calls.map(({ args }) => args[0]);
  const repository = clientOf(to.host).repository("dst");
  const pushed = await repository.getManifest("1");
  assert.deepEqual(pushed.bytes, list.serialize());
  assert.deepEqual(result, {
    digest: pushed.digest,
    reference: `${to.host}/dst@${pushed.digest}`,
    mediaType: MEDIA_TYPES.ociIndex,
    instances: new Map(list.instances().map((digest) => [digest, digest])),
  });
  for (const digest of list.instances()) assert.equal((await repository.getManifest(digest)).digest, digest);
  assert.equal(events[0]!.type, "planned");
  assert.deepEqual(events.at(-1), { type: "manifest-done", digest: pushed.digest, top: true });
  assert.equal(events.filter((e) => e.type === "blob-done" && e.outcome === "written").length, 6);
});

Deno.test("a second push moves nothing, and a push within one registry mounts", async () => {
  await using registry = startEmbedded();
  await using to = startEmbedded();
  const list = await listOf(registry.host);
  const outcomes = async (destination: string) => {
    const outcomes: string[] = [];
    const onProgress = (e: CopyEvent) => void (e.type === "blob-done" && outcomes.push(e.outcome));
    await list.push(destination, { systemContext, onProgress });
    return [...new Set(outcomes)];
  };
  assert.deepEqual(await outcomes(`${registry.host}/dst:1`), ["mounted"]);
  assert.deepEqual(await outcomes(`${to.host}/dst:1`), ["written"]);
  assert.deepEqual(await outcomes(`${to.host}/dst:2`), ["reused"]);
});

Deno.test("a blob that several instances share moves once", async () => {
  await using from = startEmbedded();
  const storage = createMemoryStorage();
  const uploads: string[] = [];
  const registry = createRegistry({ storage });
  await using to = serve((request) => {
    if (request.method === "POST") uploads.push(request.url);
    return registry.fetch(request);
  });
  const shared = encode("the same layer in each");
  const repository = clientOf(from.host).repository("src");
  const list = create();
  for (const { architecture } of PLATFORMS) {
    await pushImage(repository, makeImage({ architecture, layers: [shared] }), architecture);
    await list.add(`${from.host}/src:${architecture}`, { systemContext });
  }
  await list.push(`${to.host}/dst:1`, { systemContext });
  assert.equal(uploads.length, 1 + PLATFORMS.length);
});

Deno.test("selections: system writes one image, specific an index of which not all is there", async () => {
  await using from = startEmbedded();
  await using to = startEmbedded();
  const list = await listOf(from.host);
  const [amd64, arm64] = list.instances();
  const context = { ...systemContext, architectureChoice: "arm64", osChoice: "linux" };
  const one = await list.push(`${to.host}/one:1`, { systemContext: context, imageListSelection: "system" });
  assert.deepEqual([one.digest, one.mediaType, [...one.instances.keys()]], [arm64, MEDIA_TYPES.ociManifest, [arm64]]);
  assert.equal((await clientOf(to.host).repository("one").getManifest("1")).digest, arm64);
  const sparse = list.push(`${to.host}/some:1`, {
    systemContext,
    imageListSelection: "specific",
    instances: [amd64!],
  });
  // This registry, like most, rejects an index whose instances are missing.
  await assert.rejects(sparse, { code: "MANIFEST_REJECTED" });
  assert.equal((await clientOf(to.host).repository("some").getManifest(amd64!)).digest, amd64);
  const unknown = { systemContext, imageListSelection: "specific" as const, instances: [`sha256:${"0".repeat(64)}`] };
  await assert.rejects(list.push(`${to.host}/x:1`, unknown), { code: "INSTANCE_NOT_FOUND" });
});

Deno.test("the bytes that were loaded are the bytes that are pushed, whatever Go would write", async () => {
  await using registry = startEmbedded();
  const list = await listOf(registry.host);
  const spaced = new TextEncoder().encode(
    JSON.stringify({ ...JSON.parse(new TextDecoder().decode(list.serialize())), "x-unknown": 1 }, null, 2),
  );
  await using store = createMemoryStore();
  const id = await list.saveToImage(store);
  await store.writeBigData(id, [{ key: "manifest", bytes: spaced }]);
  const loaded = (await loadFromImage(store, id)).list;
  await loaded.push(`${registry.host}/dst:1`, { store, systemContext });
  assert.deepEqual((await clientOf(registry.host).repository("dst").getManifest("1")).bytes, spaced);
  loaded.setAnnotations(undefined, { a: "b" });
  await loaded.push(`${registry.host}/dst:2`, { store, systemContext });
  assert.deepEqual((await clientOf(registry.host).repository("dst").getManifest("2")).bytes, loaded.serialize());
});

Deno.test("a digest destination takes exactly the list with that digest", async () => {
  await using registry = startEmbedded();
  const list = await listOf(registry.host);
  const { digest } = await list.push(`${registry.host}/a:1`, { systemContext });
  await list.push(`${registry.host}/b@${digest}`, { systemContext });
  assert.equal((await clientOf(registry.host).repository("b").getManifest(digest)).digest, digest);
  list.setAnnotations(undefined, { changed: "1" });
  await assert.rejects(list.push(`${registry.host}/b@${digest}`, { systemContext }), { code: "DIGEST_MISMATCH" });
});

Deno.test("reportWriter receives podman's lines", async () => {
  await using registry = startEmbedded();
  const list = await listOf(registry.host);
  let report = "";
  await list.push(`${registry.host}/dst:1`, { systemContext, reportWriter: { write: (text) => (report += text) } });
  const lines = report.replace(/sha256:[0-9a-f]{64}/g, "D").trimEnd().split("\n");
  const image = (i: number) => [
    `Copying image D (${i}/3)`,
    "Getting image source signatures",
    "Copying blob D",
    "Copying config D",
  ];
  assert.deepEqual(lines, [
    "Getting image list signatures",
    "Copying 3 images generated from 3 images in list",
    ...image(1),
    ...image(2),
    ...image(3),
    // Images move at the same time; each manifest follows the blobs of its image.
    ...Array(3).fill("Writing manifest to image destination"),
    "Writing manifest list to image destination",
    "Storing list signatures",
  ]);
});

Deno.test("a filter may replace the source, a listener may throw, an unknown option may not pass", async () => {
  await using registry = startEmbedded();
  const list = await listOf(registry.host);
  const other = await listOf(registry.host, "other");
  const result = await list.push(`${registry.host}/dst:1`, {
    systemContext,
    sourceFilter: () => other.reference(),
    onProgress: () => {
      throw new Error("bad listener");
    },
  });
  assert.deepEqual([...result.instances.keys()], other.instances());
  const odd = { systemContext, signBy: "ABCD" };
  await assert.rejects(list.push(`${registry.host}/dst:1`, odd), TypeError);
  await assert.rejects(list.push(`${registry.host}/x:1`, { systemContext, instances: list.instances() }), TypeError);
  await assert.rejects(list.push("UPPER", { systemContext }), { code: "INVALID_REFERENCE" });
  await assert.rejects(list.push(`${registry.host}/x:1`, { systemContext, maxRetries: -1 }), RangeError);
  await assert.rejects(list.push(`${registry.host}/x:1`, { systemContext, maxParallelTransfers: 0 }), RangeError);
});

Deno.test("a failed push says why, and the destination has no index", async () => {
  await using registry = startEmbedded();
  const list = await listOf(registry.host);
  await using store = createMemoryStore();
  assert.throws(() => list.reference(store), {
    name: "ListImageUnknownError",
    code: "LIST_IMAGE_UNKNOWN",
    image: undefined,
  });
  await assert.rejects(list.push(`${registry.host}/x:1`, { systemContext, store }), { code: "LIST_IMAGE_UNKNOWN" });
  const foreign = List.fromBlob(list.serialize());
  await assert.rejects(foreign.push(`${registry.host}/x:1`, { systemContext }), { code: "INSTANCE_NOT_FOUND" });
  await clientOf(registry.host).repository("src").deleteManifest(list.instances()[1]!);
  await assert.rejects(list.push(`${registry.host}/x:1`, { systemContext }), {
    code: "NOT_FOUND",
    message: /no longer found at docker:/,
  });
  assert.equal(await clientOf(registry.host).repository("x").headManifest("1"), undefined);
});

Deno.test("a conditional push fails with CONFLICT if another writer changed the tag, and writes nothing", async () => {
  const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
  const target = "registry.example/app:1";
  const list = create();
  await list.addArtifact([], { artifactType: "application/vnd.example" });
  const first = await list.push(target, { systemContext, ifMatch: null });
  list.setAnnotations(undefined, { second: "yes" });
  await assert.rejects(list.push(target, { systemContext, ifMatch: null }), { code: "CONFLICT" });
  const other = `sha256:${"0".repeat(64)}`;
  await assert.rejects(list.push(target, { systemContext, ifMatch: other }), { code: "CONFLICT" });
  assert.equal(digestOf((await fetchManifest(target, { systemContext })).bytes), first.digest);
  const second = await list.push(target, { systemContext, ifMatch: first.digest });
  assert.equal(digestOf((await fetchManifest(target, { systemContext })).bytes), second.digest);
  await assert.rejects(list.push("dir:anywhere", { systemContext, ifMatch: null }), TypeError);
});

for (const conditional of [true, false]) {
  const registries = conditional ? "supports conditions" : "ignores conditions";
  Deno.test(`a conditional push whose response is lost succeeds and signs: the registry ${registries}`, async () => {
    const { fetch: inner } = createRegistry({ storage: createMemoryStorage() });
    let lost = 0;
    const fetch = async (request: Request) => {
      if (!conditional) { for (const name of ["if-match", "if-none-match"]) request.headers.delete(name); }
      const isTag = request.method === "PUT" && request.url.endsWith("/manifests/1");
      const response = await inner(request);
      if (isTag && lost++ === 0) throw new TypeError("connection reset");
      return response;
    };
    const passphrase = encode("pw");
    const { privateKey, publicKey } = await generateSigstoreKeyPair(passphrase);
    await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
    const systemContext = { fetch, dockerUseSigstoreAttachments: true };
    const target = "registry.example/app:1";
    const options = { systemContext, signers: [signer], ifMatch: null, retryDelay: 0 };
    const { digest } = await create().push(target, options);
    assert.equal(lost, 1);
    const policy = createPolicy({ default: [{ type: "sigstoreSigned", keyData: btoa(publicKey) }] });
    const verdict = await verify(target, { policy, systemContext });
    assert.deepEqual([verdict.digest, verdict.allowed], [digest, true]);
    // Only what was tried before: another push of the same meets a tag that is there.
    await assert.rejects(create().push(target, options), { code: "CONFLICT" });
  });
}
