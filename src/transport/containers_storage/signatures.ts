import { MAX_SIGNATURE_SIZE, MAX_SIGNATURES, parseSignature, type Signature } from "../../signature/room.ts";
import { isObject, parseJson } from "../../json/room.ts";
import { type Digest, digestHex, ManifestsError } from "../../spec/room.ts";
import { encodeUtf8 } from "../../internal/room.ts";
import type { StoredImage } from "../../store/room.ts";

/** Where an image record has the signatures of one of its manifests: one after another in one item, sizes elsewhere. */
interface SignatureItem {
  /** Key of the item. */
  readonly key: string;
  /** How many bytes each signature has. */
  readonly sizes: readonly number[];
}

/**
 * Reads the signatures of a manifest from an image record (c/image storage `GetSignaturesWithFormat`).
 *
 * @param digest The manifest; `undefined` means the image's own.
 * @param read Reads an item of the record.
 * @throws {ManifestsError} With code `STORE_CORRUPT` where the sizes and the item do not fit.
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
  const bytes = await read(key) ?? fail(`${key} is not there`);
  if (bytes.length !== total) fail(`${key} has ${bytes.length} bytes, expected ${total}`);
  let at = 0;
  return sizes.map((size) => parseSignature(bytes.slice(at, at += size)));
}

function findItem({ id, metadata }: StoredImage, digest: Digest | undefined): SignatureItem {
  const none = { key: "signatures", sizes: [] };
  if (metadata === undefined) return none;
  const { value } = parseJson(encodeUtf8(metadata), `metadata of image ${id}`);
  if (!isObject(value)) return none;
  if (digest === undefined) return { key: "signatures", sizes: sizesIn(value["signature-sizes"]) };
  const byDigest = value["signatures-sizes"];
  return { key: `signature-${digestHex(digest)}`, sizes: sizesIn(isObject(byDigest) ? byDigest[digest] : undefined) };
}

function sizesIn(value: unknown): readonly number[] {
  const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) > 0;
  return Array.isArray(value) && value.every(isSize) ? value : [];
}
