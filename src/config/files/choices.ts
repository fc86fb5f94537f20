import { join } from "@std/path";
import { readEnv } from "./host.ts";

/** What a caller says about where configuration is; the rest is found. The names are those of `SystemContext`. */
export interface ConfigurationChoices {
  /** The only `registries.conf`. */
  readonly systemRegistriesConfPath?: string | undefined;
  /** The only folder of its drop-ins. */
  readonly systemRegistriesConfDirPath?: string | undefined;
  /** The file of aliases that a person chose. */
  readonly userShortNameAliasConfPath?: string | undefined;
  /** The only `policy.json`. */
  readonly signaturePolicyPath?: string | undefined;
  /** The only folder of `registries.d`. */
  readonly registriesDirPath?: string | undefined;
  /** The only credential file. */
  readonly authFilePath?: string | undefined;
  /** The only credential file, of Docker's format. */
  readonly dockerCompatAuthFilePath?: string | undefined;
  /** The only credential file, of the format of `.dockercfg`. */
  readonly legacyFormatAuthFilePath?: string | undefined;
  /** The folder with the certificates of whatever registry. */
  readonly dockerCertPath?: string | undefined;
  /** The folder with a folder of certificates per registry. */
  readonly dockerPerHostCertDirPath?: string | undefined;
  /** What stands before absolute paths that nobody named. */
  readonly rootForImplicitAbsolutePaths?: string | undefined;
}

/** An absolute path that is built in, below the root for such paths. */
export function implicitPath(path: string, { rootForImplicitAbsolutePaths: root }: ConfigurationChoices): string {
  return root ? join(root, path) : path;
}

/** A path below `~/.config/containers`; `undefined` where there is no home. */
export function homePath(path: string): string | undefined {
  const home = readEnv("HOME");
  return home ? join(home, ".config/containers", path) : undefined;
}
