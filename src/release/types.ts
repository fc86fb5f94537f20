import type { Platform } from "../spec/room.ts";

/** An image of a release, with what the index records about it. */
export interface ReleaseSource {
  /** Name of the image: a reference in a registry, or a name with a transport, such as `oci:folder`. */
  readonly image: string;
  /** Platform that the index records; `undefined`: the platform of the image. */
  readonly platform?: string | Partial<Platform> | undefined;
  /** Platform that the image must have; members that it lacks are recorded from it. `undefined`: any. */
  readonly expectedPlatform?: string | undefined;
  /** Annotations of the image's entries. Default: none. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Continue without the image if it does not exist. Default: `false`. */
  readonly optional?: boolean | undefined;
}

/** A folder with a file for each image, named by its digest. */
export interface DigestFolder {
  /** Path of the folder, absolute or relative to the release file. */
  readonly dir: string;
  /** Repository that has the images. */
  readonly repository: string;
}

/** Place of a secret: `env:NAME` or `file:PATH`. */
export type SecretPlace = string;

/** A key that signs, either in sigstore's format or in GnuPG's keyring. */
export interface ReleaseSigner {
  /** Place of the private key. `undefined`: the key is in GnuPG's keyring. */
  readonly key?: SecretPlace | undefined;
  /** Fingerprint of a key in GnuPG's keyring. */
  readonly gpg?: string | undefined;
  /** Place of the passphrase of the key. Default: the key has none. */
  readonly passphrase?: SecretPlace | undefined;
}

/** How the provenance of an index is signed and attached. */
export interface ReleaseProvenance {
  /** Place of the private key that signs the statement. */
  readonly key: SecretPlace;
  /** Place of the passphrase of the key. Default: the key has none. */
  readonly passphrase?: SecretPlace | undefined;
  /** A bundle as a referrer, or the tag `.att`. Default: `bundle`. */
  readonly as?: "bundle" | "tag" | undefined;
}

/** One index and the tags that it gets, with all variables and defaults applied. */
export interface Release {
  /** Name of the release in its file. */
  readonly name: string;
  /** Names of the index, such as `quay.io/me/app:1.2.3`, each once. */
  readonly targets: readonly string[];
  /** Images of which the index is made. */
  readonly sources: readonly ReleaseSource[];
  /** Folder that names further sources. Default: none. */
  readonly digests?: DigestFolder | undefined;
  /** Order of the entries: as the sources are given, or by platform. */
  readonly order: "given" | "platform";
  /** Platforms that the index must have. Empty: any. */
  readonly require: readonly string[];
  /** Platforms of the images that are taken. `undefined`: all. */
  readonly platforms?: readonly string[] | undefined;
  /** Annotations of the index itself. Empty: none. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Format of the manifests. `undefined`: the images stay as they are. */
  readonly format?: "oci" | "v2s2" | undefined;
  /** Patterns of tags that must not move. */
  readonly immutable: readonly string[];
  /** How the tag `latest` is treated. `undefined`: as any other tag. */
  readonly latest?: "semver" | "never" | undefined;
  /** Keys that sign the index and its images. Empty: none. */
  readonly sign: readonly ReleaseSigner[];
  /** Provenance to attach. Default: none. */
  readonly provenance?: ReleaseProvenance | undefined;
  /** Also copy referrers. Default: `false`. */
  readonly referrers?: boolean | undefined;
}

/** The content of a release file. */
export interface ReleaseFile {
  /** Path of the file, for messages. */
  readonly path: string;
  /** The releases, in the order of the file. */
  readonly releases: readonly Release[];
}
