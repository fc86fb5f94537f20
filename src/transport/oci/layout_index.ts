import { compareUtf8, encodeUtf8 } from "../../internal/room.ts";
import {
  encodeGoJson,
  type GoJsonValue,
  parseJson,
  RawJson,
  rawMembers,
  scanJson,
  sortedMap,
  StructReader,
} from "../../json/room.ts";
import {
  type Descriptor,
  descriptorJson,
  isManifestsError,
  ManifestsError,
  MEDIA_TYPES,
  readDescriptor,
} from "../../spec/room.ts";
import type { LayoutImage } from "./name.ts";

export { type LayoutImage, parseOciName } from "./name.ts";

/** The annotation by which an image layout names an image. */
const NAME_ANNOTATION = "org.opencontainers.image.ref.name";

/** How large an `index.json` may be, in bytes: 16 MiB, room for some 50,000 images. */
export const MAX_LAYOUT_INDEX: number = 16 * 1024 * 1024;

/** The content of the file `oci-layout`. */
export const OCI_LAYOUT: Uint8Array<ArrayBuffer> = encodeUtf8('{"imageLayoutVersion":"1.0.0"}');

/** The `index.json` of a layout. */
export interface LayoutIndex {
  /** Its text, in which what is not changed stays as it is. */
  readonly text: string;
  /** What it names. */
  readonly entries: readonly Descriptor[];
}

/**
 * Parses an `index.json`.
 *
 * @param what Names it in errors.
 * @throws {ManifestsError} With code `LAYOUT_INVALID`.
 */
export function parseLayoutIndex(bytes: Uint8Array, what: string): LayoutIndex {
  if (bytes.length > MAX_LAYOUT_INDEX) throw tooLarge(what);
  try {
    const { value, text } = parseJson(bytes, what);
    const from = new StructReader(value, what);
    return { text, entries: (from.structs("manifests") ?? []).map(readDescriptor) };
  } catch (cause) {
    if (!isManifestsError(cause)) throw cause;
    throw new ManifestsError("LAYOUT_INVALID", `Cannot use ${what} as an image layout: ${cause.message}`, { cause });
  }
}

/** The error of an `index.json` that is not worth reading. */
export function tooLarge(what: string): ManifestsError {
  return new ManifestsError("LAYOUT_INVALID", `Cannot read ${what} as it has more than ${MAX_LAYOUT_INDEX} bytes`);
}

const USABLE: readonly string[] = [
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerList,
];

/**
 * Finds an image (c/image oci/layout `getManifestDescriptor`): the first of its name that is a manifest.
 *
 * @param what Names the layout in errors.
 * @throws {ManifestsError} With code `NOT_FOUND`; `INVALID_REFERENCE` where several could be meant;
 * `MANIFEST_TYPE_NOT_SUPPORTED` where what has the name is no manifest.
 */
export function findLayoutImage({ entries }: LayoutIndex, image: LayoutImage, what: string): Descriptor {
  const fail = (code: "NOT_FOUND" | "INVALID_REFERENCE" | "MANIFEST_TYPE_NOT_SUPPORTED", problem: string): never => {
    throw new ManifestsError(code, `Cannot read ${what}: ${problem}`);
  };
  if (!image) {
    if (entries.length === 0) fail("NOT_FOUND", "there is no image in it");
    if (entries.length > 1) fail("INVALID_REFERENCE", "there is more than one image in it, choose one by name or @N");
    return entries[0]!;
  }
  if ("position" in image) {
    const { position } = image;
    return entries[position] ??
      fail("NOT_FOUND", `index ${position} is too large, only ${entries.length} entries available`);
  }
  const named = entries.filter((entry) => nameOf(entry) === image.name);
  if (named.length === 0) fail("NOT_FOUND", `there is no image called ${JSON.stringify(image.name)}`);
  return named.find(({ mediaType }) => USABLE.includes(mediaType)) ??
    fail("MANIFEST_TYPE_NOT_SUPPORTED", `${JSON.stringify(image.name)} is no manifest, but ${named[0]!.mediaType}`);
}

