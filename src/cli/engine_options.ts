/** Conversion of flags to options of the engine: certificates, configuration files, policy and signing. */
import type { PushOptions } from "../list/room.ts";
import type { SystemContext } from "../system/local/room.ts";
import type { Persona } from "./persona.ts";
import { UsageError } from "./errors.ts";
import type { GlobalFlags } from "./global_flags.ts";
import { readSecret } from "./secrets.ts";

/** Flags about the certificates of registries. */
export interface CertificateFlags {
  certDir?: string;
  /** Address of the Docker daemon, for `docker-daemon:`. */
  daemonHost?: string;
}

/** Converts the flags that name configuration files and certificates to a system context. */
export function configurationContext(
  globals: GlobalFlags,
  { certDir, daemonHost, signaturePolicy }: CertificateFlags & Pick<SigningFlags, "signaturePolicy"> = {},
) {
  const { registriesConf, registriesConfDir, shortNameAliasConf } = globals;
  return {
    ...(certDir === undefined ? {} : { dockerCertPath: certDir }),
    // A daemon over TLS takes its certificates from the same folder as a registry.
    ...(daemonHost === undefined ? {} : { dockerDaemonHost: daemonHost, dockerDaemonCertPath: certDir }),
    ...(signaturePolicy === undefined ? {} : { signaturePolicyPath: signaturePolicy }),
    ...(registriesConf === undefined ? {} : { systemRegistriesConfPath: registriesConf }),
    ...(registriesConfDir === undefined ? {} : { systemRegistriesConfDirPath: registriesConfDir }),
    ...(shortNameAliasConf === undefined ? {} : { userShortNameAliasConfPath: shortNameAliasConf }),
  };
}

/** Flags of `push` and `copy` about signatures. */
export interface SigningFlags {
  removeSignatures?: boolean;
  signBy?: string;
  signBySigstore?: string;
  signBySigstorePrivateKey?: string;
  signBySqFingerprint?: string;
  signPassphraseFile?: string;
  signaturePolicy?: string;
}

/** Flags of `copy` about the signature policy. */
export interface PolicyFlags {
  insecurePolicy?: boolean;
}

/** Returns the policy that `--insecure-policy` selects; without that flag, none, so that `policy.json` applies. */
export async function policyOptions({ insecurePolicy }: PolicyFlags) {
  if (!insecurePolicy) return {};
  const { acceptAnything } = await import("../signature/room.ts");
  return { signaturePolicy: acceptAnything };
}

/**
 * Converts the flags about signatures to options. Asks for the passphrase of a sigstore key on the terminal if no
 * passphrase file is given.
 *
 * @throws {UsageError} The flags contradict each other, or standard input is not a terminal.
 */
export async function signingOptions(flags: SigningFlags): Promise<Partial<PushOptions>> {
  const { signBy, signBySigstore, signBySigstorePrivateKey: sigstoreKey, signPassphraseFile } = flags;
  if (signPassphraseFile !== undefined && signBy !== undefined && sigstoreKey !== undefined) {
    throw new UsageError(
      "only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can be used with --sign-passphrase-file",
    );
  }
  if (flags.signBySqFingerprint !== undefined) {
    throw new UsageError("--sign-by-sq-fingerprint is not supported: use --sign-by or --sign-by-sigstore-private-key");
  }
  const passphrase = signPassphraseFile === undefined ? undefined : await readPassphrase(signPassphraseFile);
  return {
    ...(flags.removeSignatures ? { removeSignatures: true } : {}),
    ...(signBySigstore === undefined
      ? {}
      : { signBySigstoreParamFile: signBySigstore, privateKeyPassphrasePrompt: askPassphrase }),
    ...(signBy === undefined ? {} : { signBy, ...(passphrase === undefined ? {} : { signPassphrase: passphrase }) }),
    ...(sigstoreKey === undefined ? {} : {
      signBySigstorePrivateKeyFile: sigstoreKey,
      signSigstorePrivateKeyPassphrase: passphrase ?? await askPassphrase(sigstoreKey),
    }),
  };
}

async function readPassphrase(file: string): Promise<Uint8Array> {
  const { readPassphraseFile } = await import("../signature/files/room.ts");
  return await readPassphraseFile(file);
}

/** Asks for the passphrase of a key. First checks that the key exists, so that a wrong path is reported at once. */
export async function askPassphrase(keyFile: string): Promise<string> {
  try {
    await Deno.stat(keyFile);
  } catch (error) {
    throw new Error(`Cannot read private key ${JSON.stringify(keyFile)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return await readSecret(
    `passphrase for ${keyFile}`,
    "Use --sign-passphrase-file, or set privateKeyPassphraseFile in the file of signing parameters",
  );
}

/**
 * Loads the policy that `--signature-policy` names, for commands that check nothing without that flag. Podman and buildah
 * accept the flag but check nothing.
 */
export async function loadPolicyOption(
  { signaturePolicy }: Pick<SigningFlags, "signaturePolicy">,
  systemContext: SystemContext,
  { persona }: { readonly persona: Persona },
): Promise<Pick<PushOptions, "signaturePolicy">> {
  if (signaturePolicy === undefined || persona.name !== "manifests") return {};
  const { loadSignaturePolicy } = await import("./on_demand/policy.ts");
  return { signaturePolicy: await loadSignaturePolicy(systemContext) };
}
