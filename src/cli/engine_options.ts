/** What the engine takes beside the options that every push has: certificates, configuration, signatures. */
import { UsageError } from "./errors.ts";
import type { GlobalFlags } from "./global_flags.ts";
import { readSecret } from "./secrets.ts";

/** Flags about the certificates of registries. */
export interface CertificateFlags {
  certDir?: string;
}

/** Which configuration files count. */
export function configurationContext(
  globals: GlobalFlags,
  { certDir, signaturePolicy }: CertificateFlags & Pick<SigningFlags, "signaturePolicy"> = {},
) {
  const { registriesConf, registriesConfDir, shortNameAliasConf } = globals;
  return {
    ...(certDir === undefined ? {} : { dockerCertPath: certDir }),
    ...(signaturePolicy === undefined ? {} : { signaturePolicyPath: signaturePolicy }),
    ...(registriesConf === undefined ? {} : { systemRegistriesConfPath: registriesConf }),
    ...(registriesConfDir === undefined ? {} : { systemRegistriesConfDirPath: registriesConfDir }),
    ...(shortNameAliasConf === undefined ? {} : { userShortNameAliasConfPath: shortNameAliasConf }),
  };
}

/** Flags of `push` about signatures. */
export interface SigningFlags {
  removeSignatures?: boolean;
  signBy?: string;
  signBySigstore?: string;
  signBySigstorePrivateKey?: string;
  signBySqFingerprint?: string;
  signPassphraseFile?: string;
  signaturePolicy?: string;
}

/** Flags of those who copy what others have made. */
export interface PolicyFlags {
  insecurePolicy?: boolean;
}

/** By which policy images are judged. */
export async function policyOptions({ insecurePolicy }: PolicyFlags) {
  if (!insecurePolicy) return {};
  const { acceptAnything } = await import("../signature/mod.ts");
  return { signaturePolicy: acceptAnything };
}

/** What the flags say about signatures. A sigstore key without a file for its passphrase asks for it. */
export async function signingOptions(flags: SigningFlags) {
  const { signBy, signBySigstorePrivateKey: sigstoreKey, signPassphraseFile, removeSignatures } = flags;
  if (signPassphraseFile !== undefined && signBy !== undefined && sigstoreKey !== undefined) {
    throw new UsageError(
      "only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can be used with --sign-passphrase-file",
    );
  }
  if (flags.signBySigstore !== undefined || flags.signBySqFingerprint !== undefined) {
    const flag = flags.signBySigstore !== undefined ? "--sign-by-sigstore" : "--sign-by-sq-fingerprint";
    throw new UsageError(`${flag} is not supported: use --sign-by or --sign-by-sigstore-private-key`);
  }
  const passphrase = signPassphraseFile === undefined ? undefined : await readFirstLine(signPassphraseFile);
  return {
    ...(removeSignatures ? { removeSignatures } : {}),
    ...(signBy === undefined ? {} : { signBy, ...(passphrase === undefined ? {} : { signPassphrase: passphrase }) }),
    ...(sigstoreKey === undefined ? {} : {
      signBySigstorePrivateKeyFile: sigstoreKey,
      signSigstorePrivateKeyPassphrase: passphrase ?? await readSecret(`Passphrase for ${sigstoreKey}: `),
    }),
  };
}

async function readFirstLine(file: string): Promise<string> {
  return (await Deno.readTextFile(file)).split("\n")[0]!;
}
