import { parseToml, type TomlParser } from "./document/mod.ts";

/** Settings of `containers.conf` for images (table `[engine]`). A missing member is not set by any file. */
export interface ContainersConf {
  /** Compression algorithms for which a push adds a variant of each instance of a list. */
  readonly addCompression?: readonly string[];
  /** Compression algorithm for layers that a copy compresses. */
  readonly compressionFormat?: string;
  /** Compression level for `compressionFormat`. */
  readonly compressionLevel?: number;
  /** Folder for temporary files of copies. `storage` stands for a folder inside the store. */
  readonly imageCopyTmpDir?: string;
  /** Transport of image names without one, such as `docker://`. */
  readonly imageDefaultTransport?: string;
  /** Maximum number of layers that are copied concurrently. 0 stands for the built-in default. */
  readonly imageParallelCopies?: number;
  /** Maximum number of retries after a failure. */
  readonly retry?: number;
  /** Delay before a retry as a Go duration, such as `5s`. */
  readonly retryDelay?: string;
}

/**
 * Parses one `containers.conf` (containers.conf.5).
 *
 * @param path Path of the file for error messages.
 * @param before Settings of the files with lower precedence, which this file overrides or appends to.
 * @throws {ConfigFileError} If the file is invalid.
 */
export function parseContainersConf(
  text: string,
  parse: TomlParser,
  path: string,
  before: ContainersConf = {},
): ContainersConf {
  const engine = parseToml(text, parse, path).table("engine");
  const conf: { [K in keyof ContainersConf]?: ContainersConf[K] | undefined } = {
    addCompression: engine.texts("add_compression", before.addCompression),
    compressionFormat: engine.nonEmptyText("compression_format"),
    compressionLevel: engine.count("compression_level"),
    imageCopyTmpDir: engine.nonEmptyText("image_copy_tmp_dir"),
    imageDefaultTransport: engine.nonEmptyText("image_default_transport"),
    imageParallelCopies: engine.count("image_parallel_copies"),
    retry: engine.count("retry"),
    retryDelay: engine.nonEmptyText("retry_delay"),
  };
  const settings = Object.entries(conf).filter(([, member]) => member !== undefined);
  return { ...before, ...Object.fromEntries(settings) };
}
