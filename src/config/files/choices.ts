import { join } from "@std/path";
import { findHome } from "./host.ts";

/**
 * Locations of configuration files that the caller sets. Others have defaults. The names are those of `SystemContext`.
 */
export interface ConfigurationChoices {
  /** Path of `registries.conf`. Default: the user's, or else the system's. */
  readonly systemRegistriesConfPath?: string | undefined;
  /** Folder of the drop-ins of `registries.conf`. Default: the system's and the user's. */
  readonly systemRegistriesConfDirPath?: string | undefined;
  /** Path of the file with the user's short-name aliases. Default: that of podman. */
  readonly userShortNameAliasConfPath?: string | undefined;
  /** Path of `policy.json`. Default: the user's, or else the system's. */
  readonly signaturePolicyPath?: string | undefined;
  /** Folder of `registries.d` files. Default: the user's, or else the system's. */
  readonly registriesDirPath?: string | undefined;
  /** Path of the credential file. Default: the files of podman and Docker. */
  readonly authFilePath?: string | undefined;
  /** Path of the credential file, in Docker's format. Not allowed together with `authFilePath`. */
  readonly dockerCompatAuthFilePath?: string | undefined;
  /** Path of the credential file, in the format of `.dockercfg`. */
  readonly legacyFormatAuthFilePath?: string | undefined;
  /** Folder with the certificates for every registry. Default: the `certs.d` folders. */
  readonly dockerCertPath?: string | undefined;
  /** Folder that contains one folder of certificates per registry. Default: the `certs.d` folders. */
  readonly dockerPerHostCertDirPath?: string | undefined;
  /** Folder that is prepended to built-in absolute paths. Default: none. */
  readonly rootForImplicitAbsolutePaths?: string | undefined;
}

/** Returns a built-in absolute path, below `rootForImplicitAbsolutePaths` if that is set. */
export function implicitPath(path: string, { rootForImplicitAbsolutePaths: root }: ConfigurationChoices): string {
  return root ? join(root, path) : path;
}

/** Returns a path below `~/.config/containers`; `undefined` if `HOME` is not set. */
export function homePath(path: string): string | undefined {
  const home = findHome();
  return home ? join(home, ".config/containers", path) : undefined;
}
