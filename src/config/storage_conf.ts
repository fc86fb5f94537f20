import { type ConfTable, parseToml, type TomlParser } from "./document/mod.ts";

/** Settings of `storage.conf` for the location of a store. A missing member is not set by any file. */
export interface StorageConf {
  /** Name of the storage driver, such as `overlay`. */
  readonly driver?: string;
  /** Root folder for persistent data. */
  readonly graphRoot?: string;
  /** Root folder for state that may be lost at a reboot. */
  readonly runRoot?: string;
  /** Root folder of the images, if it differs from `graphRoot`. */
  readonly imageStore?: string;
  /** The `graphRoot` for users other than root. */
  readonly rootlessStoragePath?: string;
  /** Root folders of additional read-only stores. */
  readonly additionalImageStores?: readonly string[];
  /** Drivers to try, in order of preference. */
  readonly driverPriority?: readonly string[];
  /** Options for unpacking layers, each `driver.key=value`. */
  readonly layerOptions?: readonly string[];
}

/** Drivers whose layers this module unpacks, and the options that concern it. */
const DRIVERS = ["overlay", "vfs"];
const LAYER_OPTIONS = ["force_mask", "ignore_chown_errors", "mount_program", "use_composefs"];

/**
 * Parses one `storage.conf` (containers-storage.conf.5).
 *
 * @param parse TOML parser to use.
 * @param path Path of the file for error messages.
 * @param before Settings of the files with lower precedence, which this file overrides or appends to.
 * @throws {ConfigFileError} If the file is invalid.
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
    layerOptions: listLayerOptions(options, before.layerOptions),
  };
  const settings = Object.entries(conf).filter(([, member]) => member !== undefined);
  return { ...before, ...Object.fromEntries(settings) };
}

/** Returns the options of the files so far, of which the last one applies; `undefined` if there are none. */
function listLayerOptions(options: ConfTable, before: readonly string[] = []): readonly string[] | undefined {
  const found = DRIVERS.flatMap((driver) =>
    LAYER_OPTIONS.flatMap((key) => {
      // Older files have these options without a table of their driver.
      const value = options.table(driver).nonEmptyText(key) ?? options.nonEmptyText(key);
      return value === undefined ? [] : [`${driver}.${key}=${value}`];
    })
  );
  const all = [...before, ...found];
  return all.length > 0 ? all : undefined;
}
