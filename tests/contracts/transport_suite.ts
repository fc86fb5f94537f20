/** Contract of transports. A transport names what it does not support, with the reason, and must reject it. */
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { parseImageName, validateImage } from "../../mod.ts";
import { copyImageWith, type CopyOptions } from "../../src/copy/room.ts";
import { type NewBlob, readManifest, type SystemContext } from "../../src/image/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { digestOf, type ErrorCode, isIndex, MEDIA_TYPES, type ParsedImage, readBlob } from "../../src/spec/room.ts";
import { createMemoryImages, describe, encode, type MemoryImages } from "../support/images.ts";

/** A transport, and how its images are named in a folder. */
export interface TransportUnderTest {
  name: string;
  /** Returns the name of an image that does not exist yet. */
  image(folder: string, name: string): string;
  /** Creates the context of one test. */
  createContext?(): SystemContext;
  /** Reason why the transport cannot contain lists; `undefined` if it can. */
  noLists?: string;
  /** Media types of manifests that the transport accepts. */
  types: readonly string[];
  /** Reason why a second run cannot use blobs that a failed one has written; `undefined` if it can. */
  noResume?: string;
  /** Reason why the manifest that is read differs from the written one; `undefined` if it does not. */
  noManifest?: string;
  /** Code of the error for an image that does not exist. */
  missing: ErrorCode;
}

type Define = (name: string, fn: () => Promise<void>) => void;

async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "transport-" });
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Lists all files below a folder with their content, for comparison. */
export async function listTree(folder: string, below = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    const path = below ? `${below}/${name}` : name;
    names.push(...(isDirectory ? await listTree(folder, path) : [path]));
  }
  return names.sort();
}

