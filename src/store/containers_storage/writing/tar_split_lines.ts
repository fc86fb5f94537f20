import { Crc64, encodeUtf8 } from "../../../internal/room.ts";
import { encodeGoJsonText } from "../../../json/room.ts";
import type { LayerEntry } from "../unpack/entries.ts";
import type { ArchiveSink } from "./archive_parser.ts";

/** Maximum number of bytes in a line. */
const PIECE = 256 * 1024;

/**
 * The content of a tar-split file: everything that the unpacked files do not have, such as headers and padding, and the
 * names, sizes and checksums of the files (vbatts/tar-split, package `storage`).
 */
export class TarSplitLines implements ArchiveSink {
  /** Bytes that are not in a line yet. */
  readonly #raw = new Uint8Array(PIECE);
  #used = 0;
  #entry: LayerEntry | undefined;
  #sum = new Crc64();
  #position = 0;
  #text = "";

  /** Number of characters that {@linkcode take} would return. */
  get length(): number {
    return this.#text.length;
  }

  raw(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + PIECE - this.#used);
      this.#raw.set(part, this.#used);
      at += part.length;
      this.#used += part.length;
      if (this.#used === PIECE) this.flush();
    }
  }

  begin(entry: LayerEntry): void {
    this.flush();
    this.#entry = entry;
    this.#sum = new Crc64();
  }

  content(bytes: Uint8Array): void {
    this.#sum.update(bytes);
  }

  end(): void {
    const { nameBytes, size } = this.#entry!.header;
    const content = size === 0 ? `"payload":null` : `"size":${size},"payload":"${this.#sum.bytes().toBase64()}"`;
    this.#text += `{"type":1,${encodeName(nameBytes)},${content},"position":${this.#position++}}\n`;
  }

  /** Adds a line with the bytes that are not in one yet. */
  flush(): void {
    if (this.#used === 0) return;
    const payload = this.#raw.subarray(0, this.#used).toBase64();
    this.#text += `{"type":2,"payload":"${payload}","position":${this.#position++}}\n`;
    this.#used = 0;
  }

  /** Returns the lines since the last call. */
  take(): Uint8Array<ArrayBuffer> {
    const text = this.#text;
    this.#text = "";
    return encodeUtf8(text);
  }
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function encodeName(name: Uint8Array): string {
  try {
    return `"name":${encodeGoJsonText(STRICT.decode(name))}`;
  } catch {
    return `"name_raw":"${name.toBase64()}"`;
  }
}