/** The name of an entry; `undefined` where it has none. */
export function nameOf({ annotations }: Descriptor): string | undefined {
  return annotations?.[NAME_ANNOTATION] || undefined;
}

/**
 * The bytes of an `index.json` after an image was added (c/image oci/layout `addManifest`): entries that had the name
 * lose it, one of the same digest without a name becomes the image's, else a new one comes last. Unlike c/image, what is
 * not known here stays, and where several had the name all lose it: otherwise the image would not be found by it.
 *
 * @param index The index before; `undefined`: there is none.
 * @param name The image's name; `""` for none.
 */
export function addLayoutImage(
  index: LayoutIndex | undefined,
  added: Descriptor,
  name: string,
): Uint8Array<ArrayBuffer> {
  const { digest } = added;
  const described = descriptorJson(added);
  if (!index) {
    return encodeGoJson(
      new Map<string, GoJsonValue>([
        ["schemaVersion", 2],
        ["mediaType", MEDIA_TYPES.ociIndex],
        ["manifests", [withName(described, name)]],
      ]),
    );
  }
  const members = new Map<string, GoJsonValue>(rawMembers(index.text, WHAT));
  const key = keyOf(members, "manifests");
  const texts = itemsOf(members.get(key));
  const names = index.entries.map(nameOf);
  const entries: GoJsonValue[] = texts.map((text, i) =>
    name && names[i] === name ? withName(rawMembers(text, WHAT), "") : new RawJson(text)
  );
  const same = index.entries.findIndex((entry, i) => entry.digest === digest && (!names[i] || names[i] === name));
  if (same < 0) entries.push(withName(described, name));
  else entries[same] = withName(withMembers(rawMembers(texts[same]!, WHAT), described), name);
  return encodeGoJson(members.set(key, entries));
}

/**
 * The bytes of an `index.json` after an image was added as by {@linkcode addLayoutImage}, and what is about it or its
 * instances: entries without a name, by which tools find referrers in a layout.
 */
export function addWithReferrers(
  index: LayoutIndex | undefined,
  image: Descriptor,
  name: string,
  referrers: readonly Descriptor[],
): Uint8Array<ArrayBuffer> {
  // In an order that does not depend on which was written first.
  return referrers.toSorted((a, b) => compareUtf8(a.digest, b.digest)).reduce(
    (bytes, referrer) => addLayoutImage(parseLayoutIndex(bytes, WHAT), referrer, ""),
    addLayoutImage(index, image, name),
  );
}

/** Only for errors, which cannot be: the text has been parsed before. */
const WHAT = "index.json";

type Members = ReadonlyMap<string, GoJsonValue | undefined>;

/** The name of a member as it stands: Go reads names whatever their case. */
function keyOf(members: Members, name: string): string {
  return members.keys().find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
}

/** The texts of the items of an array. */
function itemsOf(array: GoJsonValue | undefined): string[] {
  const text = textOf(array);
  return text === undefined ? [] : scanJson(text, WHAT).map(({ start, end }) => text.slice(start, end));
}

/** The text of a member; `undefined` where it is absent or `null`. */
function textOf(member: GoJsonValue | undefined): string | undefined {
  return member instanceof RawJson && member.text !== "null" ? member.text : undefined;
}

function withMembers(members: Members, added: Members): Members {
  const all = new Map(members);
  for (const [name, value] of added) if (value !== undefined) all.set(keyOf(all, name), value);
  return all;
}

/** An entry with another name, or, for `""`, with none; annotations that are empty then go too. */
function withName(entry: Members, name: string): Members {
  const key = keyOf(entry, "annotations");
  const own = entry.get(key), text = textOf(own);
  const annotations = new Map<string, GoJsonValue>(
    own instanceof Map ? own : text === undefined ? [] : rawMembers(text, WHAT),
  );
  annotations.delete(NAME_ANNOTATION);
  if (name) annotations.set(NAME_ANNOTATION, name);
  return new Map(entry).set(key, sortedMap(annotations));
}
