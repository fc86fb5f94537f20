import { join } from "@std/path";
import { encodeBase64, encodeUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/** Where a store is: what `podman info` calls graphRoot, runRoot and graphDriverName. */
export interface StoreLocation {
  /** Root of what lasts. */
  readonly graphRoot: string;
  /** Root of what a reboot may forget. */
  readonly runRoot: string;
  /** Storage driver: `overlay`, `vfs`, … */
  readonly driver: string;
  /** Root of the images, where it is not `graphRoot`. */
  readonly imageStore?: string | undefined;
  /** Roots of stores that are only read. */
  readonly additionalImageStores: readonly string[];
  /** `graphRoot` without links in it. */
  readonly realRoot: string;
  /** Driver options as references print them. */
  readonly driverOptions: readonly string[];
}

/** The folder of a store's image records. */
export function imagesFolder(root: string, driver: string): string {
  return join(root, `${driver}-images`);
}

/** Makes the folders by which other tools recognise a store of this driver. */
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
 * The name of the file that holds a big data item (storage `makeBigDataBaseName`).
 *
 * @throws {ManifestsError} With code `BIG_DATA_UNKNOWN` for a key that has no safe file name.
 */
export function bigDataFile(key: string): string {
  const plain = /^[.0-9a-z]+$/.test(key);
  const name = plain ? key : `=${encodeBase64(encodeUtf8(key))}`;
  if (key === "" || key === "." || key === ".." || name.includes("/")) {
    throw new ManifestsError("BIG_DATA_UNKNOWN", `Cannot use ${JSON.stringify(key)} as a name for a big data item`);
  }
  return name;
}
