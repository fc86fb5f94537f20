import { copyImageWith, type CopyResult, type TransferOptions } from "../../copy/room.ts";
import type { ImageReference } from "../../image/room.ts";
import { allOrAbort } from "../../internal/room.ts";
import { type List, pushList, type PushOptions } from "../../list/room.ts";
import {
  type Digest,
  isManifestsError,
  ManifestsError,
  MEDIA_TYPES,
  parseDigest,
  type Platform,
} from "../../spec/room.ts";
import { listMissing } from "../edit_remote_list.ts";
import type { Runtime } from "../runtime.ts";
import { ObservedTarget, type TopManifest } from "./observed_target.ts";
import { PublishError } from "./publish_error.ts";
import type { WrittenIndex } from "./provenance.ts";
import { groupByRepository, type TargetRepository } from "./targets.ts";
import type { ComposeResult, PublishedName } from "./types.ts";

/** Digest that each name had before the call; see {@linkcode PublishedName.previous}. */
export type Heads = ReadonlyMap<ImageReference, Digest | null | undefined>;

/** A composed list, and the names under which it is published. */
export interface Publication {
  /** The list whose instances are copied and which the names get. */
  readonly list: List;
  /** Publish only the list's image for this platform, not the list. */
  readonly single?: Platform | undefined;
  /** All names. The first is written before the others, under the condition `ifMatch` of the options, if any. */
  readonly references: readonly ImageReference[];
  /** The current state of the names. */
  readonly heads: Heads;
  /**
   * Write each name only if it still is as `heads` has it, or already has this index: a job with the same release was
   * faster. Otherwise, `ifMatch` of the options is the only condition.
   */
  readonly isConditional: boolean;
  /** The caller asked for annotations, so that no repository may get a Docker list, which cannot hold them. */
  readonly hasAnnotations: boolean;
  /** Options for the copies, such as signers and the system context. */
  readonly options: TransferOptions;
  /**
   * Called for each repository after its content was written under its digest, and before any of its names. Default: the
   * first name of the only repository is written together with the content.
   */
  readonly onContent?: ((written: WrittenIndex) => Promise<void>) | undefined;
}

/** Which instances a push copies. */
type Selected = Pick<PushOptions, "imageListSelection" | "instances">;

/** The outcome for one repository. */
interface Written {
  readonly result: CopyResult;
  readonly top: TopManifest;
}

/**
 * Publishes a list under several names: first the content in all repositories, then the names. If a repository does not
 * get the content, no name changes anywhere.
 *
 * @throws {PublishError} If there are several names, and not all were written.
 */
export async function publish(runtime: Runtime, publication: Publication): Promise<ComposeResult> {
  const { references } = publication;
  const publisher = new Publisher(runtime, publication);
  try {
    await publisher.run(groupByRepository(references));
  } catch (error) {
    if (references.length === 1 || !isManifestsError(error) || publication.options.signal?.aborted) throw error;
    throw new PublishError(publisher.published(), error);
  }
  return publisher.result();
}

class Publisher {
  readonly #runtime: Runtime;
  readonly #publication: Publication;
  readonly #contents = new Map<string, Written>();
  readonly #states = new Map<ImageReference, Pick<PublishedName, "state" | "error">>();

  constructor(runtime: Runtime, publication: Publication) {
    this.#runtime = runtime;
    this.#publication = publication;
  }

