import { type ByteStream, readChunks } from "../../internal/room.ts";
import { writeAll } from "../../internal/host/room.ts";
import { createDigester, type Digest, digestAlgorithm } from "../../spec/room.ts";
import type { StoredUpload } from "../storage.ts";
import { PieceBuffer } from "./piece_buffer.ts";

/** An upload in a file. The file is open only while bytes are written, because many uploads may never be finished. */
export class DirectoryUpload implements StoredUpload {
  readonly #path: string;
  readonly #publish: (repository: string, digest: Digest) => Promise<void>;
  // SHA-256, which most blobs use, is computed while the bytes arrive; for another algorithm, the file is read again.
  readonly #digester = createDigester("sha256");
  size = 0;

  constructor(path: string, publish: (repository: string, digest: Digest) => Promise<void>) {
    this.#path = path;
    this.#publish = publish;
  }

  async append(stream: ByteStream): Promise<void> {
    using file = await Deno.open(this.#path, { append: true });
    const write = async (piece: Uint8Array) => {
      await writeAll(file, piece);
      this.size += piece.length;
    };
    const pieces = new PieceBuffer(write);
    try {
      for await (const chunk of readChunks(stream, { reuses: true })) {
        this.#digester.update(chunk);
        await pieces.add(chunk);
      }
    } finally {
      // The bytes of an interrupted request are kept too: the client resumes after them.
      await pieces.flush();
    }
  }

  async finish(repository: string, digest: Digest): Promise<boolean> {
    const actual = digestAlgorithm(digest) === "sha256" ? this.#digester.digest() : await this.#rehash(digest);
    if (actual !== digest) return false;
    {
      using file = await Deno.open(this.#path, { append: true });
      await file.syncData();
    }
    await this.#publish(repository, digest);
    return true;
  }

  async cancel(): Promise<void> {
    await Deno.remove(this.#path).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  async #rehash(digest: Digest): Promise<Digest> {
    const digester = createDigester(digestAlgorithm(digest));
    const file = await Deno.open(this.#path);
    for await (const chunk of readChunks(file.readable as ByteStream, { reuses: true })) digester.update(chunk);
    return digester.digest();
  }
}
