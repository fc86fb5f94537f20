import { basename, dirname, isAbsolute, join, resolve } from "@std/path";
import { ManifestsError } from "../../spec/room.ts";
import { decodeConfigFile } from "../decode.ts";
import { parseStorageConf, type StorageConf } from "../storage_conf.ts";
import { currentUid, findHome, findUid, listFiles, mayRead, readEnv, readOptional, readRequired } from "./host.ts";
import { chooseTomlParser } from "./toml.ts";

/** Properties of a store that the caller sets. Others have defaults. */
export interface StoreChoice {
  /** Root folder for persistent data. Default: as configured. */
  readonly root?: string | undefined;
  /** Root folder for state that may be lost at a reboot. Default: as configured. */
  readonly runRoot?: string | undefined;
  /**
   * Name of the storage driver. Default: `STORAGE_DRIVER`, or else as configured, or else that of the existing store.
   */
  readonly driver?: string | undefined;
  /** Driver options. Default: `STORAGE_OPTS`, or else those of `storage.conf`. */
  readonly driverOptions?: readonly string[] | undefined;
  /** Root folder of the image records. Default: as configured, or else `root`. */
  readonly imageStore?: string | undefined;
}

/** Location of a store: the `StoreLocation` of the store room. */
export interface FoundStore {
  graphRoot: string;
  runRoot: string;
  realRoot: string;
  driver: string;
  imageStore: string | undefined;
  additionalImageStores: readonly string[];
  driverOptions: readonly string[];
  layerOptions: readonly string[];
}

/**
 * Order in which podman and buildah look for the driver of an existing store. They use vfs only if it is configured.
 */
const DRIVER_PRIORITY = ["overlay", "btrfs", "zfs"];

/** All drivers of current and earlier versions of containers/storage. */
const DRIVERS = ["overlay", "overlay2", "vfs", "btrfs", "zfs", "aufs", "devicemapper"];

/**
 * Finds the store that podman and buildah would use. In this order: the options, `STORAGE_DRIVER`, `storage.conf` with
 * its drop-ins, the existing content of the root folders, and built-in defaults.
 *
 * @throws {ConfigFileError} If a file is invalid.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID` if the driver or one of its options is unknown or cannot be
 * determined, or `CONFIG_FILE_UNREADABLE`.
 */
export async function findStore(choice: StoreChoice): Promise<FoundStore> {
  // If the caller sets everything, the configuration and the permission to read it are not required.
  const complete = choice.root && choice.runRoot && choice.driver;
  const conf = complete && !mayReadConfiguration() ? {} : await loadStorageConf();
  const { graphRoot, runRoot } = choice.root && choice.runRoot
    ? { graphRoot: choice.root, runRoot: choice.runRoot }
    : await roots(conf);
  const root = choice.root ? resolve(choice.root) : graphRoot;
  const named = choice.driver || readEnv("STORAGE_DRIVER") || conf.driver;
  const found = named || await priorDriver(root, conf.driverPriority ?? DRIVER_PRIORITY) || "overlay";
  if (!DRIVERS.includes(found)) {
    throw new ManifestsError(
      "CONFIG_FILE_INVALID",
      `Cannot open a store with storage driver ${JSON.stringify(found)}: it must be one of ${DRIVERS.join(", ")}`,
    );
  }
  const driver = found === "overlay2" ? "overlay" : found;
  const realRoot = await realPath(root);
  const driverOptions = (choice.driverOptions ?? readEnv("STORAGE_OPTS")?.split(","))?.filter(Boolean);
  const imageStore = choice.imageStore || conf.imageStore;
  return {
    graphRoot: root,
    runRoot: choice.runRoot ? resolve(choice.runRoot) : runRoot,
    driver,
    imageStore: imageStore && (await withoutSelf(realRoot, [resolve(imageStore)]))[0],
    realRoot,
    // Driver options replace those of the configuration, which include its additional stores.
    additionalImageStores: await withoutSelf(
      realRoot,
      driverOptions ? additionalStores(driverOptions, driver) : conf.additionalImageStores ?? [],
    ),
    driverOptions: driverOptions ?? [],
    layerOptions: driverOptions ?? conf.layerOptions ?? [],
  };
}

/** Resolves the symbolic links in a path whose end may not exist. */
async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) || dirname(path) === path) return path;
    return join(await realPath(dirname(path)), basename(path));
  }
}

/** Removes the store itself from its additional stores. */
async function withoutSelf(realRoot: string, roots: readonly string[]): Promise<string[]> {
  const others: string[] = [];
  for (const root of roots) if (await realPath(resolve(root)) !== realRoot) others.push(root);
  return others;
}

/**
 * Returns the additional stores in driver options. `imagestore` and `additionalimagestore` are equivalent in podman and
 * buildah, and both are read-only. The name of a driver and a dot may precede an option; options of other drivers are
 * ignored.
 */
function additionalStores(options: readonly string[], driver: string): string[] {
  const stores: string[] = [];
  for (const option of options) {
    const [, prefix = "", name, value] = /^(?:([^.=]*)\.)?([^=]*)=?(.*)$/s.exec(option.trim())!;
    const owner = prefix.toLowerCase();
    if (owner !== "" && !DRIVERS.includes(owner)) {
      throw new ManifestsError(
        "CONFIG_FILE_INVALID",
        `Cannot open a store with option ${JSON.stringify(option)}: unknown storage driver ${
          JSON.stringify(prefix)
        }: ` +
          `use one of ${DRIVERS.join(", ")}`,
      );
    }
    const applies = owner === "" || owner === driver || (owner === "overlay2" && driver === "overlay");
    if (!applies || !/^(additional)?imagestore$/i.test(name!.trim())) continue;
    stores.push(...value!.split(",").map((path) => path.trim()).filter(Boolean));
  }
  return stores;
}

