import { TAR_BLOCK_SIZE, TarError, TarHeaderParser, tarPadding } from "../../../internal/tar/room.ts";
import { cleanPath, toByteText } from "../unpack/byte_text.ts";
import type { EntryWriter } from "../unpack/entries.ts";

/** Receives everything in an archive, in its order. */
export interface ArchiveSink extends Omit<EntryWriter, keyof Disposable> {
  /** Called with bytes that are not content: headers, extensions, padding, and everything after the last entry. */
  raw(bytes: Uint8Array<ArrayBuffer>): void;
}

type State = "header" | "extension" | "content" | "padding" | "rest";

/**
 * Parses an archive that arrives in parts. As in Go's reader, an archive ends with two blocks of zeros or with the last
 * byte, and global PAX headers do not apply.
 */
export class ArchiveParser {
  readonly #sink: ArchiveSink;
  readonly #hasContent: boolean;
  #count = 0;
  readonly #headers = new TarHeaderParser({ ignoresGlobal: true });
  #state: State = "header";
  /** Number of bytes until the next state. */
  #left = TAR_BLOCK_SIZE;
  /** Size of the padding after the content or extension, in bytes. */
  #padding = 0;
  /** Number of blocks of zeros. */
  #zeros = 0;
  /** The header or extension, as far as it arrived. */
  #collected: Uint8Array = new Uint8Array();

  /** @param options `hasContent`: false if the content of the entries was left out of the archive. Default: `true`. */
  constructor(sink: ArchiveSink, { hasContent = true }: { hasContent?: boolean } = {}) {
    this.#sink = sink;
    this.#hasContent = hasContent;
  }

  /**
   * Parses the next part.
   *
   * @throws {TarError} If the archive is corrupt. Errors of the sink are passed on.
   */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#state === "rest") return this.#sink.raw(at === 0 ? bytes : bytes.subarray(at));
      const part = bytes.subarray(at, at + this.#left);
      at += part.length;
      if (this.#state === "content") this.#sink.content(part);
      else this.#sink.raw(part);
      if (this.#state === "header" || this.#state === "extension") this.#collect(part);
      this.#left -= part.length;
      if (this.#left === 0) this.#leave();
    }
  }

  /** @throws {TarError} If the archive ends inside a header or the content of an entry. */
  end(): void {
    const isBetween = this.#state === "header" && this.#collected.length === 0;
    if (isBetween || this.#state === "padding" || this.#state === "rest") return;
    throw new TarError("Cannot read a tar archive: it is truncated");
  }

  #collect(part: Uint8Array): void {
    if (this.#collected.length === 0) {
      this.#collected = part;
      // Extensions, and headers that arrive in parts, are used when their memory may be in use again.
      if (part.length < this.#left || this.#state === "extension") this.#collected = part.slice();
      return;
    }
    const whole = new Uint8Array(this.#collected.length + part.length);
    whole.set(this.#collected);
    whole.set(part, this.#collected.length);
    this.#collected = whole;
  }

  #enter(state: State, size: number): void {
    this.#state = state;
    this.#left = size;
    if (size === 0) this.#leave();
  }

  /** Called at the end of a state; enters the next one. */
  #leave(): void {
    const collected = this.#collected;
    this.#collected = new Uint8Array();
    switch (this.#state) {
      case "header":
        return this.#parseHeader(collected);
      case "extension":
        this.#headers.extension(collected);
        return this.#enter("padding", this.#padding);
      case "content":
        this.#sink.end();
        return this.#enter("padding", this.#padding);
      case "padding":
        return this.#enter("header", TAR_BLOCK_SIZE);
    }
  }

  #parseHeader(block: Uint8Array): void {
    const step = this.#headers.block(block);
    if (step.kind === "zero") {
      this.#state = ++this.#zeros === 2 ? "rest" : "header";
      this.#left = TAR_BLOCK_SIZE;
      return;
    }
    const size = step.kind === "extension" ? step.size : step.header.size;
    this.#padding = tarPadding(size);
    if (step.kind === "extension") return this.#enter("extension", size);
    const { header } = step;
    this.#sink.begin({ header, path: cleanPath(toByteText(header.nameBytes)), number: this.#count++ });
    this.#enter("content", this.#hasContent ? size : 0);
  }
}
