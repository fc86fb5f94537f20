import { type CallOptions, decodeStrictBase64, encodeBase64, encodeHex } from "../../../internal/room.ts";
import type { Repository } from "../../../registry/room.ts";
import { MAX_SIGNATURES, type SimpleSignature } from "../../../signature/room.ts";
import { parseJson, StructReader } from "../../../json/room.ts";
import { type Digest, ManifestsError } from "../../../spec/room.ts";
import { parseSimpleSignature } from "./simple_signature.ts";
import type { SimpleSignatureStorage } from "./storage.ts";

/** Version and type of the signatures in this extension. */
const SCHEMA_VERSION = 2, TYPE = "atomic";

/**
 * Simple signatures that the registry itself stores: OpenShift's extension of the API, which the registry announces at
 * `/v2/` with `X-Registry-Supports-Signatures: 1` (docker_client.go `getExtensionsSignatures`, docker_image_dest.go
 * `putSignaturesToAPIExtension`).
 */
export class SignatureExtension implements SimpleSignatureStorage {
  readonly writable = true;
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  async read(digest: Digest, options: CallOptions = {}): Promise<SimpleSignature[]> {
    const contents = await this.#list(digest, options);
    return contents.map((bytes) => parseSimpleSignature(bytes, `a signature of ${digest} in the registry`));
  }

  /** Adds the signatures that do not exist yet; the extension cannot remove any. */
  async write(digest: Digest, signatures: readonly SimpleSignature[], options: CallOptions = {}): Promise<void> {
    const existing = new Set((await this.#list(digest, options)).map(encodeBase64));
    const contents = new Set(signatures.map(({ bytes }) => encodeBase64(bytes)));
    const added = [...contents].filter((content) => !existing.has(content));
    assertCount(existing.size + added.length, digest);
    for (const content of added) {
      const name = `${digest}@${encodeHex(crypto.getRandomValues(new Uint8Array(16)))}`;
      const signature = { schemaVersion: SCHEMA_VERSION, name, type: TYPE, content };
      // Not retried: if only the answer was lost, the registry would reject the repeated name as a conflict.
      await this.#repository.putSignature(digest, signature, { ...options, maxRetries: 0 });
    }
  }

  /** Returns the contents of the existing signatures. Entries of unknown versions and types are ignored. */
  async #list(digest: Digest, options: CallOptions): Promise<Uint8Array<ArrayBuffer>[]> {
    const what = `signatures of ${digest}`;
    const { value } = parseJson(await this.#repository.getSignatureList(digest, options), what);
    const entries = new StructReader(value, what).structs("signatures") ?? [];
    const known = entries.filter((entry) =>
      entry.integer("schemaVersion") === SCHEMA_VERSION && entry.string("type") === TYPE
    );
    assertCount(known.length, digest);
    return known.map((entry) =>
      decodeStrictBase64(entry.string("content") ?? "") ?? entry.fail("content", "standard base64")
    );
  }
}

function assertCount(count: number, digest: Digest): void {
  if (count <= MAX_SIGNATURES) return;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot use the signatures of ${digest}: the registry may have at most ${MAX_SIGNATURES}, not ${count}`,
  );
}
