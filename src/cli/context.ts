import type { ImageStore } from "../store/mod.ts";
import type { SystemContext } from "../system/local/mod.ts";
import { UsageError } from "./errors.ts";

/** Options before the subcommand. */
export interface GlobalOptions {
  root?: string;
  runroot?: string;
  storageDriver?: string;
  storageOpt?: string[];
  registriesConf?: string;
  registriesConfDir?: string;
  shortNameAliasConf?: string;
}

/** Options about registries that several subcommands have. */
export interface RegistryFlags {
  authfile?: string;
  certDir?: string;
  creds?: string;
  tlsVerify?: boolean;
  insecure?: boolean;
  arch?: string;
  os?: string;
  variant?: string;
}

/** What every subcommand is given. */
export interface CommandContext {
  /** Options before the subcommand. */
  readonly globals: GlobalOptions;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Opens the store that the global options mean. */
export async function openStoreOf({ globals }: CommandContext): Promise<ImageStore> {
  const { openStore } = await import("../system/local/mod.ts");
  const { root, runroot, storageDriver, storageOpt } = globals;
  const systemContext = configurationOf(globals);
  return await openStore({ root, runRoot: runroot, driver: storageDriver, driverOptions: storageOpt, systemContext });
}

const LOCAL = "containers-storage:";

/** The name of an image to read; a local one whose name leaves out the store is in the command's own. */
export function imageIn(store: ImageStore, image: string): string {
  const leavesOut = image.startsWith(LOCAL) && image[LOCAL.length] !== "[";
  return leavesOut ? LOCAL + store.location + image.slice(LOCAL.length) : image;
}

/** Where configuration is, by the options before the subcommand. */
function configurationOf({ registriesConf, registriesConfDir, shortNameAliasConf }: GlobalOptions): SystemContext {
  return {
    ...(registriesConf === undefined ? {} : { systemRegistriesConfPath: registriesConf }),
    ...(registriesConfDir === undefined ? {} : { systemRegistriesConfDirPath: registriesConfDir }),
    ...(shortNameAliasConf === undefined ? {} : { userShortNameAliasConfPath: shortNameAliasConf }),
  };
}

/** How to reach registries, by the flags and by the options before the subcommand. */
export function systemContextOf(flags: RegistryFlags, { globals }: CommandContext): SystemContext {
  if (flags.insecure && flags.tlsVerify !== undefined) {
    throw new UsageError("--insecure may not be used with --tls-verify");
  }
  const insecure = flags.insecure ?? (flags.tlsVerify === undefined ? undefined : !flags.tlsVerify);
  return {
    ...configurationOf(globals),
    ...(insecure === undefined ? {} : { dockerInsecureSkipTlsVerify: insecure }),
    ...(flags.authfile === undefined ? {} : { authFilePath: flags.authfile }),
    ...(flags.certDir === undefined ? {} : { dockerCertPath: flags.certDir }),
    ...(flags.creds === undefined ? {} : { dockerAuthConfig: parseCredentials(flags.creds) }),
    ...(flags.arch ? { architectureChoice: flags.arch } : {}),
    ...(flags.os ? { osChoice: flags.os } : {}),
    ...(flags.variant ? { variantChoice: flags.variant } : {}),
  };
}

function parseCredentials(text: string): { username: string; password: string } {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new UsageError("--creds must be USER:PASSWORD");
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Prints a line of a result. */
export function print(text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
