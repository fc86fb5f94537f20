import { fromPath, splitPath, terminate } from "../unpack/byte_text.ts";
import { type EntryWriter, type LayerEntry, WHITEOUT } from "../unpack/entries.ts";
import { EntryMetadata, type UnpackOptions } from "../unpack/entry_metadata.ts";
import { check, loadLibc, O, writeFully } from "../unpack/libc.ts";
import { createFile, type OpenFile } from "../unpack/nodes.ts";
import type { ArchiveSink } from "./archive_parser.ts";

/** Size of the buffer for headers, in bytes. */
const BUFFER_SIZE = 64 * 1024;

/**
 * Unpacks a layer that can be put over its parent later: the files, complete with their metadata, into a folder in which
 * the number of an entry is its name, and everything else of the archive into one file.
 */
export class ContentWriter implements ArchiveSink, EntryWriter {
  readonly #metadata: EntryMetadata;
  readonly #folder: OpenFile;
  readonly #headers: OpenFile;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #used = 0;
  #entry: LayerEntry | undefined;
  #file: OpenFile | undefined;

  /**
   * @param output `folder`: path of an empty folder for the files. `headers`: file for everything else.
   */
  constructor(output: { folder: string; headers: OpenFile }, options: UnpackOptions) {
    this.#metadata = new EntryMetadata(options);
    this.#headers = output.headers;
    const flags = O.PATH | O.DIRECTORY | O.CLOEXEC;
    this.#folder = check(loadLibc().open(terminate(fromPath(output.folder)), flags, 0));
  }

  raw(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + BUFFER_SIZE - this.#used);
      this.#buffer.set(part, this.#used);
      at += part.length;
      this.#used += part.length;
      if (this.#used === BUFFER_SIZE) this.#flush();
    }
  }

  begin(entry: LayerEntry): void {
    this.#entry = entry;
    const { header, path, number } = entry;
    if (header.type !== "file" || splitPath(path).name.startsWith(WHITEOUT)) return;
    this.#metadata.explain(header, () => this.#file = createFile({ fd: this.#folder, name: `${number}` }));
  }

  content(bytes: Uint8Array<ArrayBuffer>): void {
    const file = this.#file;
    if (file !== undefined) this.#metadata.explain(this.#entry!.header, () => writeFully(file, bytes));
  }

  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    const { header } = this.#entry!;
    this.#metadata.explain(header, () => this.#metadata.set(file, header));
    this.#closeFile();
  }

  /** Writes what is left. Called after the archive. */
  finish(): void {
    this.#flush();
  }

  [Symbol.dispose](): void {
    this.#closeFile();
    loadLibc().close(this.#folder);
  }

  #flush(): void {
    writeFully(this.#headers, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #closeFile(): void {
    if (this.#file !== undefined) loadLibc().close(this.#file);
    this.#file = undefined;
  }
}
