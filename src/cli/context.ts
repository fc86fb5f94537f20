import type { RegistryWarning } from "../spec/room.ts";
import type { ImageStore } from "../store/room.ts";
import type { FoundSource, SystemContext } from "../system/local/room.ts";
import { type CredentialFlags, credentialsContext } from "./credentials.ts";
import { type CertificateFlags, configurationContext } from "./engine_options.ts";
import { UsageError } from "./errors.ts";
import type { GlobalFlags } from "./global_flags.ts";
import type { Persona } from "./persona.ts";
import { showRetry } from "./progress/retries.ts";
import { type RetryFlags, retryOptions } from "./retry_options.ts";

/** Flags about registries that several subcommands have. */
export interface RegistryFlags extends CredentialFlags, CertificateFlags {
  authfile?: string;
  tlsVerify?: boolean;
  insecure?: boolean;
  insecureTokenService?: string[];
}

/** Flags that choose an instance. */
export interface PlatformFlags {
  arch?: string;
  os?: string;
  variant?: string;
  osVersion?: string;
  osFeatures?: string[];
}

/** What every subcommand is given. */
export interface CommandContext {
  /** Options before the subcommand. */
  readonly globals: GlobalFlags;
  /** By whose habits. */
  readonly persona: Persona;
  /** Told of what registries want to be shown. */
  readonly onWarning: (warning: RegistryWarning) => void;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Opens the store that the global options mean. */
export async function openLocalStore({ globals, persona }: CommandContext): Promise<ImageStore> {
  const { openStore } = await import("../system/local/store/room.ts");
  const { root, runroot, storageDriver, storageOpt, imagestore } = globals;
  if (root !== undefined) await makeRoot(root);
  const systemContext = configurationContext(globals);
  // The options of the configuration belong to its driver; for podman, to its root too.
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

/** Makes the folder of a store that the user named, as podman and buildah do: one that cannot be made is a mistake. */
async function makeRoot(root: string): Promise<void> {
  try {
    await Deno.mkdir(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Error(`Cannot open the store ${JSON.stringify(root)}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * How to reach registries, by the flags.
 *
 * @param sources What will be read; see {@linkcode credentialsContext}.
 */
export async function createSystemContext(
  flags: RegistryFlags & RetryFlags,
  { globals, onWarning }: CommandContext,
  sources?: readonly FoundSource[],
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

/** The instance to choose from lists, by the flags. */
export function toPlatformChoice({ arch, os, variant, osVersion, osFeatures }: PlatformFlags): SystemContext {
  return {
    ...(arch ? { architectureChoice: arch } : {}),
    ...(os ? { osChoice: os } : {}),
    ...(variant ? { variantChoice: variant } : {}),
    ...(osVersion ? { osVersionChoice: osVersion } : {}),
    ...(osFeatures?.length ? { osFeaturesChoice: osFeatures } : {}),
  };
}
