import {
  type BlobOrigin,
  type ImageSource,
  type InstancePlace,
  readManifest,
  type VerifiedManifest,
} from "../image/room.ts";
import { allOrAbort, type JoinedSignal, joinSignals, OncePerKey } from "../internal/room.ts";
import { isSignatureReferrer, MAX_SIGNATURE_SIZE, type Signature, type SignaturePolicy } from "../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  findReferrer,
  getEntries,
  isIndex,
  isManifestsError,
  type ParsedIndex,
  readBlob,
} from "../spec/room.ts";
import { ReadLimits } from "./read_limits.ts";
import { listImageBlobs, type ReadManifest, type ReadNode } from "./read_types.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { selectInstances, type Selection } from "./select.ts";
import { type Found, getPositionBelow, type Position, TreePolicy } from "./tree_policy.ts";

/** Options of {@linkcode readTree}. */
export interface ReadOptions extends Selection, Omit<RetryOptions, "signal" | "isTransient"> {
  /** The policy that every image must satisfy. */
  readonly policy: SignaturePolicy;
  /** Evaluate the policy against each instance's source reference instead of the list's own. */
  readonly policyPerOrigin: boolean;
  /**
   * The existing signatures to read: `all`, those of the list's `instances` but not of the list itself, or `none`, which
   * also skips referrers that are signatures.
   */
  readonly keptSignatures: "all" | "instances" | "none";
  /** Also read the referrers of each manifest. */
  readonly referrers: boolean;
  /** Aborts the reading; `undefined`: it is never aborted. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads the selected manifests and evaluates the policy. Each manifest is read once, and all of them concurrently, because
 * the client limits the requests to each host.
 *
 * @throws {PolicyRejectedError} If the policy does not allow an image.
 * @throws {DigestMismatchError} If a manifest does not match its digest.
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED` if there are too many manifests, too many bytes or too many levels;
 * `INSTANCE_NOT_FOUND` or `NO_MATCHING_PLATFORM` if the selection does not match; or a code of the source.
 */
export async function readTree(source: ImageSource, options: ReadOptions): Promise<ReadNode> {
  const { signal = new AbortController().signal, maxRetries, retryDelay, firstDelay, emit } = options;
  const read = () => readManifest(source, { signal, maxRetries: 0 });
  const top = await retry("reading the manifest", read, { maxRetries, retryDelay, firstDelay, emit, signal });
  using reader = new TreeReader(source, options);
  return await reader.readTop(top);
}

/** Reads one tree: each manifest once, whatever number of indexes names it. */
class TreeReader {
  readonly #source: ImageSource;
  readonly #options: ReadOptions;
  readonly #nodes = new OncePerKey<string, ReadNode>();
  readonly #limits = new ReadLimits();
  readonly #policy: TreePolicy;
  /** Aborts all reads after a failure. Several indexes can share a read, so it must not end with one of them. */
  readonly #failure = new AbortController();
  readonly #joined: JoinedSignal;

  constructor(source: ImageSource, options: ReadOptions) {
    this.#source = source;
    this.#options = options;
    this.#joined = joinSignals(options.signal, this.#failure.signal);
    const { policy, policyPerOrigin } = options;
    const describe = (manifest: VerifiedManifest, place: InstancePlace) => this.#found(manifest, place);
    const { signal } = this.#joined;
    this.#policy = new TreePolicy({ source, policy, policyPerOrigin, limits: this.#limits, signal, describe });
  }

  get #signal(): AbortSignal {
    return this.#joined.signal;
  }

  [Symbol.dispose](): void {
    this.#joined[Symbol.dispose]();
  }

  async readTop(top: VerifiedManifest): Promise<ReadNode> {
    const position: Position = { depth: 0, role: "instance" };
    const found = this.#found(top, {});
    if (!isIndex(top.manifest)) return await this.#complete(found, position);
    if (this.#options.selection === "system") {
      const chosen = await this.#readChosen(top.manifest, getPositionBelow(position, {}));
      return chosen.kind === "image" ? { ...chosen, chosenFrom: top.manifest } : chosen;
    }
    return await this.#complete(found, position, selectInstances(top.manifest, this.#options));
  }

  /** Reads the image for the platform, which can be in a nested index. */
  async #readChosen(index: ParsedIndex, position: Position): Promise<ReadNode> {
    const [instance] = selectInstances(index, this.#options);
    const found = await this.#find(instance!, position);
    if (!isIndex(found.manifest)) return await this.#complete(found, position);
    return await this.#readChosen(found.manifest, getPositionBelow(position, found.place));
  }

