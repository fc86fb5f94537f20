import type { ImageDestination, ImageSource, NewBlob } from "../../src/image/room.ts";
import { type ByteStream, concatBytes, readStream } from "../../src/internal/room.ts";
import { encodeTarHeader, type NewTarEntry, tarPadding } from "../../src/internal/tar/room.ts";
import { type Descriptor, type ParsedImage, parseManifest, UNKNOWN_SIZE, verifyBlob } from "../../src/spec/room.ts";
import { encode } from "./images.ts";

/** A member of an archive that tests make: its content, or another kind of entry. */
export type TestMember = readonly [name: string, content: string | Uint8Array | Omit<NewTarEntry, "name">];

/** Makes a tar archive. */
export function makeArchive(members: readonly TestMember[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const [name, content] of members) {
    if (typeof content === "object" && !(content instanceof Uint8Array)) {
      parts.push(encodeTarHeader({ name, ...content }));
      continue;
    }
    const bytes = typeof content === "string" ? encode(content) : content;
    const padding = new Uint8Array(tarPadding(bytes.length));
    parts.push(encodeTarHeader({ name, type: "file", size: bytes.length }), bytes, padding);
  }
  return concatBytes([...parts, new Uint8Array(1024)]);
}

/** Runs a test in a temporary folder. */
export async function withFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "archives-" });
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A blob to be written; with `late` its digest and size are known only at its end. */
export function newBlob(descriptor: Descriptor, role: "layer" | "config", late = false): NewBlob {
  const { mediaType, digest, size } = descriptor;
  const measured = () => ({ digest, size });
  return late ? { mediaType, role, size: UNKNOWN_SIZE, measured } : { mediaType, role, digest, size, measured };
}

/** All bytes of a stream. */
export async function readAll(stream: ByteStream): Promise<Uint8Array<ArrayBuffer>> {
  return (await readStream(stream, 1e9))!;
}

/** Copies a single image as it is, its layers in the form in which the source gives them, but does not commit. */
export async function transfer(source: ImageSource, destination: ImageDestination, late = false): Promise<ParsedImage> {
  const { bytes, mediaType } = await source.getManifest();
  const image = parseManifest(bytes, mediaType) as ParsedImage;
  const put = async (descriptor: Descriptor, role: "layer" | "config") => {
    const stream = verifyBlob(await source.getBlob(descriptor), descriptor);
    await destination.putBlob(newBlob(descriptor, role, late), stream);
  };
  for (const layer of await source.layersForCopy?.(image) ?? image.layers) await put(layer, "layer");
  await put(image.config!, "config");
  await destination.putManifest(bytes, image.mediaType);
  return image;
}
