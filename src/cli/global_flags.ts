import type { FlagDefinition } from "./flag_definition.ts";

/** Values of the global flags; see {@linkcode GLOBAL_FLAGS}. */
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

const textFlag = (name: string, value: string, description: string): FlagDefinition => (
  { name, kind: "text", value, description }
);
const hiddenFlags = (kind: "text" | "array" | "boolean", ...names: string[]): FlagDefinition[] =>
  names.map((name) => ({
    name,
    kind,
    description: "accepted",
    hidden: true,
    ...(kind === "boolean" ? {} : { value: "VALUE" }),
  }));

/** Flags with which podman connects to a service on another machine. They are rejected: the local store is not used there. */
export const SERVICE_FLAGS: readonly string[] = ["remote", "url", "connection", "context", "identity"];

/** Flags of all commands, which can also be placed before the subcommand. Flags without an effect are hidden. */
export const GLOBAL_FLAGS: readonly FlagDefinition[] = [
  { name: "help", short: "h", kind: "boolean", description: "show help" },
  { ...textFlag("root", "FOLDER", "root folder of the local store"), completes: "folders" },
  { ...textFlag("runroot", "FOLDER", "folder with the runtime state of the store"), completes: "folders" },
  { ...textFlag("storage-driver", "NAME", "storage driver of the store"), completes: ["overlay", "vfs"] },
  { ...textFlag("storage-opt", "OPTION", "an option of the storage driver"), kind: "array" },
  {
    ...textFlag("imagestore", "FOLDER", "root folder of the image records (default: the root of the store)"),
    completes: "folders",
  },
  { ...textFlag("registries-conf", "FILE", "path of registries.conf"), hidden: true },
  { ...textFlag("registries-conf-dir", "FOLDER", "folder with drop-in files of registries.conf"), hidden: true },
  { ...textFlag("short-name-alias-conf", "FILE", "file with aliases of short names"), hidden: true },
  { name: "log-level", kind: "text", value: "LEVEL", description: "accepted", hidden: true },
  { name: "remote", short: "r", kind: "boolean", description: "not supported", hidden: true },
  { name: "connection", short: "c", kind: "text", value: "NAME", description: "not supported", hidden: true },
  ...hiddenFlags("boolean", "debug", "syslog", "transient-store"),
  ...hiddenFlags("array", "hooks-dir", "module", "runtime-flag", "default-mounts-file"),
  ...hiddenFlags(
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

/** Flags that can be placed before the subcommand. */
export const PROGRAM_FLAGS: readonly FlagDefinition[] = [
  ...GLOBAL_FLAGS,
  { name: "version", short: "v", kind: "boolean", description: "show the version" },
];
