import type { FlagDefinition } from "./flag_definition.ts";

/** Options before the subcommand. */
export interface GlobalFlags {
  root?: string;
  runroot?: string;
  storageDriver?: string;
  storageOpt?: string[];
  imagestore?: string;
  logLevel?: string;
  registriesConf?: string;
  registriesConfDir?: string;
  shortNameAliasConf?: string;
  help?: boolean;
  version?: boolean;
  remote?: boolean;
}

const text = (name: string, value: string, description: string): FlagDefinition => (
  { name, kind: "text", value, description }
);
const hidden = (kind: "text" | "array" | "boolean", ...names: string[]): FlagDefinition[] =>
  names.map((name) => ({
    name,
    kind,
    description: "accepted",
    hidden: true,
    ...(kind === "boolean" ? {} : { value: "VALUE" }),
  }));

/** What podman and buildah take to reach a service elsewhere: the store would be another one. */
export const SERVICE_FLAGS: readonly string[] = ["remote", "url", "connection", "context", "identity"];

/** The flags of all commands, which also may stand before the subcommand. Those that change nothing here are hidden. */
export const GLOBAL_FLAGS: readonly FlagDefinition[] = [
  { name: "help", short: "h", kind: "boolean", description: "show help" },
  { ...text("root", "FOLDER", "root of the store"), completes: "folders" },
  { ...text("runroot", "FOLDER", "root of the store's state"), completes: "folders" },
  { ...text("storage-driver", "NAME", "storage driver"), completes: ["overlay", "vfs"] },
  { ...text("storage-opt", "OPTION", "option of the storage driver"), kind: "array" },
  { ...text("imagestore", "FOLDER", "root of the image records, if not the store's"), completes: "folders" },
  { ...text("registries-conf", "FILE", "the registries.conf to read"), hidden: true },
  { ...text("registries-conf-dir", "FOLDER", "the folder with its drop-ins"), hidden: true },
  { ...text("short-name-alias-conf", "FILE", "the file with aliases of short names"), hidden: true },
  { name: "log-level", kind: "text", value: "LEVEL", description: "accepted", hidden: true },
  { name: "remote", short: "r", kind: "boolean", description: "refused", hidden: true },
  { name: "connection", short: "c", kind: "text", value: "NAME", description: "refused", hidden: true },
  ...hidden("boolean", "debug", "syslog", "transient-store"),
  ...hidden("array", "hooks-dir", "module", "runtime-flag", "default-mounts-file"),
  ...hidden(
    "text",
    "url",
    "context",
    "identity",
    "cgroup-manager",
    "cni-config-dir",
    "conmon",
    "cpu-profile",
    "events-backend",
    "memory-profile",
    "namespace",
    "network-cmd-path",
    "network-config-dir",
    "out",
    "runtime",
    "ssh",
    "tmpdir",
    "userns-gid-map",
    "userns-uid-map",
    "volumepath",
  ),
];

/** The flags that only stand before the subcommand. */
export const PROGRAM_FLAGS: readonly FlagDefinition[] = [
  ...GLOBAL_FLAGS,
  { name: "version", short: "v", kind: "boolean", description: "show the version" },
];
