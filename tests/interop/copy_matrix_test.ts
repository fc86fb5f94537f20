/** Every source to every destination, in every format and compression: podman and skopeo read what we write, with the same digests. */
import assert from "node:assert/strict";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { parseImageName } from "../../mod.ts";
import { copyImageWith, type CopyOptions } from "../../src/copy/room.ts";
import { type ImageSource, readManifest, type SystemContext } from "../../src/image/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { type Digest, digestOf, getEntries, isIndex, MEDIA_TYPES, readBlob } from "../../src/spec/room.ts";
import { buildImages } from "../support/built_images.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { startEmbedded, type TestRegistry } from "../support/registries.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const TOOLS = ["skopeo", "buildah"];
const SKOPEO_COPY = ["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"];

/** Images of one content in every place from which images can come. */
interface Places extends AsyncDisposable {
  folder: string;
  registry: TestRegistry;
  /** Lists, by transport. */
  lists: Record<string, string>;
  /** Single images, by transport. */
  images: Record<string, string>;
}

async function preparePlaces(format: "oci" | "docker"): Promise<Places> {
  const folder = await Deno.makeTempDir({ prefix: "matrix-" });
  const at: TestStore = await makeStore("vfs");
  const registry = startEmbedded();
  const names = await buildImages(at, "app", { format });
  await ok(["buildah", ...at.flags, "manifest", "create", "list", ...names]);
  const list = `docker://${registry.host}/source:list`;
  await ok(["buildah", ...at.flags, "manifest", "push", "-q", "--all", "--tls-verify=false", "list", list]);
  const single = `docker://${registry.host}/source:single`;
  const stored = `containers-storage:[${at.driver}@${at.root}+${at.runRoot}]${names[0]}`;
  await ok(["buildah", ...at.flags, "push", "-q", "--tls-verify=false", names[0]!, single]);
  const lists: Record<string, string> = { docker: list };
  const images: Record<string, string> = { docker: single, "containers-storage": stored };
  for (const transport of format === "oci" ? ["oci", "oci-archive", "dir"] : ["dir"]) {
    for (const [kind, from] of [["list", list], ["single", single]] as const) {
      const suffix = transport === "dir" ? "" : ":name";
      const to = `${transport}:${folder}/${transport}-${kind}${suffix}`;
      await ok([...SKOPEO_COPY, "--all", from, to]);
      (kind === "list" ? lists : images)[transport] = to;
    }
  }
  images["docker-archive"] = `docker-archive:${folder}/docker.tar`;
  await ok([...SKOPEO_COPY, single, `docker-archive:${folder}/docker.tar:localhost/app:1`]);
  return {
    folder,
    registry,
    lists,
    images,
    async [Symbol.asyncDispose]() {
      assert.deepEqual(registry.errors, []);
      await registry[Symbol.asyncDispose]();
      await at[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const context: SystemContext = {
  blobInfoCacheDir: "",
  dockerInsecureSkipTlsVerify: true,
  architectureChoice: "amd64",
  osChoice: "linux",
};

function copy(from: string, to: string, options: Partial<CopyOptions> = {}) {
  return copyImageWith(parseImageName(from), parseImageName(to), {
    policy: acceptAnything,
    selection: "all",
    platform: { os: "linux", architecture: "amd64" },
    maxRetries: 0,
    ...options,
    systemContext: { ...context, ...options.systemContext },
  });
}

/** Every place to which images can go; a new one each time. */
function destinations({ folder, registry }: Places, name: string): Record<string, string> {
  const id = `${name}-${crypto.randomUUID().slice(0, 8)}`;
  return {
    docker: `docker://${registry.host}/target/${id}:1`,
    oci: `oci:${folder}/oci-${id}:1`,
    "oci-archive": `oci-archive:${folder}/oci-${id}.tar:1`,
    dir: `dir:${folder}/dir-${id}`,
    "docker-archive": `docker-archive:${folder}/docker-${id}.tar:localhost/app:1`,
  };
}

/** Reads an image or list with skopeo, which verifies all of it, and says what its digest is. */
async function readWithSkopeo(image: string, folder: string): Promise<string> {
  const copied = `${folder}/read-${crypto.randomUUID()}`;
  await ok([...SKOPEO_COPY, "--all", image, `dir:${copied}`]);
  await Deno.remove(copied, { recursive: true });
  const raw = await new Deno.Command("skopeo", { args: ["inspect", "--raw", "--tls-verify=false", image] }).output();
  return digestOf(raw.stdout);
}

/** Checks that the layers of every instance are what its configuration says, and lists how they are compressed. */
async function verifyContent(image: string): Promise<string[]> {
  await using source = await parseImageName(image).openSource(context);
  const { manifest } = await readManifest(source);
  const instances = isIndex(manifest) ? getEntries(manifest).map(({ digest }) => digest) : [undefined];
  const found = await Promise.all(instances.map((instance) => verifyInstance(source, instance)));
  return [...new Set(found.flat())];
}

async function verifyInstance(source: ImageSource, instance: Digest | undefined): Promise<string[]> {
  const { manifest } = await readManifest(source, { instance });
  assert.ok(!isIndex(manifest) && manifest.config);
  const config = await readBlob(await source.getBlob(manifest.config, { instance }), manifest.config, 1e6);
  const { rootfs, architecture } = JSON.parse(new TextDecoder().decode(config));
  assert.ok(["amd64", "arm64"].includes(architecture));
  const layers = await source.layersForCopy?.(manifest, { instance }) ?? manifest.layers;
  assert.equal(layers.length, rootfs.diff_ids.length);
  return await Promise.all(layers.map(async (layer, i) => {
    const bytes = await readBlob(await source.getBlob(layer, { instance }), layer, 1e8);
    const compression = bytes[0] === 0x1f ? "gzip" : bytes[0] === 0x28 ? "zstd" : "none";
    const unpack = { gzip: gunzipSync, zstd: zstdDecompressSync, none: (bytes: Uint8Array) => bytes }[compression];
    if (compression !== "zstd") assert.equal(digestOf(unpack(bytes)), rootfs.diff_ids[i]);
    return compression;
  }));
}

for (const format of ["oci", "docker"] as const) {
  peerTest(`${format} lists are copied from every transport to every transport`, TOOLS, async () => {
    await using places = await preparePlaces(format);
    for (const [source, from] of Object.entries(places.lists)) {
      for (const [destination, to] of Object.entries(destinations(places, source))) {
        if (destination === "docker-archive") {
          await assert.rejects(copy(from, to), { code: "MANIFEST_TYPE_NOT_SUPPORTED" });
          continue;
        }
        const what = `${source} to ${destination}`;
        const { digest, instances } = await copy(from, to);
        assert.equal(await readWithSkopeo(to, places.folder), digest, what);
        assert.equal(instances.size, 2);
        assert.deepEqual(await verifyContent(to), ["gzip"], what);
      }
    }
  });

  peerTest(`single ${format} images are copied from every transport to every transport`, TOOLS, async () => {
    await using places = await preparePlaces(format);
    for (const [source, from] of Object.entries(places.images)) {
      for (const [destination, to] of Object.entries(destinations(places, source))) {
        const what = `${source} to ${destination}`;
        const { digest, reference } = await copy(from, to);
        const read = await readWithSkopeo(to, places.folder);
        // An archive of Docker's has no manifest: readers make one up.
        if (destination !== "docker-archive") assert.equal(read, digest, what);
        assert.equal(reference !== undefined, destination === "docker");
        const plain = destination === "docker-archive" ||
          (destination === "dir" && ["docker-archive", "containers-storage"].includes(source));
        assert.deepEqual(await verifyContent(to), [plain ? "none" : "gzip"], what);
      }
    }
  });

  peerTest(`${format} lists converted here have the digests that skopeo's have`, TOOLS, async () => {
    await using places = await preparePlaces(format);
    for (const [name, manifestType] of [["oci", MEDIA_TYPES.ociIndex], ["v2s2", MEDIA_TYPES.dockerList]] as const) {
      const theirs = `${places.folder}/theirs-${name}`;
      await ok([...SKOPEO_COPY, "--all", "--format", name, places.lists.dir!, `dir:${theirs}`]);
      const ours = destinations(places, name).dir!;
      const { digest, mediaType } = await copy(places.lists.dir!, ours, { manifestType });
      assert.equal(await ok(["skopeo", "manifest-digest", `${theirs}/manifest.json`]), digest, name);
      assert.equal(mediaType, manifestType);
      const files = async (folder: string) =>
        (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).toSorted();
      assert.deepEqual(await files(ours.slice("dir:".length)), await files(theirs));
    }
  });
}

peerTest("layers are compressed as requested, and podman and skopeo read them", [...TOOLS, "podman"], async () => {
  await using places = await preparePlaces("oci");
  for (const compressionFormat of ["gzip", "zstd", "zstd:chunked"]) {
    for (const destination of ["docker", "oci", "dir"]) {
      const to = destinations(places, "x")[destination]!;
      const options = { forceCompressionFormat: true, systemContext: { compressionFormat, dirForceCompress: true } };
      const { digest } = await copy(places.lists.oci!, to, options);
      assert.equal(await readWithSkopeo(to, places.folder), digest);
      assert.deepEqual(await verifyContent(to), [compressionFormat === "gzip" ? "gzip" : "zstd"]);
      // The second time there is nothing left to do.
      assert.equal((await copy(places.lists.oci!, to, options)).digest, digest);
    }
  }
  // Docker's formats cannot say zstd: such layers become gzip there, wherever they go.
  const zstd = destinations(places, "zstd").oci!;
  const options = { forceCompressionFormat: true, systemContext: { compressionFormat: "zstd" } };
  await copy(places.lists.oci!, zstd, options);
  for (const destination of ["docker", "dir"]) {
    const to = destinations(places, "docker")[destination]!;
    const { digest, mediaType } = await copy(zstd, to, { manifestType: MEDIA_TYPES.dockerList });
    assert.deepEqual([await readWithSkopeo(to, places.folder), mediaType], [digest, MEDIA_TYPES.dockerList]);
    assert.deepEqual(await verifyContent(to), ["gzip"]);
  }
  await using pulled = await makeStore("vfs");
  const to = `docker://${places.registry.host}/chunked:1`;
  await copy(places.lists.oci!, to, { addCompression: ["zstd:chunked"] });
  for (const tool of ["podman", "buildah"]) {
    await ok([tool, ...pulled.flags, "pull", "-q", "--tls-verify=false", "--arch", "arm64", to]);
  }
  const name = ["buildah", ...pulled.flags, "from", "--pull-never", `${places.registry.host}/chunked:1`];
  const mounted = await ok(["buildah", ...pulled.flags, "mount", await ok(name)]);
  assert.equal(await Deno.readTextFile(`${mounted}/one`), "one\n");
});

peerTest("variants are added once, marked and in order, also if the list is pushed again", TOOLS, async () => {
  await using places = await preparePlaces("oci");
  const first = `docker://${places.registry.host}/first:1`;
  const { digest } = await copy(places.lists.docker!, first, { addCompression: ["zstd"] });
  await using source = await parseImageName(first).openSource(context);
  const { manifest } = await readManifest(source);
  assert.ok(isIndex(manifest));
  const rows = getEntries(manifest).map((entry) => [
    entry.platform?.architecture,
    "annotations" in entry ? entry.annotations : undefined,
  ]);
  const mark = { "io.github.containers.compression.zstd": "true" };
  assert.deepEqual(rows, [["amd64", undefined], ["arm64", undefined], ["amd64", mark], ["arm64", mark]]);
  const second = `docker://${places.registry.host}/second:1`;
  assert.equal((await copy(first, second, { addCompression: ["zstd", "gzip"] })).digest, digest);
  assert.equal(await readWithSkopeo(second, places.folder), digest);
});

peerTest("a zstd layer that the registry already has is not used in Docker manifests", TOOLS, async () => {
  await using places = await preparePlaces("docker");
  const cache = { systemContext: { blobInfoCacheDir: `${places.folder}/cache` } };
  const to = `docker://${places.registry.host}/target/zstd:1`;
  const first = await copy(places.lists.docker!, to, { ...cache, addCompression: ["zstd"] });
  assert.equal((await copy(places.lists.docker!, to, { ...cache, addCompression: ["zstd"] })).digest, first.digest);
  const plain = `docker://${places.registry.host}/target/plain:1`;
  await copy(places.lists.docker!, plain, cache);
  assert.deepEqual(await verifyContent(plain), ["gzip"]);
  await copy(places.images["docker-archive"]!, plain, { ...cache, manifestType: undefined });
  assert.deepEqual(await verifyContent(plain), ["gzip"]);
});

peerTest("schema 1 images are read and written as skopeo does", TOOLS, async () => {
  await using places = await preparePlaces("docker");
  const old = `dir:${places.folder}/old`;
  await ok([...SKOPEO_COPY, "--format", "v2s1", places.images.dir!, old]);
  const back = destinations(places, "back");
  for (const destination of ["docker", "oci", "dir", "docker-archive"]) {
    const { digest } = await copy(old, back[destination]!, {
      manifestType: destination === "oci" ? undefined : MEDIA_TYPES.dockerManifest,
    });
    const read = await readWithSkopeo(back[destination]!, places.folder);
    if (destination !== "docker-archive") assert.equal(read, digest, destination);
    await verifyContent(back[destination]!);
  }
  const ours = `dir:${places.folder}/ours`;
  await copy(places.images.dir!, ours, { manifestType: MEDIA_TYPES.dockerSchema1Signed });
  const { code, stderr } = await exec([...SKOPEO_COPY, "--format", "v2s2", ours, `dir:${places.folder}/again`]);
  assert.equal(code, 0, stderr);
});
