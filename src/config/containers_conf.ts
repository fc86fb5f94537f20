import { parseToml, type TomlParser } from "./document/mod.ts";

/** What `containers.conf` says about images (`[engine]`). */
export interface ContainersConf {
  /** Compression algorithms of which each pushed image of a list gets a variant. */
  readonly addCompression?: readonly string[];
  /** Algorithm for layers that are compressed on the way. */
  readonly compressionFormat?: string;
  /** Level of that compression. */
  readonly compressionLevel?: number;
  /** Folder for temporary files of copies; `storage` means below the store. */
  readonly imageCopyTmpDir?: string;
  /** Transport of names that say none, as in `docker://`. */
  readonly imageDefaultTransport?: string;
  /** How many layers are copied at once; 0 means as many as is usual. */
  readonly imageParallelCopies?: number;
  /** How often what failed is tried again. */
  readonly retry?: number;
  /** How long to wait before that, as Go writes durations, such as `5s`. */
  readonly retryDelay?: string;
}

/**
 * Reads one `containers.conf` (containers.conf.5).
 *
 * @param path Names the file in errors.
 * @param before What the files before it say, which it adds to and overrides.
 * @throws {ConfigFileError} That names file, line and key.
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
  const said = Object.entries(conf).filter(([, member]) => member !== undefined);
  return { ...before, ...Object.fromEntries(said) };
}
