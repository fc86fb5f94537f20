/** Tests how trees of manifests are read and evaluated if sources are malicious. */
import assert from "node:assert/strict";
import { copyImage, create } from "../../mod.ts";
import type { Fetch } from "../../src/internal/room.ts";
import { RegistryClient, type Repository } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { acceptAnything, createPolicy, createSignaturePolicy } from "../../src/signature/room.ts";
import { type Descriptor, type Digest, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { describe, encode, makeImage, pushImage } from "../support/images.ts";

const STRICT = "strict.example", LENIENT = "lenient.example", TO = "to.example";
const [X, Y] = [makeImage({ architecture: "amd64" }), makeImage({ architecture: "arm64" })];
const entry = ({ manifest }: typeof X, architecture: string): Descriptor => ({
  ...describe(MEDIA_TYPES.ociManifest, manifest),
  platform: { os: "linux", architecture },
});

/** Creates registries in memory; `answer` can replace an answer. */
function makeWorld(
  answer: (request: Request) => Response | undefined | Promise<Response | undefined> = () => undefined,
) {
  const registries = Object.fromEntries(
    [STRICT, LENIENT, TO].map((host) => [host, createRegistry({ storage: createMemoryStorage() })]),
  );
  const inner: Fetch = (request) => registries[new URL(request.url).host]!.fetch(request);
  const fetch: Fetch = async (request) => await answer(request) ?? await inner(request);
  const repository = (host: string) => new RegistryClient(host, { fetch: inner }).repository("app");
  return { repository, systemContext: { fetch, blobInfoCacheDir: "" } };
}

async function putIndex(repository: Repository, manifests: Descriptor[], more: object = {}): Promise<Descriptor> {
  const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests, ...more });
  const descriptor = describe(MEDIA_TYPES.ociIndex, bytes);
  await repository.putManifest(descriptor.digest, bytes);
  return descriptor;
}

/** A policy that allows images of lenient.example and rejects those of strict.example. */
const POLICY = createSignaturePolicy(createPolicy({
  default: [{ type: "reject" }],
  transports: { docker: { [LENIENT]: [{ type: "insecureAcceptAnything" }] } },
}));

const names = (manifests: Descriptor[]) =>
  Response.json({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }, {
    headers: { "content-type": MEDIA_TYPES.ociIndex },
  });

Deno.test("a source cannot claim an image of another source to have it evaluated under its own name", async () => {
  for (const lies of [false, true]) {
    const claimed = Promise.withResolvers<void>();
    const world = makeWorld(async ({ url }) => {
      if (!lies || !url.includes(X.digest) && !url.includes("/referrers/")) return undefined;
      // The real source of X answers only after the other source has claimed it.
      if (url.includes(STRICT)) await claimed.promise;
      else if (url.includes("/referrers/")) return names([describe(MEDIA_TYPES.ociManifest, X.manifest)]);
      else claimed.resolve();
      return undefined;
    });
    const [strict, lenient] = [world.repository(STRICT), world.repository(LENIENT)];
    await pushImage(strict, X, "x");
    await pushImage(lenient, X, "x");
    await pushImage(lenient, Y, "y");
    const index = await putIndex(strict, [entry(X, "amd64")]);
    const outer = await putIndex(strict, [index]);
    const { systemContext } = world;
    const list = create();
    await list.add(`${LENIENT}/app:y`, { systemContext });
    await list.add(`${STRICT}/app@${outer.digest}`, { systemContext, all: true });
    const push = list.push(`${TO}/app:1`, { systemContext, referrers: true, signaturePolicy: POLICY });
    await assert.rejects(push, { code: "POLICY_REJECTED", message: /strict\.example/ });
    assert.equal(await world.repository(TO).headManifest("1"), undefined);
  }
});

Deno.test("an image that several sources name must be allowed for each of them, whichever answers first", async () => {
  for (const slow of [STRICT, LENIENT]) {
    const gate: { asked?: PromiseWithResolvers<void> } = {};
    const world = makeWorld(async ({ url }) => {
      // The slow source answers only after the other one was asked for the image.
      if (url.includes(slow)) await gate.asked?.promise;
      else if (url.includes(X.digest)) gate.asked?.resolve();
      return undefined;
    });
    const { systemContext } = world;
    const list = create();
    for (const host of [STRICT, LENIENT]) {
      const repository = world.repository(host);
      await pushImage(repository, X, "x");
      const index = await putIndex(repository, [entry(X, "amd64")], { annotations: { host } });
      const outer = await putIndex(repository, [index], { annotations: { host } });
      await list.add(`${host}/app@${outer.digest}`, { systemContext, all: true });
    }
    gate.asked = Promise.withResolvers();
    const push = list.push(`${TO}/app:1`, { systemContext, signaturePolicy: POLICY });
    await assert.rejects(push, { code: "POLICY_REJECTED", message: /strict\.example/ }, slow);
    gate.asked.resolve();
    // If both sources are allowed, it is still one image.
    const { instances } = await list.push(`${TO}/app:1`, { systemContext, signaturePolicy: acceptAnything });
    assert.equal(instances.size, 3);
  }
});

