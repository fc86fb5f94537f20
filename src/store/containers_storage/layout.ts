import { join } from "@std/path";
import { encodeBase64, encodeUtf8 } from "../../internal/room.ts";

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

/** Creates the folders by which other tools recognise a store of this driver. */
export async function makeFolders({ graphRoot, runRoot, driver, imageStore }: StoreLocation): Promise<void> {
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
