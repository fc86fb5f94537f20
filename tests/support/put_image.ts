/** Images written and read with nothing but sources and destinations: no copy engine between. */
import assert from "node:assert/strict";
import type { ImageDestination, ImageReference, ImageSource, NewBlob, SystemContext } from "../../src/image/room.ts";
import { readManifest } from "../../src/image/room.ts";
import { toStream } from "../../src/internal/room.ts";
import { type Descriptor, type Digest, getEntries, isIndex, MEDIA_TYPES, readBlob } from "../../src/spec/room.ts";
import { describe, encode, makeImage, type TestImage } from "./images.ts";

/** A list with its images. */
export interface TestList {
  bytes: Uint8Array<ArrayBuffer>;
  descriptor: Descriptor;
  images: TestImage[];
}

/** A list of one image per architecture. */
export function makeList(...architectures: string[]): TestList {
  const images = architectures.map((architecture) => makeImage({ architecture }));
  const manifests = images.map(({ manifest }, i) => ({
    ...describe(MEDIA_TYPES.ociManifest, manifest),
    platform: { architecture: architectures[i], os: "linux" },
  }));
  const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  return { bytes, descriptor: describe(MEDIA_TYPES.ociIndex, bytes), images };
}

/** A blob of which all is known beforehand. */
export function newBlob(descriptor: Descriptor, role: NewBlob["role"] = "layer"): NewBlob {
  return { ...descriptor, role, measured: () => descriptor };
}

/** Writes the blobs of an image that are not there, and its manifest as the image's own or as an instance. */
export async function putImage(destination: ImageDestination, image: TestImage, instance?: Digest): Promise<void> {
  for (const { descriptor, bytes } of image.blobs) {
    if (await destination.findBlob(descriptor) === undefined) {
      await destination.putBlob(newBlob(descriptor), toStream(bytes));
    }
  }
  await destination.putManifest(image.manifest, MEDIA_TYPES.ociManifest, { instance });
}

/** Writes an image or a list, all of it. */
export async function writeImage(
  reference: ImageReference,
  image: TestImage | TestList,
  context?: SystemContext,
): Promise<void> {
  await using destination = await reference.openDestination(context);
  if ("images" in image) {
    for (const each of image.images) await putImage(destination, each, each.digest);
    await destination.putManifest(image.bytes, MEDIA_TYPES.ociIndex);
  } else await putImage(destination, image);
  await destination.commit();
}

/** Reads and verifies everything of an image or a list; returns the digest of its manifest. */
export async function readAll(reference: ImageReference, context?: SystemContext): Promise<Digest> {
  await using source = await reference.openSource(context);
  const { digest, manifest } = await readManifest(source);
  if (!isIndex(manifest)) await readInstance(source, undefined);
  else for (const { digest } of getEntries(manifest)) await readInstance(source, digest);
  return digest;
}

async function readInstance(source: ImageSource, instance: Digest | undefined): Promise<void> {
  const { manifest } = await readManifest(source, { instance });
  assert.ok(!isIndex(manifest));
  for (const blob of [...manifest.layers, manifest.config!]) {
    await readBlob(await source.getBlob(blob, { instance }), blob, 1e8);
  }
}