function mayReadConfiguration(): boolean {
  return mayRead("/etc/containers") && findUid() !== undefined;
}

function isRootless(): boolean {
  return currentUid() !== 0 || Boolean(Number(readEnv("_CONTAINERS_ROOTLESS_UID") ?? 0));
}

async function roots(conf: StorageConf): Promise<{ graphRoot: string; runRoot: string }> {
  const expand = (path: string | undefined) => path === undefined ? undefined : expandPath(path);
  if (!isRootless()) {
    return {
      graphRoot: await expand(conf.graphRoot) ?? "/var/lib/containers/storage",
      runRoot: await expand(conf.runRoot) ?? "/run/containers/storage",
    };
  }
  const data = readEnv("XDG_DATA_HOME") || join(findHome() ?? "/", ".local/share");
  const runtime = await runtimeFolder();
  return {
    graphRoot: await expand(conf.graphRoot) ?? await expand(conf.rootlessStoragePath) ??
      join(data, "containers/storage"),
    runRoot: await expand(conf.runRoot) ?? join(runtime, "containers"),
  };
}

/** Finds the folder for a user's state that may be lost at a reboot, as podman and buildah do. */
async function runtimeFolder(): Promise<string> {
  const uid = currentUid();
  const named = readEnv("XDG_RUNTIME_DIR");
  if (named) return await Deno.realPath(named).catch(() => named);
  const userFolder = `/run/user/${uid}`;
  const info = await Deno.stat(userFolder).catch(() => undefined);
  const isPrivate = info?.isDirectory && info.uid === uid && ((info.mode ?? 0) & 0o022) === 0;
  return isPrivate ? userFolder : join(readEnv("TMPDIR") || "/tmp", `storage-run-${uid}`);
}

/** Expands `$UID` and other variables, and resolves symbolic links if the path exists. */
async function expandPath(path: string): Promise<string> {
  const uid = readEnv("_CONTAINERS_ROOTLESS_UID") ?? String(currentUid());
  const expanded = path.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (_, braced?: string, bare?: string) => (braced ?? bare) === "UID" ? uid : readEnv(braced ?? bare!) ?? "",
  );
  const absolute = isAbsolute(expanded) ? expanded : resolve(expanded);
  return await Deno.realPath(absolute).catch(() => resolve(absolute));
}

/** Finds the driver of an existing store: the first by priority that has a folder in it. */
async function priorDriver(root: string, priority: readonly string[]): Promise<string | undefined> {
  const existing: string[] = [];
  for (const driver of new Set([...priority, ...DRIVER_PRIORITY, "vfs"])) {
    const found = await Deno.stat(join(root, driver)).catch(() => undefined);
    if (found?.isDirectory) existing.push(driver);
  }
  const prior = priority.find((driver) => existing.includes(driver));
  if (prior === undefined || existing.length === 1) return prior;
  throw new ManifestsError(
    "CONFIG_FILE_INVALID",
    `Cannot choose a storage driver: ${root} contains several valid graphdrivers: ${existing.join(", ")}: name one`,
  );
}

async function loadStorageConf(): Promise<StorageConf> {
  const explicit = readEnv("CONTAINERS_STORAGE_CONF");
  const override = readEnv("CONTAINERS_STORAGE_CONF_OVERRIDE");
  const files = explicit
    ? [[explicit, await readRequired(explicit, "storage configuration")] as const]
    : [...await mainFile(), ...await dropIns()];
  if (override) files.push([override, await readRequired(override, "storage configuration")]);
  const texts = files.map(([path, bytes]) => decodeConfigFile(bytes, path));
  const parse = await chooseTomlParser(texts);
  return texts.reduce<StorageConf>((conf, text, i) => parseStorageConf(text, parse, files[i]![0], conf), {});
}

type ConfFile = readonly [path: string, bytes: Uint8Array];

function userFolder(): string | undefined {
  const home = findHome();
  return readEnv("XDG_CONFIG_HOME") || (home && join(home, ".config"));
}

/** Reads the main file: the first one that exists. */
async function mainFile(): Promise<ConfFile[]> {
  const user = userFolder();
  const paths = [
    ...(user ? [join(user, "containers/storage.conf")] : []),
    "/etc/containers/storage.conf",
    "/usr/share/containers/storage.conf",
  ];
  for (const path of paths) {
    const bytes = await readOptional(path);
    if (bytes) return [[path, bytes]];
  }
  return [];
}

/** Reads the drop-ins in order of their file names. For equal names, the folder of higher precedence is used. */
async function dropIns(): Promise<ConfFile[]> {
  const user = userFolder();
  const uid = currentUid();
  const modeFolders = isRootless()
    ? ["storage.rootless.conf.d", `storage.rootless.conf.d/${uid}`]
    : ["storage.rootful.conf.d"];
  const folders = ["/usr/share/containers", "/etc/containers"].flatMap((root) =>
    ["storage.conf.d", ...modeFolders].map((folder) => join(root, folder))
  );
  if (user) folders.push(join(user, "containers/storage.conf.d"));
  const byName = new Map<string, string>();
  for (const folder of folders) {
    for (const name of await listFiles(folder, ".conf")) byName.set(name, join(folder, name));
  }
  const sorted = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
  return await Promise.all(
    sorted.map(async ([, path]): Promise<ConfFile> => [path, await readRequired(path, "storage configuration")]),
  );
}
