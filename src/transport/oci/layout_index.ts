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

/** Annotation with the name of an image in a layout (image-spec, annotations.md). */
const NAME_ANNOTATION = "org.opencontainers.image.ref.name";

/** Maximum size of an `index.json` in bytes: 16 MiB, enough for about 50,000 images. */
export const MAX_LAYOUT_INDEX: number = 16 * 1024 * 1024;

/** Content of the file `oci-layout`. */
export const OCI_LAYOUT: Uint8Array<ArrayBuffer> = encodeUtf8('{"imageLayoutVersion":"1.0.0"}');

/** A parsed `index.json` of a layout. */
export interface LayoutIndex {
  /** Text of the document. Parts that do not change are written back unchanged. */
  readonly text: string;
  /** Descriptors of the images and referrers in the layout. */
  readonly entries: readonly Descriptor[];
}

/**
 * Parses an `index.json`.
 *
 * @param what Name of the document in errors.
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
    throw new ManifestsError("LAYOUT_INVALID", cause.message, { cause });
  }
}

/** Creates the error for an `index.json` that is too large. */
export function tooLarge(what: string): ManifestsError {
  return new ManifestsError("LAYOUT_INVALID", `Cannot read ${what}: it has more than ${MAX_LAYOUT_INDEX} bytes`);
}

const USABLE: readonly string[] = [
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerList,
];

/**
 * Returns the entry of an image (c/image oci/layout `getManifestDescriptor`): the first one with its name that is a
 * manifest.
 *
 * @param what Name of the layout in errors.
 * @throws {ManifestsError} With code `NOT_FOUND`; `INVALID_REFERENCE` if the reference is ambiguous;
 * `MANIFEST_TYPE_NOT_SUPPORTED` if no entry with the name is a manifest.
 */
export function findLayoutImage({ entries }: LayoutIndex, image: LayoutImage, what: string): Descriptor {
  const fail = (code: "NOT_FOUND" | "INVALID_REFERENCE" | "MANIFEST_TYPE_NOT_SUPPORTED", problem: string): never => {
    throw new ManifestsError(code, `Cannot read ${what}: ${problem}`);
  };
  if (!image) {
    if (entries.length === 0) fail("NOT_FOUND", "the layout has no images");
    if (entries.length > 1) fail("INVALID_REFERENCE", "the layout has more than one image: choose one by name or @N");
    return entries[0]!;
  }
  if ("position" in image) {
    const { position } = image;
    return entries[position] ??
      fail("NOT_FOUND", `index ${position} is too large, only ${entries.length} entries available`);
  }
  const named = entries.filter((entry) => getName(entry) === image.name);
  if (named.length === 0) fail("NOT_FOUND", `the layout has no image with the name ${JSON.stringify(image.name)}`);
  return named.find(({ mediaType }) => USABLE.includes(mediaType)) ??
    fail("MANIFEST_TYPE_NOT_SUPPORTED", `${JSON.stringify(image.name)} is not a manifest, but ${named[0]!.mediaType}`);
}

/** Returns the name of an entry; `undefined` if it has none. */
export function getName({ annotations }: Descriptor): string | undefined {
  return annotations?.[NAME_ANNOTATION] || undefined;
}

/**
 * Returns the bytes of an `index.json` after adding an image (c/image oci/layout `addManifest`). Entries that had the
 * name lose it. An entry with the same digest and no name is reused; otherwise a new entry comes last. Unlike c/image,
 * unknown members are preserved, and all entries with the name lose it, because the image would not be found otherwise.
 *
 * @param index Index before the change; `undefined` if there is none.
 * @param name Name of the image; `""` for none.
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
  const key = findKey(members, "manifests");
  const texts = splitItems(members.get(key));
  const names = index.entries.map(getName);
  const entries: GoJsonValue[] = texts.map((text, i) =>
    name && names[i] === name ? withName(rawMembers(text, WHAT), "") : new RawJson(text)
  );
  const same = index.entries.findIndex((entry, i) => entry.digest === digest && (!names[i] || names[i] === name));
  if (same < 0) entries.push(withName(described, name));
  else entries[same] = withName(withMembers(rawMembers(texts[same]!, WHAT), described), name);
  return encodeGoJson(members.set(key, entries));
}

/**
 * Returns the bytes of an `index.json` after adding an image, as {@linkcode addLayoutImage} does, and the referrers of
 * the image and its instances. Referrers are entries without a name, by which tools find them in a layout.
 */
export function addWithReferrers(
  index: LayoutIndex | undefined,
  image: Descriptor,
  name: string,
  referrers: readonly Descriptor[],
): Uint8Array<ArrayBuffer> {
  // Sorted, so that the result does not depend on the order in which they were written.
  return referrers.toSorted((a, b) => compareUtf8(a.digest, b.digest)).reduce(
    (bytes, referrer) => addLayoutImage(parseLayoutIndex(bytes, WHAT), referrer, ""),
    addLayoutImage(index, image, name),
  );
}

/** Name of the document in errors, which cannot occur because the text has been parsed before. */
const WHAT = "index.json";

type Members = ReadonlyMap<string, GoJsonValue | undefined>;

/** Returns the spelling of a member's name in the document: Go matches names without regard to case. */
function findKey(members: Members, name: string): string {
  return members.keys().find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
}

/** Returns the JSON texts of the items of an array. */
function splitItems(array: GoJsonValue | undefined): string[] {
  const text = getText(array);
  return text === undefined ? [] : scanJson(text, WHAT).map(({ start, end }) => text.slice(start, end));
}

/** Returns the JSON text of a member; `undefined` if it is absent or `null`. */
function getText(member: GoJsonValue | undefined): string | undefined {
  return member instanceof RawJson && member.text !== "null" ? member.text : undefined;
}

function withMembers(members: Members, added: Members): Members {
  const all = new Map(members);
  for (const [name, value] of added) if (value !== undefined) all.set(findKey(all, name), value);
  return all;
}

/** Returns an entry with another name, or without one for `""`. Annotations that become empty are removed. */
function withName(entry: Members, name: string): Members {
  const key = findKey(entry, "annotations");
  const before = entry.get(key), text = getText(before);
  const annotations = new Map<string, GoJsonValue>(
    before instanceof Map ? before : text === undefined ? [] : rawMembers(text, WHAT),
  );
  annotations.delete(NAME_ANNOTATION);
  if (name) annotations.set(NAME_ANNOTATION, name);
  return new Map(entry).set(key, sortedMap(annotations));
}
