import { basename, dirname, isAbsolute, join, resolve } from "@std/path";
import { ManifestsError } from "../../spec/room.ts";
import { decodeConfigFile } from "../decode.ts";
import { parseStorageConf, type StorageConf } from "../storage_conf.ts";
import { currentUid, findUid, listFiles, mayRead, readEnv, readOptional, readRequired } from "./host.ts";

/** What a caller says about a store; the rest is found. */
export interface StoreChoice {
  /** Root of what lasts. */
  readonly root?: string | undefined;
  /** Root of what a reboot may forget. */
  readonly runRoot?: string | undefined;
  /** Storage driver. */
  readonly driver?: string | undefined;
  /** Driver options; default: `STORAGE_OPTS`, else those of `storage.conf`. */
  readonly driverOptions?: readonly string[] | undefined;
  /** Root of the image records, where it is not the root of what lasts. */
  readonly imageStore?: string | undefined;
}

/** A store as it was found; the store room's `StoreLocation`. */
export interface FoundStore {
  graphRoot: string;
  runRoot: string;
  realRoot: string;
  driver: string;
  imageStore: string | undefined;
  additionalImageStores: readonly string[];
  driverOptions: readonly string[];
}

/** Drivers as the real tools try them on stores that are there already; vfs only if the configuration names it. */
const DRIVER_PRIORITY = ["overlay", "btrfs", "zfs"];

/** Every driver that a tool of the last years has had. */
const DRIVERS = ["overlay", "overlay2", "vfs", "btrfs", "zfs", "aufs", "devicemapper"];

/**
 * Finds the store that podman and buildah would use: options, then `STORAGE_DRIVER`, then `storage.conf` with its
 * drop-ins, then what the roots hold already, then defaults.
 */
export async function findStore(choice: StoreChoice): Promise<FoundStore> {
  // Who names everything needs no configuration, and no permission to read it.
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
      `Cannot open a store with storage driver ${JSON.stringify(found)} as that is none of ${DRIVERS.join(", ")}`,
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
    // Driver options replace those of the configuration, of which its additional stores are some.
    additionalImageStores: await withoutSelf(
      realRoot,
      driverOptions ? additionalStores(driverOptions, driver) : conf.additionalImageStores ?? [],
    ),
    driverOptions: driverOptions ?? [],
  };
}

/** A path without links in it, also where its end is not there yet. */
async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) || dirname(path) === path) return path;
    return join(await realPath(dirname(path)), basename(path));
  }
}

/** A store is not its own additional store, whatever a configuration says. */
async function withoutSelf(realRoot: string, roots: readonly string[]): Promise<string[]> {
  const others: string[] = [];
  for (const root of roots) if (await realPath(resolve(root)) !== realRoot) others.push(root);
  return others;
}

/**
 * The additional stores that driver options name: `imagestore` and `additionalimagestore` are the same for the real
 * tools, and both are only read. The driver's name, or nothing, may stand before the option with a dot; options of
 * other drivers do not matter.
 */
function additionalStores(options: readonly string[], driver: string): string[] {
  const stores: string[] = [];
  for (const option of options) {
    const [, prefix = "", name, value] = /^(?:([^.=]*)\.)?([^=]*)=?(.*)$/s.exec(option.trim())!;
    const owner = prefix.toLowerCase();
    if (owner !== "" && !DRIVERS.includes(owner)) {
      throw new ManifestsError(
        "CONFIG_FILE_INVALID",
        `Cannot open a store with option ${JSON.stringify(option)}: there is no storage driver ${
          JSON.stringify(prefix)
        }, only ${DRIVERS.join(", ")}`,
      );
    }
    const isOurs = owner === "" || owner === driver || (owner === "overlay2" && driver === "overlay");
    if (!isOurs || !/^(additional)?imagestore$/i.test(name!.trim())) continue;
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
  const data = readEnv("XDG_DATA_HOME") || join(readEnv("HOME") ?? "/", ".local/share");
  const runtime = await runtimeFolder();
  return {
    graphRoot: await expand(conf.graphRoot) ?? await expand(conf.rootlessStoragePath) ??
      join(data, "containers/storage"),
    runRoot: await expand(conf.runRoot) ?? join(runtime, "containers"),
  };
}

/** Where a user's state goes that a reboot may forget: as the real tools choose it. */
async function runtimeFolder(): Promise<string> {
  const uid = currentUid();
  const named = readEnv("XDG_RUNTIME_DIR");
  if (named) return await Deno.realPath(named).catch(() => named);
  const usual = `/run/user/${uid}`;
  const found = await Deno.stat(usual).catch(() => undefined);
  const ours = found?.isDirectory && found.uid === uid && ((found.mode ?? 0) & 0o022) === 0;
  return ours ? usual : join(readEnv("TMPDIR") || "/tmp", `storage-run-${uid}`);
}

/** `$UID` and other variables expanded, links resolved where the path is there. */
async function expandPath(path: string): Promise<string> {
  const uid = readEnv("_CONTAINERS_ROOTLESS_UID") ?? String(currentUid());
  const expanded = path.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (_, braced?: string, bare?: string) => (braced ?? bare) === "UID" ? uid : readEnv(braced ?? bare!) ?? "",
  );
  const absolute = isAbsolute(expanded) ? expanded : resolve(expanded);
  return await Deno.realPath(absolute).catch(() => resolve(absolute));
}

/** The driver of a store that is there: the first by priority that has a folder of its own. */
async function priorDriver(root: string, priority: readonly string[]): Promise<string | undefined> {
  const there: string[] = [];
  for (const driver of new Set([...priority, ...DRIVER_PRIORITY, "vfs"])) {
    const found = await Deno.stat(join(root, driver)).catch(() => undefined);
    if (found?.isDirectory) there.push(driver);
  }
  const prior = priority.find((driver) => there.includes(driver));
  if (prior === undefined || there.length === 1) return prior;
  throw new ManifestsError(
    "CONFIG_FILE_INVALID",
    `Cannot choose a storage driver as ${root} contains several valid graphdrivers: ${there.join(", ")}: name one`,
  );
}

async function loadStorageConf(): Promise<StorageConf> {
  const explicit = readEnv("CONTAINERS_STORAGE_CONF");
  const override = readEnv("CONTAINERS_STORAGE_CONF_OVERRIDE");
  const files = explicit
    ? [[explicit, await readRequired(explicit, "storage configuration")] as const]
    : [...await mainFile(), ...await dropIns()];
  if (override) files.push([override, await readRequired(override, "storage configuration")]);
  if (files.length === 0) return {};
  const { parse } = await import("smol-toml");
  return files.reduce<StorageConf>(
    (conf, [path, bytes]) => parseStorageConf(decodeConfigFile(bytes, path), parse, path, conf),
    {},
  );
}

type ConfFile = readonly [path: string, bytes: Uint8Array];

function userFolder(): string | undefined {
  const home = readEnv("HOME");
  return readEnv("XDG_CONFIG_HOME") || (home && join(home, ".config"));
}

/** The first file that is there is the only main one. */
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

/** Drop-ins in the order in which they apply: by file name; of one name, the folder of higher rank counts. */
async function dropIns(): Promise<ConfFile[]> {
  const user = userFolder();
  const uid = currentUid();
  const own = isRootless() ? ["storage.rootless.conf.d", `storage.rootless.conf.d/${uid}`] : ["storage.rootful.conf.d"];
  const folders = ["/usr/share/containers", "/etc/containers"].flatMap((root) =>
    ["storage.conf.d", ...own].map((folder) => join(root, folder))
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
