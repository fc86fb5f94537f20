/** Nested indexes of hostile registries: deep ones, wide ones, and those that name each other many times. */
import assert from "node:assert/strict";
import { withChosenManifest } from "../../src/actions/room.ts";
import type { Repository } from "../../src/registry/room.ts";
import { type Descriptor, digestOf, MEDIA_TYPES, parsePlatform } from "../../src/spec/room.ts";
import { LOCAL_RUNTIME } from "../../src/system/local/room.ts";
import { inspectIndex } from "../../src/system/remote/room.ts";
import { ComposeWorld, images, ONE } from "../support/compose_world.ts";
import { describe, encode } from "../support/images.ts";

/** Stores an index of some entries under its digest, and returns its descriptor. */
async function putIndex(repository: Repository, entries: Descriptor[], name = ""): Promise<Descriptor> {
  const annotations = { name };
  const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: entries, annotations });
  await repository.putManifest(digestOf(bytes), bytes);
  return describe(MEDIA_TYPES.ociIndex, bytes);
}

/** Reads the digest of the image for `linux/amd64`. */
async function choose({ systemContext }: ComposeWorld, { digest }: Descriptor): Promise<string> {
  const options = { platform: parsePlatform("linux/amd64"), systemContext };
  return await withChosenManifest(LOCAL_RUNTIME, [`${ONE}/app@${digest}`], options, ({ digest }) => digest);
}

Deno.test("an image for a platform is found below eight indexes, and not looked for below more", async () => {
  const world = new ComposeWorld();
  await world.push(images("amd64"));
  const { digest, mediaType, size } = (await world.repository().headManifest("amd64"))!;
  let top = await putIndex(world.repository(), [
    { digest, mediaType, size, platform: parsePlatform("linux/amd64") },
  ]);
  for (let depth = 1; depth < 8; depth++) top = await putIndex(world.repository(), [top]);
  assert.equal(await choose(world, top), digest);
  await assert.rejects(choose(world, await putIndex(world.repository(), [top])), { code: "LIMIT_EXCEEDED" });
});

Deno.test("indexes that name each other many times are searched once each for a platform", async () => {
  const world = new ComposeWorld();
  let level: Descriptor[] = [];
  for (let depth = 0; depth < 8; depth++) {
    level = await Promise.all([0, 1, 2, 3].map((i) => putIndex(world.repository(), level, `${depth} ${i}`)));
  }
  const top = await putIndex(world.repository(), level);
  await assert.rejects(choose(world, top), { code: "NO_MATCHING_PLATFORM" });
  assert.equal(world.requests.filter((request) => request.includes("/manifests/")).length, 1 + 8 * 4);
});

Deno.test("a description has at most 1000 instances of nested indexes, and names the problem of the others", async () => {
  const world = new ComposeWorld();
  const empty = await Promise.all(
    Array.from({ length: 1002 }, (_, i) => putIndex(world.repository(), [], `${i}`)),
  );
  const inner = await putIndex(world.repository(), empty);
  const outer = await putIndex(world.repository(), [inner]);
  const { systemContext } = world;
  const described = await inspectIndex(`${ONE}/app@${outer.digest}`, { systemContext });
  const problems = described.instances[0]!.instances!.map(({ problem }) => problem);
  const isLimit = (problem?: string) => problem === "too many instances of nested indexes";
  assert.deepEqual([problems.length, problems.filter(isLimit).length], [1002, 2]);
});
