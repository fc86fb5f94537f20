import type { RegistryFlags } from "./context.ts";
import { namesRegistry } from "./credentials.ts";

/** Flags of `copy` that apply to the source or to the destination only. */
export interface SideFlags {
  srcAuthfile?: string;
  srcCertDir?: string;
  srcCreds?: string;
  srcDaemonHost?: string;
  srcNoCreds?: boolean;
  srcTlsVerify?: boolean;
  destAuthfile?: string;
  destCertDir?: string;
  destCreds?: string;
  destDaemonHost?: string;
  destNoCreds?: boolean;
  destTlsVerify?: boolean;
}

/** Returns whether the two sides of a copy have different flags. */
export function hasSideFlags(flags: SideFlags): boolean {
  return Object.entries(flags).some(([name, value]) => /^(src|dest)[A-Z]/.test(name) && value !== undefined);
}

/** Returns the flags for one side: its own, or else those for both. */
export function chooseSide<F extends RegistryFlags & SideFlags>(flags: F, side: "src" | "dest"): F {
  const { authfile, certDir, creds, tlsVerify } = flags;
  const isSource = side === "src";
  const own = isSource
    ? { file: flags.srcAuthfile, folder: flags.srcCertDir, creds: flags.srcCreds, tls: flags.srcTlsVerify }
    : { file: flags.destAuthfile, folder: flags.destCertDir, creds: flags.destCreds, tls: flags.destTlsVerify };
  const chosen = {
    authfile: own.file ?? authfile,
    certDir: own.folder ?? certDir,
    // Credentials without a registry are for the destination: the source must not see them.
    creds: own.creds === undefined ? isSource ? creds?.filter(namesRegistry) : creds : [own.creds],
    tlsVerify: own.tls ?? tlsVerify,
    daemonHost: isSource ? flags.srcDaemonHost : flags.destDaemonHost,
    noCreds: isSource ? flags.srcNoCreds : flags.destNoCreds,
  };
  const given = Object.entries(chosen).filter(([, value]) => value !== undefined);
  return { ...flags, ...Object.fromEntries(given) };
}