export function runTransportSuite(transport: TransportUnderTest, define: Define): void {
  let context: SystemContext = {};
  const test = (title: string, fn: (folder: string, images: MemoryImages) => Promise<void>) =>
    define(`${transport.name}: ${title}`, () => {
      context = { blobInfoCacheDir: "", ...transport.createContext?.() };
      return withFolder(async (folder) => await fn(folder, await createMemoryImages()));
    });
  const copy = (from: string | ReturnType<typeof parseImageName>, to: string, options: Partial<CopyOptions> = {}) =>
    copyImageWith(typeof from === "string" ? parseImageName(from) : from, parseImageName(to), {
      policy: acceptAnything,
      selection: "all",
      platform: { os: "linux", architecture: "amd64" },
      systemContext: context,
      maxRetries: 0,
      ...options,
    });

  test("a single image is read back complete", async (folder, images) => {
    const name = transport.image(folder, "one");
    const result = await copy(images.reference("amd64"), name);
    await using source = await parseImageName(name).openSource(context);
    const { digest, manifest } = await readManifest(source);
    assert.equal(digest === result.digest, transport.noManifest === undefined);
    assert.ok(transport.types.includes(manifest.mediaType), manifest.mediaType);
    assert.deepEqual(await digestLayers(source, manifest as ParsedImage), images.content("amd64"));
    for (const blob of await source.layersForCopy?.(manifest as ParsedImage) ?? (manifest as ParsedImage).layers) {
      assert.equal(await source.findBlob!(blob), blob.size);
    }
    assert.equal(await source.findBlob!((manifest as ParsedImage).config!), (manifest as ParsedImage).config!.size);
    assert.equal(await source.findBlob!(describe("m", encode("none"))), undefined);
    for (const full of [false, true]) {
      const { problems } = await validateImage(name, { full, systemContext: context });
      assert.deepEqual(problems, []);
    }
    // The image can also be requested by its own digest.
    assert.equal((await readManifest(source, { instance: digest })).digest, digest);
    await assert.rejects(source.getManifest({ instance: digestOf(encode("none")) }), { code: "NOT_FOUND" });
    await assert.rejects(source.getBlob(describe("m", encode("none"))), { code: "NOT_FOUND" });
  });

  test(
    transport.noLists ? `lists are refused: ${transport.noLists}` : "a list comes back whole",
    async (folder, images) => {
      const name = transport.image(folder, "list");
      if (transport.noLists) {
        await assert.rejects(copy(images.reference("list"), name), { code: "MANIFEST_TYPE_NOT_SUPPORTED" });
        return;
      }
      const result = await copy(images.reference("list"), name);
      await using source = await parseImageName(name).openSource(context);
      const top = await readManifest(source);
      assert.equal(top.digest, result.digest);
      assert.ok(isIndex(top.manifest));
      for (const architecture of ["amd64", "arm64"]) {
        const instance = result.instances.get(images.digest(architecture))!;
        const { manifest } = await readManifest(source, { instance });
        assert.deepEqual(await digestLayers(source, manifest as ParsedImage, instance), images.content(architecture));
      }
    },
  );

  test("missing images and blobs are reported as errors", async (folder) => {
    const open = async () => {
      await using source = await parseImageName(transport.image(folder, "none")).openSource(context);
      await source.getManifest();
    };
    await assert.rejects(open(), { code: transport.missing });
    assert.deepEqual(await listTree(folder), []);
  });

  test("a failed copy leaves no image and no temporary files", async (folder, images) => {
    const name = transport.image(folder, "one");
    await assert.rejects(copy(images.broken("amd64"), name), { code: "DIGEST_MISMATCH" });
    assert.deepEqual((await listTree(folder)).filter((path) => /tmp|temp|partial|put-blob/i.test(path)), []);
    await assert.rejects(async () => {
      await using source = await parseImageName(name).openSource(context);
      await source.getManifest();
    });
    await copy(images.reference("amd64"), name);
  });

  test("an aborted copy leaves no image and no temporary files", async (folder, images) => {
    const name = transport.image(folder, "one");
    const abort = new AbortController();
    const onProgress: CopyOptions["onProgress"] = ({ type }) =>
      type === "blob-progress" && abort.abort(new Error("enough"));
    await assert.rejects(copy(images.reference("amd64"), name, { signal: abort.signal, onProgress }), /enough/);
    assert.deepEqual((await listTree(folder)).filter((path) => /tmp|temp|partial|put-blob/i.test(path)), []);
    await copy(images.reference("amd64"), name);
  });

  test(
    transport.noResume
      ? `a second run starts again: ${transport.noResume}`
      : "a second run copies only the missing blobs",
    async (folder, images) => {
      const name = transport.image(folder, "one");
      const arrived = Promise.withResolvers<void>();
      const source = images.broken("two-layers", transport.noResume ? undefined : arrived.promise);
      const onProgress: CopyOptions["onProgress"] = ({ type }) => type === "blob-done" && arrived.resolve();
      await assert.rejects(copy(source, name, { onProgress }), { code: "DIGEST_MISMATCH" });
      const outcomes: string[] = [];
      await copy(images.reference("two-layers"), name, {
        onProgress: (event) => event.type === "blob-done" && outcomes.push(event.outcome),
      });
      assert.equal(outcomes.includes("reused"), transport.noResume === undefined, outcomes.join());
    },
  );

  test("a blob is found by digest and size, and appears only when it is complete", async (folder) => {
    const bytes = encode("a blob of some bytes");
    const descriptor = describe(MEDIA_TYPES.ociConfig, bytes);
    await using destination = await parseImageName(transport.image(folder, "one")).openDestination(context);
    const blob: NewBlob = { ...descriptor, role: "config", measured: () => descriptor };
    assert.equal(await destination.findBlob(descriptor), undefined);
    const failing = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        controller.enqueue(bytes.slice(0, 5));
      },
      pull() {
        throw new Error("the source broke");
      },
    });
    await assert.rejects(destination.putBlob(blob, failing), /the source broke/);
    assert.equal(await destination.findBlob(descriptor), undefined);
    await destination.putBlob(blob, new Blob([bytes]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>);
    assert.equal(await destination.findBlob(descriptor), bytes.length);
    assert.equal(await destination.findBlob({ ...descriptor, size: -1 }), bytes.length);
    assert.equal(await destination.findBlob({ ...descriptor, size: 3 }), undefined);
  });
}

/** Returns the digests of the uncompressed layers of an image. */
async function digestLayers(
  source: Awaited<ReturnType<ReturnType<typeof parseImageName>["openSource"]>>,
  manifest: ParsedImage,
  instance?: ReturnType<typeof digestOf>,
): Promise<string[]> {
  const layers = await source.layersForCopy?.(manifest, { instance }) ?? manifest.layers;
  return await Promise.all(layers.map(async (layer) => {
    const bytes = await readBlob(await source.getBlob(layer, { instance }), layer, 1e8);
    return digestOf(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes);
  }));
}
