import { openStore } from "../../mod.ts";
import type { ImageStore } from "../../src/store/room.ts";
import { exec } from "./peers.ts";

/** A store in a temporary folder, and the flags by which other tools use the same. */
export interface TestStore extends AsyncDisposable {
  folder: string;
  root: string;
  runRoot: string;
  driver: string;
  /** `--root … --runroot … --storage-driver …`. */
  flags: string[];
  store: ImageStore;
}

/** Makes a store that ends with its scope. */
export async function makeStore(driver = "vfs"): Promise<TestStore> {
  const folder = await Deno.makeTempDir({ prefix: "store-" });
  const [root, runRoot] = [`${folder}/root`, `${folder}/run`];
  // Elsewhere there are no other tools to lock out.
  const locking = Deno.build.os === "linux" ? "shared" : "deno-only";
  const store = await openStore({ root, runRoot, driver, locking });
  return {
    folder,
    root,
    runRoot,
    driver,
    flags: ["--root", root, "--runroot", runRoot, "--storage-driver", driver],
    store,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      // Podman and buildah leave the overlay folder mounted on itself.
      const mounts = await Deno.readTextFile("/proc/mounts").catch(() => "");
      if (mounts.includes(`${root}/overlay`)) await exec(["umount", `${root}/overlay`]);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The only `images.json` of a store, as JSON. */
export async function readImagesJson({ root, driver }: TestStore): Promise<Record<string, unknown>[]> {
  return JSON.parse(await Deno.readTextFile(`${root}/${driver}-images/images.json`));
}

/** The reference of an image in a store. */
export function storageName(
  { driver, root, runRoot }: Pick<TestStore, "driver" | "root" | "runRoot">,
  name: string,
): string {
  return `containers-storage:[${driver}@${root}+${runRoot}]${name}`;
}
