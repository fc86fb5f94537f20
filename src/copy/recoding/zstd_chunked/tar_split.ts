import { encodeBase64, encodeUtf8 } from "../../../internal/room.ts";
import { encodeGoJsonText, type GoJsonValue } from "../../../json/room.ts";
import type { FrameBuffer } from "./frames.ts";
import { isValidUtf8 } from "./utf8.ts";

/** Size of the blocks of text that are compressed together, in characters. */
const BLOCK = 256 * 1024;

/**
 * The parts of a tar archive that are not file contents, as JSON of tar-split with one record per line. With them and the
 * files, the archive can be restored byte for byte.
 */
export class TarSplit {
  readonly #frame: FrameBuffer;
  #lines: string[] = [];
  #size = 0;
  #records = 0;

  /** Creates the records and writes them to a frame. */
  constructor(frame: FrameBuffer) {
    this.#frame = frame;
  }

  /** Adds bytes of the archive that are not file content. */
  async addSegment(bytes: Uint8Array): Promise<void> {
    await this.#add([["type", 2], ["payload", encodeBase64(bytes)]]);
  }

  /** Adds an entry; `checksum` is the CRC-64 of its content, `undefined` if it has none. */
  async addEntry(entry: {
    name: string;
    nameBytes: Uint8Array;
    size: number;
    checksum: Uint8Array | undefined;
  }): Promise<void> {
    const { name, nameBytes, size, checksum } = entry;
    await this.#add([
      ["type", 1],
      isValidUtf8(nameBytes) ? ["name", name] : ["name_raw", encodeBase64(nameBytes)],
      ["size", size || undefined],
      ["payload", checksum ? encodeBase64(checksum) : null],
    ]);
  }

  /** Ends the frame; returns it with the size of the uncompressed records. */
  async end(): Promise<{ compressed: Uint8Array<ArrayBuffer>; size: number }> {
    await this.#flush();
    return await this.#frame.end();
  }

  async #add(members: [string, GoJsonValue | undefined][]): Promise<void> {
    const line = encodeGoJsonText(new Map([...members, ["position", this.#records++]]));
    this.#lines.push(line, "\n");
    this.#size += line.length + 1;
    if (this.#size >= BLOCK) await this.#flush();
  }

  async #flush(): Promise<void> {
    const text = encodeUtf8(this.#lines.join(""));
    this.#lines = [];
    this.#size = 0;
    await this.#frame.write(text);
  }
}