  /** Writes everything. After a failure, {@linkcode published} returns the state of each name. */
  async run(repositories: readonly TargetRepository[]): Promise<void> {
    const { options, references, onContent } = this.#publication;
    // With one repository, its first name is written together with the content, which saves a request.
    const byDigest = repositories.length > 1 || onContent !== undefined;
    await allOrAbort(
      repositories.map((repository) => async (signal) => {
        const { name, references: [first] } = repository;
        const names = byDigest ? repository.references : [first!];
        await this.#attempt(names, signal, async () => {
          const written = await this.#push(first!, { byDigest, signal });
          this.#contents.set(name, written);
          const { top, result: { instances } } = written;
          await onContent?.({ reference: first!, top, instances });
          if (!byDigest) this.#setState(first!, written.result.unchanged);
        });
      }),
      options.signal,
    );
    // A condition that fails must leave the other names alone.
    const [first] = references;
    if (!this.#states.has(first!) && this.#getCondition(first!) !== undefined) await this.#tag(first!);
    const others = references.filter((reference) => !this.#states.has(reference));
    const ends = await Promise.allSettled(others.map((other) => this.#tag(other)));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  /** Runs work for some names, and records its failure for them, unless it was aborted by another failure. */
  async #attempt(
    references: readonly ImageReference[],
    signal: AbortSignal | undefined,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (signal?.aborted && signal.reason === error) throw error;
      const state = { state: "failed", error: error instanceof Error ? error.message : String(error) } as const;
      if (isManifestsError(error)) { for (const reference of references) this.#states.set(reference, state); }
      throw error;
    }
  }

  #setState(reference: ImageReference, unchanged: boolean | undefined): void {
    this.#states.set(reference, { state: unchanged ? "unchanged" : "written" });
  }

  /** Pushes the list to the repository of a name. */
  async #push(
    reference: ImageReference,
    { byDigest, signal }: { byDigest: boolean; signal: AbortSignal | undefined },
  ): Promise<Written> {
    const { list, single, heads, isConditional, options, hasAnnotations } = this.#publication;
    const condition = this.#getCondition(reference);
    const repository = reference.dockerReference!.name;
    const existing = new Set(
      Array.from(heads, ([{ dockerReference }, head]) => dockerReference?.name === repository ? head : null)
        .filter((digest) => digest !== null && digest !== undefined),
    );
    let top: TopManifest | undefined;
    const destination = new ObservedTarget(reference, {
      current: condition === undefined ? heads.get(reference) : undefined,
      byDigest,
      existing,
      acceptsResult: isConditional,
      onTop: (manifest) => {
        top = manifest;
        if (hasAnnotations) assertKeepsAnnotations(reference, manifest);
      },
    });
    const selection: Selected = single ? { imageListSelection: "system" } : selectMissing(reference, list, options);
    const result = await pushList({
      source: list.reference(undefined, { selection: selection.imageListSelection, instances: selection.instances }),
      destination,
      platform: single ?? this.#runtime.host.platform,
      host: this.#runtime.host,
      options: { ...options, ...selection, ifMatch: byDigest ? undefined : condition, signal },
      // A repository in which a name exists probably has the images of an earlier run.
      skipExisting: existing.size > 0,
    }, copyImageWith);
    return { result, top: top! };
  }

  /** Returns the digest that a name must have when it is written; `undefined` for any. */
  #getCondition(reference: ImageReference): Digest | null | undefined {
    const { heads, isConditional, options, references } = this.#publication;
    if (isConditional) return heads.get(reference);
    return reference === references[0] ? parseCondition(options.ifMatch) : undefined;
  }

  /** Writes a name, after its repository got the content. */
  async #tag(reference: ImageReference): Promise<void> {
    const { heads, isConditional, options } = this.#publication;
    const { top: { bytes, mediaType, digest } } = this.#contents.get(reference.dockerReference!.name)!;
    await this.#attempt([reference], options.signal, async () => {
      const { signal, systemContext } = options;
      // Signatures name a tag, so each one has its own. That of the first name was made with the content.
      if (isSigned(options) && !this.#isFirst(reference)) {
        return this.#setState(reference, (await this.#push(reference, { byDigest: false, signal })).result.unchanged);
      }
      const ifMatch = this.#getCondition(reference);
      if (heads.get(reference) === digest && ifMatch === undefined) return this.#setState(reference, true);
      await using destination = await reference.openDestination(systemContext);
      const done = await destination.putManifest(bytes, mediaType, {
        digest,
        ifMatch,
        repeated: isConditional,
        signal,
      });
      await destination.commit({ signal });
      this.#setState(reference, done?.unchanged);
    });
  }

  /** Whether a name is the first in its repository. */
  #isFirst(reference: ImageReference): boolean {
    const { references } = this.#publication;
    return references.find(({ dockerReference }) => dockerReference!.name === reference.dockerReference!.name) ===
      reference;
  }

  /** Returns the state of each name. */
  published(): readonly PublishedName[] {
    const { references, heads } = this.#publication;
    return references.map((reference) => {
      const { state, error } = this.#states.get(reference) ?? { state: "skipped", error: undefined };
      const digest = this.#contents.get(reference.dockerReference!.name)?.result.digest;
      const previous = heads.get(reference);
      return {
        reference: String(reference.dockerReference),
        ...(digest ? { digest } : {}),
        ...(previous === undefined ? {} : { previous }),
        state,
        ...(error === undefined ? {} : { error }),
      };
    });
  }

  /** The result of the call. */
  result(): ComposeResult {
    const { references } = this.#publication;
    const { result: { unchanged: _, ...result }, top } = this.#contents.get(references[0]!.dockerReference!.name)!;
    const published = this.published();
    const unchanged = published.every(({ state }) => state === "unchanged");
    return { ...result, ...(unchanged ? { unchanged } : {}), published, manifest: top.bytes };
  }
}

/** Fails if a registry that does not accept OCI indexes would get an index without its annotations. */
function assertKeepsAnnotations(reference: ImageReference, { mediaType }: TopManifest): void {
  if (mediaType !== MEDIA_TYPES.dockerList) return;
  throw new ManifestsError(
    "CONVERSION_NOT_SUPPORTED",
    `Cannot write the annotations of the index to ${reference}: the registry accepts only Docker manifest lists`,
  );
}

function parseCondition(ifMatch: string | null | undefined): Digest | null | undefined {
  return typeof ifMatch === "string" ? parseDigest(ifMatch) : ifMatch;
}

/** Returns whether the options name keys to sign with. */
function isSigned({ signers, signBy, signBySigstorePrivateKeyFile, signBySigstoreParamFile }: TransferOptions) {
  return (signers?.length ?? 0) > 0 ||
    [signBy, signBySigstorePrivateKeyFile, signBySigstoreParamFile].some((key) => key !== undefined);
}

/** Returns whether a push copies all instances: signing, changing and the policy apply to all of them. */
export function copiesAll(options: TransferOptions): boolean {
  return isSigned(options) || Boolean(options.addCompression?.length) || options.manifestType !== undefined ||
    options.forceCompressionFormat === true || options.signaturePolicy !== undefined;
}

/** Selects the instances to copy. Those that the repository has are not copied again, unless all have to be. */
function selectMissing(
  reference: ImageReference,
  list: List,
  options: TransferOptions,
): Selected {
  if (copiesAll(options)) return {};
  return { imageListSelection: "specific", instances: listMissing(reference, list) };
}
