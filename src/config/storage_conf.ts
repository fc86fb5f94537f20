import { parseToml, type TomlParser } from "./document/mod.ts";

/** What `storage.conf` says about where a store is. */
export interface StorageConf {
  /** Storage driver. */
  readonly driver?: string;
  /** Root of what lasts. */
  readonly graphRoot?: string;
  /** Root of what a reboot may forget. */
  readonly runRoot?: string;
  /** Root of the images, where it is another. */
  readonly imageStore?: string;
  /** `graphRoot` of users other than root. */
  readonly rootlessStoragePath?: string;
  /** Roots of stores that are only read. */
  readonly additionalImageStores?: readonly string[];
  /** Drivers to try, best first. */
  readonly driverPriority?: readonly string[];
}

/**
 * Reads one `storage.conf`.
 *
 * @param parse A TOML parser.
 * @param path Names the file in errors.
 * @param before What the files before it say, to which its arrays may add.
 * @throws {ConfigFileError} That names file, line and key.
 */
export function parseStorageConf(
  text: string,
  parse: TomlParser,
  path: string,
  before: StorageConf = {},
): StorageConf {
  const storage = parseToml(text, parse, path).table("storage");
  const options = storage.table("options");
  const conf: { [K in keyof StorageConf]?: StorageConf[K] | undefined } = {
    driver: storage.nonEmptyText("driver"),
    graphRoot: storage.nonEmptyText("graphroot"),
    runRoot: storage.nonEmptyText("runroot"),
    imageStore: storage.nonEmptyText("imagestore"),
    rootlessStoragePath: storage.nonEmptyText("rootless_storage_path"),
    additionalImageStores: options.texts("additionalimagestores", before.additionalImageStores),
    driverPriority: storage.texts("driver_priority", before.driverPriority),
  };
  const said = Object.entries(conf).filter(([, member]) => member !== undefined);
  return { ...before, ...Object.fromEntries(said) };
}
