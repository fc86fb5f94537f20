import type { TarHeader } from "../../../internal/tar/room.ts";
import type { ByteText } from "./byte_text.ts";

/** Beginning of the names of entries that remove files of lower layers (OCI image-spec, "Whiteouts"). */
export const WHITEOUT = ".wh.";
/** Name of the entry that hides everything that lower layers have in its folder. */
export const OPAQUE = ".wh..wh..opq";

/** An entry of an archive. */
export interface LayerEntry {
  /** Header with its extensions applied. */
  readonly header: TarHeader;
  /** Cleaned name; `""` for the top of the layer. Begins with `..` if it leads out of the layer. */
  readonly path: ByteText;
  /** Number of entries before this one. */
  readonly number: number;
}

/** Receives the entries of an archive with their content. Bytes are valid during the call only. */
export interface EntryWriter extends Disposable {
  /** Called after the header of each entry. */
  begin(entry: LayerEntry): void;
  /** Called with the parts of the content of the entry. */
  content(bytes: Uint8Array<ArrayBuffer>): void;
  /** Called after the content of the entry. */
  end(): void;
}
