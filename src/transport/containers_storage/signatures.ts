import { MAX_SIGNATURE_SIZE, MAX_SIGNATURES, parseSignature, type Signature } from "../../signature/room.ts";
import { isObject, parseJson } from "../../json/room.ts";
import { type Digest, digestHex, ManifestsError } from "../../spec/room.ts";
import { encodeUtf8 } from "../../internal/room.ts";
import type { StoredImage } from "../../store/room.ts";

/** The item with the signatures of a manifest. They follow each other in the item; their sizes are in the metadata. */
interface SignatureItem {
  /** Key of the big data item. */
  readonly key: string;
  /** Size of each signature in bytes. */
  readonly sizes: readonly number[];
}

/**
 * Reads the signatures of a manifest from an image record (c/image storage `GetSignaturesWithFormat`).
 *
 * @param digest Digest of the manifest; `undefined` for the main manifest of the image.
 * @param read Reads a big data item of the record.
 * @throws {ManifestsError} With code `STORE_CORRUPT` if the item is missing or does not have the recorded sizes.
 */
export async function readStoredSignatures(
  image: StoredImage,
  digest: Digest | undefined,
  read: (key: string) => Promise<Uint8Array<ArrayBuffer> | undefined>,
): Promise<Signature[]> {
  const { key, sizes } = findItem(image, digest);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (sizes.length === 0) return [];
  const fail = (problem: string): never => {
    throw new ManifestsError("STORE_CORRUPT", `Cannot read the signatures of image ${image.id}: ${problem}`);
  };
  if (sizes.length > MAX_SIGNATURES || sizes.some((size) => size > MAX_SIGNATURE_SIZE)) fail("too many or too large");
  const bytes = await read(key) ?? fail(`${key} is missing`);
  if (bytes.length !== total) fail(`${key} has ${bytes.length} bytes, expected ${total}`);
  let at = 0;
  return sizes.map((size) => parseSignature(bytes.slice(at, at += size)));
}

function findItem({ id, metadata }: StoredImage, digest: Digest | undefined): SignatureItem {
  const none = { key: "signatures", sizes: [] };
  if (metadata === undefined) return none;
  const { value } = parseJson(encodeUtf8(metadata), `metadata of image ${id}`);
  if (!isObject(value)) return none;
  if (digest === undefined) return { key: "signatures", sizes: parseSizes(value["signature-sizes"]) };
  const byDigest = value["signatures-sizes"];
  return {
    key: `signature-${digestHex(digest)}`,
    sizes: parseSizes(isObject(byDigest) ? byDigest[digest] : undefined),
  };
}

function parseSizes(value: unknown): readonly number[] {
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) > 0;
  return Array.isArray(value) && value.every(isSize) ? value : [];
}

/** Returns the metadata of an image record that says which parts of the signature items are signatures. */
export function encodeSignatureSizes(digest: Digest, signatures: readonly Uint8Array[]): string {
  const sizes = signatures.map(({ length }) => length);
  return sizes.length === 0
    ? "{}"
    : JSON.stringify({ "signature-sizes": sizes, "signatures-sizes": { [digest]: sizes } });
}