  async #readAll(digests: readonly Digest[], position: Position): Promise<ReadNode[]> {
    return await allOrAbort(digests.map((digest) => () => this.#read(digest, position)), this.#signal);
  }

  async #read(instance: Digest, position: Position): Promise<ReadNode> {
    try {
      const node = await this.#once(instance, position, async () => {
        return await this.#complete(await this.#find(instance, position), position);
      });
      if (position.role === "instance") await this.#policy.evaluateTree(node, position);
      return node;
    } catch (error) {
      this.#failure.abort(error);
      throw error;
    }
  }

  #once(instance: Digest, { role }: Position, read: () => Promise<ReadNode>): Promise<ReadNode> {
    return this.#nodes.get(`${role} ${instance}`, read);
  }

  async #find(instance: Digest, { depth, ancestor }: Position): Promise<Found> {
    this.#limits.countManifest(instance, depth);
    const place = { instance, ancestor };
    const read = () => readManifest(this.#source, { ...place, signal: this.#signal, maxRetries: 0 });
    const verified = await this.#retry(`reading instance ${instance}`, read);
    this.#limits.countBytes(instance, verified.manifest.bytes.length);
    return this.#found(verified, place);
  }

  #found({ digest, manifest }: VerifiedManifest, place: InstancePlace): Found {
    const signed = { digest, isInstance: place.instance !== undefined, ancestor: place.ancestor };
    let reading: Promise<readonly Signature[]> | undefined;
    const call = { signal: this.#signal, maxRetries: 0 };
    const read = async () => await this.#source.getSignatures?.(signed, call) ?? [];
    const readSignatures = () => reading ??= this.#retry(`reading signatures of ${digest}`, read);
    return { digest, manifest, place, readSignatures };
  }

  /** Evaluates the policy and reads the members, signatures and referrers of a manifest. */
  async #complete(found: Found, position: Position, chosen?: readonly Digest[]): Promise<ReadNode> {
    const { digest, manifest, place } = found;
    const identity = { digest, place };
    const next = getPositionBelow(position, place);
    if (isIndex(manifest)) {
      const named = chosen ?? [...new Set(getEntries(manifest).map(({ digest }) => digest))];
      const role = position.role === "instance" ? "instance" : "part";
      const members = await this.#readAll(named, { ...next, role });
      if (members.length === 0 && this.#policy.mustEvaluateIndex(place, position)) {
        await this.#policy.evaluate(found, position);
      }
      return { kind: "index", ...identity, manifest, members, ...await this.#readAttachments(found, next) };
    }
    if (position.role === "instance") await this.#policy.evaluate(found, position);
    const layers = await this.#source.layersForCopy?.(manifest, { ...place, signal: this.#signal });
    const origins = await this.#findOrigins(place, listImageBlobs(manifest, layers));
    return { kind: "image", ...identity, manifest, layers, origins, ...await this.#readAttachments(found, next) };
  }

  async #findOrigins(
    place: InstancePlace,
    blobs: readonly Descriptor[],
  ): Promise<ReadonlyMap<Digest, BlobOrigin>> {
    const origins = new Map<Digest, BlobOrigin>();
    for (const descriptor of blobs) {
      const origin = await this.#source.blobOrigin?.(descriptor, place);
      if (origin) origins.set(descriptor.digest, origin);
    }
    return origins;
  }

  /** Reads the signatures and the referrers of a manifest that are copied with it. */
  async #readAttachments(
    { digest, manifest, place, readSignatures }: Found,
    position: Position,
  ): Promise<Pick<ReadManifest, "signatures" | "referrers">> {
    const { keptSignatures, referrers } = this.#options;
    const isList = place.instance === undefined && isIndex(manifest);
    const isKept = keptSignatures === "all" || keptSignatures === "instances" && !isList;
    const signatures = isKept ? await readSignatures() : [];
    if (!referrers || position.role === "part") return { signatures, referrers: [] };
    // Signatures that are stored as referrers are copied with the referrers.
    const others = signatures.filter((signature) => signature.kind === "simple" || signature.referrer === undefined);
    return { signatures: others, referrers: await this.#readReferrers(digest, position, isKept) };
  }

  async #readReferrers(
    subject: Digest,
    position: Position,
    keepsSignatures: boolean,
  ): Promise<readonly ReadNode[]> {
    const options = { ancestor: position.ancestor, signal: this.#signal, maxRetries: 0 };
    const list = async () => await this.#source.listReferrers?.(subject, options) ?? [];
    const listed = await this.#retry(`reading the referrers of ${subject}`, list);
    const digests = [...new Set(listed.map(({ digest }) => digest))];
    const place: Position = { ...position, role: "referrer" };
    const nodes = await allOrAbort(
      digests.map((digest) => async () => {
        const found = await this.#findReferrer(digest, subject, place);
        if (!found || !keepsSignatures && await this.#isSignature(found)) return undefined;
        return await this.#once(digest, place, () => this.#complete(found, place));
      }),
      this.#signal,
    );
    return nodes.filter((node) => node !== undefined);
  }

  /** Reads a listed referrer; `undefined` if it does not exist any more, or refers to something else. */
  async #findReferrer(digest: Digest, subject: Digest, position: Position): Promise<Found | undefined> {
    const found = await this.#findListed(digest, position);
    // A list of referrers is not trusted: the subject must match, so that it cannot form a cycle.
    return found && findReferrer(found.manifest)?.subject === subject ? found : undefined;
  }

  #isSignature({ manifest, place }: Found): Promise<boolean> {
    const call = { ...place, signal: this.#signal, maxRetries: 0 };
    return isSignatureReferrer(manifest, (blob) =>
      this.#retry(`reading blob ${blob.digest}`, async () => {
        return await readBlob(await this.#source.getBlob(blob, call), blob, MAX_SIGNATURE_SIZE, this.#signal);
      }));
  }

  /** Reads a listed referrer; `undefined` if it was deleted after the list was made. */
  async #findListed(digest: Digest, position: Position): Promise<Found | undefined> {
    try {
      return await this.#find(digest, position);
    } catch (error) {
      if (isManifestsError(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  #retry<T>(step: string, work: () => Promise<T>): Promise<T> {
    const { maxRetries, retryDelay, firstDelay, emit } = this.#options;
    return retry(step, work, { maxRetries, retryDelay, firstDelay, emit, signal: this.#signal });
  }
}
