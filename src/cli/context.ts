import type { RegistryWarning } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";
import type { fetchManifest, OpenStoreOptions, SystemContext } from "../system/local/room.ts";
import { type CredentialFlags, credentialsContext, type RegistryPlace } from "./credentials.ts";
import { type CertificateFlags, configurationContext } from "./engine_options.ts";
import { UsageError } from "./errors.ts";
import type { GlobalFlags } from "./global_flags.ts";
import type { Persona } from "./persona.ts";
import { showRetry } from "./retries.ts";
import { type RetryFlags, retryOptions } from "./retry_options.ts";

/** Flags of the subcommands that connect to registries. */
export interface RegistryFlags extends CredentialFlags, CertificateFlags {
  authfile?: string;
  tlsVerify?: boolean;
  insecure?: boolean;
  insecureTokenService?: string[];
}

/** Flags that choose an instance by its platform. */
export interface PlatformFlags {
  arch?: string;
  os?: string;
  variant?: string;
  osVersion?: string;
  osFeatures?: string[];
}

/** The values that every subcommand receives in addition to its operands and flags. */
export interface CommandContext {
  /** Global flags, from before and after the subcommand. */
  readonly globals: GlobalFlags;
  /** The tool whose output the command imitates. */
  readonly persona: Persona;
  /** Called with each warning that a registry sends for its users. */
  readonly onWarning: (warning: RegistryWarning) => void;
  /** Aborted by SIGINT (Ctrl-C) and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Opens the local store that the global flags describe. */
export async function openLocalStore(context: CommandContext): Promise<ImageStore> {
  const { openStore } = await import("../system/local/store/room.ts");
  const { root } = context.globals;
  if (root !== undefined) await makeRoot(root);
  return await openStore(getStoreOptions(context));
}

/**
 * The local store that the global flags describe, which is opened when a name is looked up in it: images elsewhere need
 * neither its configuration nor the permission to read it.
 */
export class LocalStore implements AsyncDisposable {
  /** Opens the store, if it is not open. */
  readonly open: () => Promise<ImageStore>;
  #opening: Promise<ImageStore> | undefined;

  constructor(context: CommandContext) {
    this.open = () => this.#opening ??= openLocalStore(context);
  }

  /** Closes the store, if it is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    const store = await this.#opening?.catch(() => undefined);
    await store?.[Symbol.asyncDispose]();
  }
}

/** An open store, or the function that opens one. */
export type StoreOrOpen = ImageStore | LocalStore["open"];

/** Name of an image or a list in any place, or a reference to it. */
type PlaceName = Parameters<typeof fetchManifest>[0];

/** Returns a reference for `containers-storage:NAME`, which is in the store that the flags name; other names as they are. */
export async function resolvePlace(name: string, context: CommandContext): Promise<PlaceName> {
  const text = /^containers-storage:(?!\[)(.*)$/s.exec(name)?.[1];
  if (text === undefined) return name;
  const { parseLocalReference } = await import("./on_demand/local_reference.ts");
  return parseLocalReference(text, getStoreOptions(context));
}

function getStoreOptions({ globals, persona }: CommandContext): OpenStoreOptions {
  const { root, runroot, storageDriver, storageOpt, imagestore } = globals;
  // The options in storage.conf only apply to the driver that it configures. Podman also ignores them for another root.
  const isOther = storageDriver !== undefined || (persona.name === "podman" && root !== undefined);
  return {
    root,
    runRoot: runroot,
    driver: storageDriver,
    driverOptions: storageOpt ?? (isOther ? [] : undefined),
    imageStore: imagestore,
    systemContext: configurationContext(globals),
  };
}

/** Creates the root folder that a flag names, as podman and buildah do, and reports a folder that cannot be created. */
async function makeRoot(root: string): Promise<void> {
  try {
    // A store that is only read needs no permission to write.
    const found = await Deno.stat(root).catch(() => undefined);
    if (!found?.isDirectory) await Deno.mkdir(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Error(`Cannot create the store ${JSON.stringify(root)}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Creates the system context for registries from the flags.
 *
 * @param sources Images that the command reads; see {@linkcode credentialsContext}.
 * @throws {UsageError} The flags contradict each other, or one has an invalid value.
 */
export async function createSystemContext(
  flags: RegistryFlags & RetryFlags,
  { globals, onWarning }: CommandContext,
  sources?: readonly RegistryPlace[],
): Promise<SystemContext> {
  const { authfile, insecure, insecureTokenService, tlsVerify } = flags;
  if (insecure !== undefined && tlsVerify !== undefined) {
    throw new UsageError("--insecure may not be used with --tls-verify");
  }
  const skip = insecure ?? (tlsVerify === undefined ? undefined : !tlsVerify);
  return {
    ...(skip === undefined ? {} : { dockerInsecureSkipTlsVerify: skip }),
    ...(insecureTokenService === undefined ? {} : { insecureTokenServices: insecureTokenService }),
    ...(authfile === undefined ? {} : { authFilePath: authfile }),
    ...configurationContext(globals, flags),
    onWarning,
    onRetry: showRetry,
    ...await retryOptions(flags),
    ...await credentialsContext(flags, sources),
  };
}

/** Converts the flags to the platform that is chosen from lists. Empty values are ignored. */
export function toPlatformChoice({ arch, os, variant, osVersion, osFeatures }: PlatformFlags): SystemContext {
  return {
    ...(arch ? { architectureChoice: arch } : {}),
    ...(os ? { osChoice: os } : {}),
    ...(variant ? { variantChoice: variant } : {}),
    ...(osVersion ? { osVersionChoice: osVersion } : {}),
    ...(osFeatures?.length ? { osFeaturesChoice: osFeatures } : {}),
  };
}
