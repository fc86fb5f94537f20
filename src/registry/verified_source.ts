import { type ByteStream, mapStream } from "../internal/room.ts";
import {
  createDigester,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  DigestMismatchError,
  ManifestsError,
  UNKNOWN_SIZE,
} from "../spec/room.ts";

/** Verifies a blob that may be read several times, from different offsets on. Each byte is hashed once. */
export class VerifiedSource {
  readonly #descriptor: Descriptor;
  readonly #digester;
  #hashed = 0;
  #digest: Digest | undefined;

  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor;
    this.#digester = createDigester(digestAlgorithm(descriptor.digest));
  }

  /** Returns a stream of the blob from `offset` on, which fails if the blob is wrong. Earlier streams must have reached `offset`. */
  verify(stream: ByteStream, offset: number): ByteStream {
    const { digest, size } = this.#descriptor;
    let position = offset;
    return mapStream(stream, {
      chunk: (bytes) => {
        position += bytes.length;
        if (size !== UNKNOWN_SIZE && position > size) this.#failSize(`at least ${position}`);
        const fresh = position - this.#hashed;
        if (fresh > 0) this.#digester.update(bytes.subarray(bytes.length - fresh));
        this.#hashed = Math.max(this.#hashed, position);
        return bytes;
      },
      end: () => {
        if (size !== UNKNOWN_SIZE && position !== size) this.#failSize(`${position}`);
        this.#digest ??= this.#digester.digest();
        if (this.#digest !== digest) throw new DigestMismatchError(`blob ${digest}`, digest, this.#digest);
        return undefined;
      },
    });
  }

  #failSize(actual: string): never {
    const { digest, size } = this.#descriptor;
    throw new ManifestsError(
      "SIZE_MISMATCH",
      `Cannot upload blob ${digest}: its size differs: expected ${size} bytes, got ${actual}`,
    );
  }
}
