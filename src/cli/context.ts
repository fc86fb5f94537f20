import type { RegistryWarning } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";
import type { SystemContext } from "../system/local/room.ts";
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
export async function openLocalStore({ globals, persona }: CommandContext): Promise<ImageStore> {
  const { openStore } = await import("../system/local/store/room.ts");
  const { root, runroot, storageDriver, storageOpt, imagestore } = globals;
  if (root !== undefined) await makeRoot(root);
  const systemContext = configurationContext(globals);
  // The options in storage.conf only apply to the driver that it configures. Podman also ignores them for another root.
  const isOther = storageDriver !== undefined || (persona.name === "podman" && root !== undefined);
  return await openStore({
    root,
    runRoot: runroot,
    driver: storageDriver,
    driverOptions: storageOpt ?? (isOther ? [] : undefined),
    imageStore: imagestore,
    systemContext,
  });
}

/** Creates the root folder that a flag names, as podman and buildah do, and reports a folder that cannot be created. */
async function makeRoot(root: string): Promise<void> {
  try {
    await Deno.mkdir(root, { recursive: true, mode: 0o700 });
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
