import type { ImageReference } from "../../image/room.ts";
import type { TransferOptions } from "../../copy/room.ts";
import type { AddOptions, List, PushResult } from "../../list/room.ts";
import type { AssemblyBuilder, Signer } from "../../signature/room.ts";
import type { Digest, Platform } from "../../spec/room.ts";

/** Options for sources that are indexes. */
export interface SourceOptions
  extends Pick<AddOptions, "attestations" | "allowPlatformMismatch" | "onPlatformMismatch"> {
  /**
   * Take every instance of a source that is an index, as BuildKit pushes even a single image. `false`: take the only image,
   * else the one for the platform that `systemContext` names, default `linux/amd64`.
   *
   * @default {true}
   */
  all?: boolean | undefined;
  /** Take only the instances for these platforms, as in `linux/arm64`, with their attestations; default: see `all`. */
  platforms?: readonly string[] | undefined;
}

/** An image or index to compose, with what the index records about it. */
export interface ComposeSource {
  /** The image or index: a name such as `quay.io/me/app:1-arm64`, or a reference. */
  readonly image: string | ImageReference;
  /**
   * Platform to record, such as `linux/arm/v7`, for a source with a single image. Members that it leaves out are those of
   * the image. One that contradicts the image is recorded, and reported to `onPlatformMismatch`. Default: the platform of
   * the image.
   */
  readonly platform?: string | Partial<Platform> | undefined;
  /**
   * Platform that a source with a single image should have. Members that the image lacks are recorded from it; an image
   * that contradicts it is an error (`PLATFORM_MISMATCH`), unless `allowPlatformMismatch` is set. Default: any.
   */
  readonly expectedPlatform?: string | undefined;
  /** Annotations for the entries of its images, in addition to existing ones. Attestations do not get them. Default: none. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Artifact type for the entry of a source with a single image. Default: the image's own. */
  readonly artifactType?: string | undefined;
  /** Continue without this source if it does not exist. Default: `ignoreMissing` of the call. */
  readonly optional?: boolean | undefined;
}

