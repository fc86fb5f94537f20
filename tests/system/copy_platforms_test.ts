/** Copies of the images of a list for some platforms. */
import assert from "node:assert/strict";
import { copyImage, create, createMemoryStore, type ImageReference, parseImageName } from "../../mod.ts";
import { readImageConfig, readManifest } from "../../src/image/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { getEntries, isAttestation, isIndex, MEDIA_TYPES, parsePlatform, type Platform } from "../../src/spec/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

const OPTIONS = { systemContext: { dockerInsecureSkipTlsVerify: true }, signaturePolicy: acceptAnything };
const PLATFORMS = ["linux/amd64", "linux/arm64/v8"];

/** A registry with `app:1`, an index of two platforms with attestations, and the same list in a local store. */
async function startWithList() {
  const registry = startEmbedded();
  const pushed = await pushBuildKit(clientOf(registry.host).repository("app"), "1", PLATFORMS.map(parsePlatform));
  const image = `docker://${registry.host}/app:1`;
  const list = create();
  await list.add(image, { all: true, ...OPTIONS });
  const store = createMemoryStore();
  await list.saveToImage(store, { names: ["app"] });
  return { registry, ...pushed, image, stored: list.reference(store) };
}

/** Returns the platform of the image at a place, or of each image of the list there. */
async function readPlatforms(place: string): Promise<Platform[]> {
  await using source = await parseImageName(place).openSource();
  const { manifest } = await readManifest(source);
  if (!isIndex(manifest)) return [(await readImageConfig(source, manifest.config!, {})).platform];
  return getEntries(manifest).flatMap((entry) => isAttestation(entry) || !entry.platform ? [] : [entry.platform]);
}

folderTest("a list from a registry and a local list are narrowed for every kind of place", async (folder) => {
  const { registry, image, stored } = await startWithList();
  await using _registry = registry;
  const arm64 = [parsePlatform("linux/arm64/v8")];
  for (const [i, source] of ([image, stored] as (string | ImageReference)[]).entries()) {
    // Archives of Docker take the image, other places a list of it.
    for (const place of ["docker-archive", "oci-archive", "dir", "oci"]) {
      const target = `${place}:${folder}/${i}-${place}`;
      await copyImage(source, target, { ...OPTIONS, platforms: ["linux/arm64"] });
      assert.deepEqual(await readPlatforms(target), arm64, target);
    }
    const daemon = Deno.serve({ path: `${folder}/${i}.sock`, onListen: () => {} }, async (request) => {
      if (request.method === "HEAD") return new Response(null, { headers: { "api-version": "1.41" } });
      await Deno.writeFile(`${folder}/${i}.tar`, request.body!);
      return new Response('{"stream":"Loaded"}\n');
    });
    const systemContext = { ...OPTIONS.systemContext, dockerDaemonHost: `unix://${folder}/${i}.sock` };
    await copyImage(source, "docker-daemon:app:1", { ...OPTIONS, systemContext, platforms: ["linux/arm64"] });
    await daemon.shutdown();
    assert.deepEqual(await readPlatforms(`docker-archive:${folder}/${i}.tar`), arm64);
    // Without platforms, it is the image for the host, which the context can override.
    const asHost = { ...OPTIONS.systemContext, osChoice: "linux", architectureChoice: "amd64" };
    await copyImage(source, `docker-archive:${folder}/${i}-host`, { ...OPTIONS, systemContext: asHost });
    assert.deepEqual(await readPlatforms(`docker-archive:${folder}/${i}-host`), [parsePlatform("linux/amd64")]);
  }
  const both = copyImage(image, `docker-archive:${folder}/both`, { ...OPTIONS, platforms: PLATFORMS });
  await assert.rejects(both, { code: "MANIFEST_TYPE_NOT_SUPPORTED", message: /copy --platform\)$/ });
});

folderTest("the policy for a list also applies to a copy of some of its images", async (folder) => {
  const { registry, image, digest } = await startWithList();
  await using _registry = registry;
  const write = async (name: string, policy: unknown) => {
    await Deno.writeTextFile(`${folder}/${name}`, JSON.stringify(policy));
    return { ...OPTIONS.systemContext, signaturePolicyPath: `${folder}/${name}` };
  };
  const reject = [{ type: "reject" }], accept = [{ type: "insecureAcceptAnything" }];
  const rejecting = await write("reject", { default: accept, transports: { docker: { [registry.host]: reject } } });
  const accepting = await write("accept", { default: reject, transports: { docker: { [registry.host]: accept } } });
  const pinned = `${image.slice(0, -":1".length)}@${digest}`;
  for (const source of [image, pinned]) {
    for (const options of [{ platforms: ["linux/amd64"] }, { attestations: false }]) {
      const copy = (systemContext: object) => copyImage(source, `dir:${folder}/image`, { systemContext, ...options });
      await assert.rejects(copy(rejecting), { code: "POLICY_REJECTED" });
      await copy(accepting);
    }
  }
});

folderTest("a list that is narrowed keeps its type", async (folder) => {
  const { registry, image } = await startWithList();
  await using _registry = registry;
  const docker = `docker://${registry.host}/docker:1`;
  await copyImage(image, docker, { ...OPTIONS, manifestType: MEDIA_TYPES.dockerManifest, attestations: false });
  for (const [source, mediaType] of [[docker, MEDIA_TYPES.dockerList], [image, MEDIA_TYPES.ociIndex]] as const) {
    const copied = await copyImage(source, `dir:${folder}/list`, { ...OPTIONS, platforms: ["linux/amd64"] });
    assert.equal(copied.mediaType, mediaType);
  }
});

folderTest("a single image is copied if it is for the platform", async (folder) => {
  const { registry, image, images } = await startWithList();
  await using _registry = registry;
  const single = `${image.slice(0, -":1".length)}@${images[0]}`;
  for (const target of [`dir:${folder}/dir`, `oci:${folder}/layout`]) {
    const copied = await copyImage(single, target, { ...OPTIONS, platforms: ["linux/amd64"] });
    assert.equal(copied.digest, images[0]);
  }
  await copyImage(single, `docker-archive:${folder}/archive`, { ...OPTIONS, platforms: ["linux/amd64"] });
  for (const place of ["dir", "docker-archive"]) {
    const copying = copyImage(single, `${place}:${folder}/none`, { ...OPTIONS, platforms: ["linux/arm64"] });
    await assert.rejects(copying, { code: "NO_MATCHING_PLATFORM", message: /it is one image for linux\/amd64/ });
  }
});
