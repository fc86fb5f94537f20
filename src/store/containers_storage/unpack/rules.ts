import { join } from "@std/path";
import { ManifestsError } from "../../../spec/room.ts";
import { isLayerDriver, type LayerDriver } from "../layers/layer_roots.ts";
import type { StoreLocation } from "../layout.ts";
import { findRights } from "./rights.ts";

/** How a driver stores layers, and what this process may do. */
export interface UnpackRules {
  /** Storage driver, which determines the layout of layers and whiteouts. */
  readonly driver: LayerDriver;
  /**
   * True in a user namespace or without the rights of root: devices are skipped, and attributes that only root may set
   * are ignored or replaced (storage `unshare.IsRootless`).
   */
  readonly limited: boolean;
  /** True if whiteouts are stored as files, for a program that mounts layers instead of the kernel. */
  readonly plainWhiteouts: boolean;
  /** True if owners that cannot be set are ignored (`ignore_chown_errors`). */
  readonly ignoresOwnerErrors: boolean;
}

/**
 * Finds the rules for a store.
 *
 * @param store Store specifier, for messages.
 * @throws {ManifestsError} With code `STORE_READ_ONLY` if this module cannot unpack layers into such a store, or may not;
 * `LOCK_UNAVAILABLE` without `--allow-ffi`.
 */
export async function findRules(location: StoreLocation, store: string): Promise<UnpackRules> {
  const { driver } = location;
  const fail = (problem: string): never => {
    throw new ManifestsError(
      "STORE_READ_ONLY",
      `Cannot write images to ${store}: ${problem}: use podman pull or skopeo copy`,
    );
  };
  if (!isLayerDriver(driver)) {
    return fail(`layers of storage driver ${JSON.stringify(driver)} are not supported`);
  }
  const option = (key: string) => findOption(location, key);
  if (option("force_mask")) fail("force_mask is not supported");
  if (option("use_composefs") === "true") fail("use_composefs is not supported");
  const plainWhiteouts = driver === "overlay" && (Boolean(option("mount_program")) || await hasMountProgram(location));
  const ignoresOwnerErrors = option("ignore_chown_errors") === "true";
  return { driver, ...findRights(store), plainWhiteouts, ignoresOwnerErrors };
}

/** Finds the last value of an option of the driver. */
function findOption({ driver, layerOptions = [] }: StoreLocation, key: string): string | undefined {
  const values = layerOptions.flatMap((option) => {
    const [, prefix, name, value] = /^\s*(?:([^.=]*)\.)?([^=]*?)\s*=\s*(.*?)\s*$/s.exec(option) ?? [];
    const applies = !prefix || prefix === driver || prefix === `${driver}2`;
    return applies && name === key ? [value!] : [];
  });
  return values.at(-1);
}

/** True if the layers of a store were unpacked for a program that mounts them, as the store remembers. */
async function hasMountProgram({ imageStore, graphRoot }: StoreLocation): Promise<boolean> {
  const path = join(imageStore ?? graphRoot, "overlay", ".has-mount-program");
  return await Deno.readTextFile(path).then((text) => text.trim() === "true", () => false);
}
