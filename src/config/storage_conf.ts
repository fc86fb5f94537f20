import { isObject, ManifestsError } from "../spec/mod.ts";

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
 * Reads `storage.conf`.
 *
 * @param parse A TOML parser.
 * @param path Names the file in errors.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID` that names file and key.
 */
export function parseStorageConf(text: string, parse: (text: string) => unknown, path: string): StorageConf {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new ManifestsError("CONFIG_FILE_INVALID", `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  const storage = tableOf(value, "storage", path);
  const options = tableOf(storage, "options", path);
  const conf: { [K in keyof StorageConf]?: StorageConf[K] | undefined } = {
    driver: textOf(storage, "driver", path),
    graphRoot: textOf(storage, "graphroot", path),
    runRoot: textOf(storage, "runroot", path),
    imageStore: textOf(storage, "imagestore", path),
    rootlessStoragePath: textOf(storage, "rootless_storage_path", path),
    additionalImageStores: textsOf(options, "additionalimagestores", path),
    driverPriority: textsOf(storage, "driver_priority", path),
  };
  return Object.fromEntries(Object.entries(conf).filter(([, member]) => member !== undefined)) as StorageConf;
}

function tableOf(from: unknown, key: string, path: string): Record<string, unknown> {
  const value = isObject(from) ? from[key] ?? {} : {};
  return isObject(value) ? value : fail(path, key, "a table");
}

function textOf(table: Record<string, unknown>, key: string, path: string): string | undefined {
  const value = table[key];
  if (value === undefined || value === "") return undefined;
  return typeof value === "string" ? value : fail(path, key, "a string");
}

function textsOf(table: Record<string, unknown>, key: string, path: string): string[] | undefined {
  const value = table[key];
  if (value === undefined) return undefined;
  const items = Array.isArray(value) ? value.filter((item) => !isAppend(item)) : [value];
  return items.every((item) => typeof item === "string") && Array.isArray(value)
    ? items
    : fail(path, key, "an array of strings");
}

/** The item that says that an array adds to the one of the file before. */
function isAppend(item: unknown): boolean {
  return isObject(item) && item.append === true;
}

function fail(path: string, key: string, expected: string): never {
  throw new ManifestsError("CONFIG_FILE_INVALID", `Cannot read ${path} as ${key} must be ${expected}`);
}
