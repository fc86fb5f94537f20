import { join } from "@std/path";
import { encodeBase64, encodeUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { ignoreMissing } from "./io_errors.ts";

/** Location of a store: what `podman info` calls graphRoot, runRoot and graphDriverName. */
export interface StoreLocation {
  /** Root folder of the data that is kept. */
  readonly graphRoot: string;
  /** Root folder of the data that may be lost at a reboot, such as locks. */
  readonly runRoot: string;
  /** Storage driver: `overlay`, `vfs`, … */
  readonly driver: string;
  /** Root folder of the images; `undefined` if it is `graphRoot`. */
  readonly imageStore?: string | undefined;
  /** Root folders of additional stores, which are only read. */
  readonly additionalImageStores: readonly string[];
  /** `graphRoot` with all links resolved. */
  readonly realRoot: string;
  /** Driver options, as references print them: `key=value`. */
  readonly driverOptions: readonly string[];
  /** Options for unpacking layers, each `key=value` or `driver.key=value`; the last one applies. Default: none. */
  readonly layerOptions?: readonly string[] | undefined;
}

/** Returns the folder of the image records below a root. */
export function imagesFolder(root: string, driver: string): string {
  return join(root, `${driver}-images`);
}

/**
 * Creates the folders by which other tools recognise a store of this driver.
 *
 * @throws {ManifestsError} With code `STORE_READ_ONLY` if the store does not exist and its driver is not overlay or vfs:
 * the folders alone are not a store of such a driver, and podman refuses a root folder with those of two drivers.
 */
export async function makeFolders({ graphRoot, runRoot, driver, imageStore }: StoreLocation): Promise<void> {
  if (driver !== "overlay" && driver !== "vfs" && !await isFolder(join(graphRoot, driver))) {
    throw new ManifestsError(
      "STORE_READ_ONLY",
      `Cannot create a store with storage driver ${JSON.stringify(driver)} in ${JSON.stringify(graphRoot)}: ` +
        "use overlay or vfs, or create it with podman or buildah",
    );
  }
  const folders = [
    graphRoot,
    runRoot,
    imagesFolder(imageStore ?? graphRoot, driver),
    ...(imageStore === undefined ? [] : [join(imageStore, driver)]),
    join(graphRoot, `${driver}-layers`),
    join(graphRoot, `${driver}-containers`),
    join(graphRoot, driver),
    ...(driver === "vfs" ? [join(graphRoot, "vfs", "dir")] : []),
  ];
  for (const folder of folders) await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  if (driver === "overlay") await Deno.mkdir(join(graphRoot, "overlay", "l"), { recursive: true, mode: 0o755 });
}

async function isFolder(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(ignoreMissing))?.isDirectory ?? false;
}

/**
 * Returns the name of the file that holds a big data item (storage `makeBigDataBaseName`).
 *
 * @throws {TypeError} If the key has no safe file name.
 */
export function bigDataFile(key: string): string {
  const plain = /^[.0-9a-z]+$/.test(key);
  const name = plain ? key : `=${encodeBase64(encodeUtf8(key))}`;
  if (key === "" || key === "." || key === ".." || name.includes("/")) {
    throw new TypeError(`Cannot name a data item ${JSON.stringify(key)}: it has no safe file name`);
  }
  return name;
}