/** Annotations for entries of the composed index. */
export interface EntryAnnotations {
  /**
   * Platform of the entries, such as `linux/arm64`; without a variant, all variants. Default: all entries, attestations
   * included.
   */
  readonly platform?: string | undefined;
  /** The annotations, which are added to existing ones. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** How {@linkcode composeIndex} records the origin of an index; see docs/provenance.md. */
export interface ProvenanceOptions {
  /** Signer of the provenance: a sigstore key, as `openSigstoreSigner` opens it. The caller disposes of it. */
  signer: Signer;
  /**
   * Form in which it is stored: a Sigstore bundle that is a referrer of the index, or a layer under cosign's `.att` tag.
   *
   * @default {"bundle"}
   */
  as?: "bundle" | "tag" | undefined;
  /**
   * Also attach it to each image of the index.
   *
   * @default {false}
   */
  children?: boolean | undefined;
  /** The system that composes the index. Default: an unknown builder, and a random id of the run. */
  builder?: AssemblyBuilder | undefined;
}

/** Options for {@linkcode composeIndex}. */
export interface ComposeIndexOptions extends SourceOptions, TransferOptions {
  /** Name of the index to write, such as `quay.io/me/app:1`. */
  target: string | ImageReference;
  /**
   * Further names: references in any registry, or tags in the repository of `target`, such as `latest`. All of them are
   * written after the content is in all repositories. Default: none.
   */
  tags?: readonly (string | ImageReference)[] | undefined;
  /** Images and indexes whose instances it gets: at least one, unless `append` is set. */
  sources: readonly (string | ImageReference | ComposeSource)[];
  /**
   * Order of the entries. `given`: the order of `sources`. `platform`: by operating system, architecture, variant and
   * version, each image followed by its attestations, so that the same images always make the same index.
   *
   * @default {"given"}
   */
  order?: "given" | "platform" | undefined;
  /** Annotations of the index itself. Default: none. */
  annotations?: Readonly<Record<string, string>> | undefined;
  /** Annotations of its entries, applied after those of the sources. Default: none. */
  entryAnnotations?: readonly EntryAnnotations[] | undefined;
  /** Artifact type of the index. Default: none. */
  artifactType?: string | undefined;
  /** Image that the index refers to as its subject. Default: none. */
  subject?: string | ImageReference | undefined;
  /**
   * Platforms that the index must have, such as `linux/arm64`, which any variant satisfies. If one is missing, nothing is
   * written. Default: none.
   */
  require?: readonly string[] | undefined;
  /**
   * Continue without sources that do not exist, unless none is left.
   *
   * @default {false}
   */
  ignoreMissing?: boolean | undefined;
  /** Called with the name of each source that does not exist and is left out, and the error. Default: no callback. */
  onMissing?: ((image: string, error: Error) => unknown) | undefined;
  /** How long to wait for sources that do not exist yet, in milliseconds. Default: 0, no waiting. */
  wait?: number | undefined;
  /**
   * Keep the existing entries of `target`, which must exist: the sources are added to them. If another writer changes the
   * target at the same time, the call starts again with its new content.
   *
   * @default {false}
   */
  append?: boolean | undefined;
  /**
   * With `append`: a source replaces existing images for its platform, with their attestations. Otherwise, a second image
   * for a platform is an error.
   *
   * @default {false}
   */
  replace?: boolean | undefined;
  /**
   * Write an index even if it has a single image. `false`: the tags name the image itself.
   *
   * @default {true}
   */
  preferIndex?: boolean | undefined;
  /**
   * Make a source that is an index one entry of the new index. Otherwise its instances become entries.
   *
   * @default {false}
   */
  nested?: boolean | undefined;
  /**
   * Called with the list, and with its bytes as they are written if nothing has to be converted, before anything is
   * written. An exception that it throws ends the call. Default: no callback.
   */
  beforePush?: ((list: List, manifest: Uint8Array<ArrayBuffer>) => unknown) | undefined;
  /**
   * Provenance to attach before any name is written: which sources, by which digests, and which builder made the index. A
   * repeated call with the same sources attaches none. Default: none.
   */
  provenance?: ProvenanceOptions | undefined;
  /**
   * Write nothing. The result has the index that would be written, and the state `planned` for names that would change.
   *
   * @default {false}
   */
  dryRun?: boolean | undefined;
}

/** Options for {@linkcode composeWith}: a dry run needs no name. */
export type ComposeOptions = Omit<ComposeIndexOptions, "target"> & {
  /** Name of the index. `undefined`: none, which only a dry run allows. */
  readonly target?: ComposeIndexOptions["target"] | undefined;
};

/** Options that describe the index, not how it is written. */
export type CompositionOptions = Omit<
  ComposeIndexOptions,
  keyof TransferOptions | "target" | "tags" | "beforePush" | "dryRun"
>;

/** The outcome for one name of a call of {@linkcode composeIndex}. */
export interface PublishedName {
  /** The name, such as `quay.io/me/app:latest`. */
  readonly reference: string;
  /** Digest of the index; `undefined` if it was not written anywhere in this repository. */
  readonly digest?: Digest | undefined;
  /** Digest that the name had before; `null` if it did not exist; `undefined` if that is not known. */
  readonly previous?: Digest | null | undefined;
  /**
   * `written`; `unchanged`: it already had this digest; `planned`: a dry run would write it; `failed`: the registry did not
   * accept it; `skipped`: not tried, because something else failed before.
   */
  readonly state: "written" | "unchanged" | "planned" | "failed" | "skipped";
  /** Message of the error because of which it was not written; absent for all other states. */
  readonly error?: string | undefined;
}

/** Result of {@linkcode composeIndex}. */
export interface ComposeResult extends PushResult {
  /** All names, in the order of `target` and `tags`. */
  readonly published: readonly PublishedName[];
  /** Exact bytes of the manifest at `target`. */
  readonly manifest: Uint8Array<ArrayBuffer>;
}