/** Pushes two referrers of an image, the first of which names a missing part. */
async function putReferrers(repository: Repository, missing: boolean): Promise<[Digest, Digest]> {
  const subject = describe(MEDIA_TYPES.ociManifest, X.manifest);
  await pushImage(repository, X, "x");
  const shared = makeImage({ architecture: "riscv64" }), lone = makeImage({ architecture: "s390x" });
  await pushImage(repository, shared, "shared");
  await pushImage(repository, lone, "lone");
  const first = await putIndex(repository, [entry(lone, "s390x"), entry(shared, "riscv64")], { subject });
  const second = await putIndex(repository, [entry(shared, "riscv64")], { subject });
  if (missing) await repository.deleteManifest(lone.digest);
  return [first.digest, second.digest];
}

Deno.test("images that many indexes name are counted for each of them, because the policy is asked for each", async () => {
  const world = makeWorld();
  const { systemContext } = world;
  const repository = world.repository(STRICT);
  await pushImage(repository, X, "x");
  const image = JSON.parse(new TextDecoder().decode(X.manifest));
  // One index of 101 images inside of many other ones: 102 manifests for each of those, and once to read them.
  const images = await Promise.all(Array.from({ length: 101 }, async (_, i) => {
    const bytes = encode({ ...image, annotations: { number: String(i) } });
    await repository.putManifest(digestOf(bytes), bytes);
    return describe(MEDIA_TYPES.ociManifest, bytes);
  }));
  const inner = await putIndex(repository, images);
  const outer = await Promise.all(
    Array.from({ length: 98 }, (_, i) => putIndex(repository, [inner], { annotations: { number: String(i) } })),
  );
  const outline = async (count: number) => {
    const list = create();
    const top = await putIndex(repository, outer.slice(0, count));
    await list.add(`${STRICT}/app@${top.digest}`, { systemContext, all: true });
    return await list.outlinePush(`${TO}/app:1`, { systemContext, signaturePolicy: acceptAnything });
  };
  assert.equal((await outline(97)).images.length, images.length);
  await assert.rejects(outline(98), { code: "LIMIT_EXCEEDED", message: /more than 10000 manifests below it/ });
});

Deno.test("a broken referrer fails the copy instead of being dropped", async () => {
  const { repository, systemContext } = makeWorld();
  const whole = await putReferrers(repository(LENIENT), false);
  const options = { systemContext, signaturePolicy: acceptAnything, referrers: true };
  const { referrers } = await copyImage(`${LENIENT}/app:x`, `${TO}/app:1`, options);
  assert.deepEqual(new Set(referrers?.get(X.digest)), new Set(whole));
  await putReferrers(repository(STRICT), true);
  await assert.rejects(copyImage(`${STRICT}/app:x`, `${TO}/app:2`, options), { code: "NOT_FOUND" });
  assert.equal(await repository(TO).headManifest("2"), undefined);
  await copyImage(`${STRICT}/app:x`, `${TO}/app:2`, { ...options, referrers: false });
});

Deno.test("reading signatures is retried", async () => {
  let failures = 2;
  const world = makeWorld(({ url }) =>
    url.includes(LENIENT) && url.endsWith(".sig") && failures-- > 0 ? new Response("", { status: 500 }) : undefined
  );
  await pushImage(world.repository(LENIENT), X, "x");
  const systemContext = { ...world.systemContext, dockerUseSigstoreAttachments: true };
  const retried: string[] = [];
  const { digest } = await copyImage(`${LENIENT}/app:x`, `${TO}/app:1`, {
    systemContext,
    signaturePolicy: acceptAnything,
    maxRetries: 3,
    retryDelay: 0,
    onProgress: (event) => void (event.type === "retrying" && retried.push(event.step)),
  });
  assert.equal(digest, X.digest);
  assert.ok(failures < 0);
});
