import { join } from "@std/path";
import { decodeConfigFile } from "../decode.ts";
import {
  mergeRegistriesConf,
  parseRegistriesConf,
  parseShortNameAliases,
  type RegistriesConf,
  type ShortNameAliases,
} from "../registries/mod.ts";
import { type ConfigurationChoices, homePath, implicitPath } from "./choices.ts";
import { findHome, findUid, mayRead, readDefault, readEnv, type ReadFile, readFolder, readRequired } from "./host.ts";
import { chooseTomlParser } from "./toml.ts";

const MAIN_FILE = "/etc/containers/registries.conf";
const DROP_IN_FOLDER = "/etc/containers/registries.conf.d";

/** A file of `registries.conf` with its role. */
interface FoundFile extends ReadFile {
  /** Whether it is the main file, in which the format of version 1 is allowed. */
  readonly isMain: boolean;
}

/**
 * Loads `registries.conf` and its drop-ins as podman, buildah and skopeo do. The main file is the one in `choices`,
 * `CONTAINERS_REGISTRIES_CONF` or `REGISTRIES_CONFIG_PATH`, which must exist; or else the user's; or else the system's.
 * The drop-ins come from the folder in `choices`; or else from the system's, unless the main file is the user's, and
 * then from the user's.
 *
 * @throws {ConfigFileError} If a file is invalid.
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`.
 */
export async function loadRegistriesConf(choices: ConfigurationChoices = {}): Promise<RegistriesConf> {
  const user = homePath("registries.conf");
  const main = await findMainFile(choices, user);
  const dropIns = (await Promise.all(dropInFolders(choices, main?.path === user).map(readDropIns))).flat();
  const files = main ? [main, ...dropIns] : dropIns;
  return mergeRegistriesConf(await Promise.all(files.map(parseFile)));
}

async function findMainFile(
  choices: ConfigurationChoices,
  user: string | undefined,
): Promise<FoundFile | undefined> {
  const explicit = choices.systemRegistriesConfPath ?? readEnv("CONTAINERS_REGISTRIES_CONF") ??
    readEnv("REGISTRIES_CONFIG_PATH");
  if (explicit) return { path: explicit, bytes: await readRequired(explicit, "registries.conf"), isMain: true };
  for (const path of [user, implicitPath(MAIN_FILE, choices)]) {
    const bytes = path && await readDefault(path);
    if (bytes) return { path, bytes, isMain: true };
  }
  return undefined;
}

function dropInFolders(choices: ConfigurationChoices, mainIsUsers: boolean): string[] {
  if (choices.systemRegistriesConfDirPath) return [choices.systemRegistriesConfDirPath];
  const user = homePath("registries.conf.d");
  const folders = [mainIsUsers ? undefined : implicitPath(DROP_IN_FOLDER, choices), user];
  return folders.filter((folder) => folder !== undefined).filter(mayRead);
}

async function readDropIns(folder: string): Promise<FoundFile[]> {
  return (await readFolder(folder, ".conf")).map((file) => ({ ...file, isMain: false }));
}

/** Cache of parsed files by path: most calls find them unchanged. */
const parsed = new Map<string, { text: string; conf: RegistriesConf }>();

async function parseFile({ path, bytes, isMain }: FoundFile): Promise<RegistriesConf> {
  const text = decodeConfigFile(bytes, path);
  const key = JSON.stringify([path, isMain]);
  const cached = parsed.get(key);
  if (cached?.text === text) return cached.conf;
  const parse = await chooseTomlParser([text]);
  const conf = parseRegistriesConf(text, parse, path, { allowVersion1: isMain });
  parsed.set(key, { text, conf });
  return conf;
}

/**
 * Loads the file in which podman, buildah and skopeo record the choices of users for short names; empty if it does not
 * exist.
 *
 * @throws {ConfigFileError} If the file is invalid.
 */
export async function loadShortNameAliases(choices: ConfigurationChoices = {}): Promise<ShortNameAliases> {
  const path = choices.userShortNameAliasConfPath ?? defaultAliasPath(choices);
  const bytes = path && await readDefault(path);
  if (!bytes) return new Map();
  const text = decodeConfigFile(bytes, path);
  return parseShortNameAliases(text, await chooseTomlParser([text]), path);
}

function defaultAliasPath(choices: ConfigurationChoices): string | undefined {
  const tail = "containers/short-name-aliases.conf";
  const uid = findUid();
  if (uid === undefined) return undefined;
  if (uid === 0 && !readEnv("_CONTAINERS_ROOTLESS_UID")) return implicitPath(join("/var/cache", tail), choices);
  const home = findHome();
  const cache = readEnv("XDG_CACHE_HOME") || (home && join(home, ".cache"));
  return cache && join(cache, tail);
}
