import { type BlobOrigin, type ImageSource, readManifest, type VerifiedManifest } from "../image/mod.ts";
import { allOrAbort } from "../internal/mod.ts";
import { isSignatureReferrer, type Signature, type SignaturePolicy } from "../signature/mod.ts";
import {
  type Descriptor,
  type Digest,
  entriesOf,
  findReferrer,
  isIndex,
  isManifestsError,
  ManifestsError,
  type ParsedIndex,
} from "../spec/mod.ts";
import { blobsOf, type ReadManifest, type ReadNode } from "./read_types.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { selectInstances, type Selection } from "./select.ts";

/** What {@linkcode readTree} needs. */
export interface ReadOptions extends Selection, Omit<RetryOptions, "signal" | "isTransient"> {
  /** Which images may be copied. */
  readonly policy: SignaturePolicy;
  /** Whether an instance is judged where a list has it from, not by the name of the list. */
  readonly judgesOrigins: boolean;
  /** Whether to leave out the signatures that the source has. */
  readonly removeSignatures: boolean;
  /** Whether what is about a manifest goes with it. */
  readonly referrers: boolean;
  /** Ends the reading. */
  readonly signal: AbortSignal | undefined;
}

/** How deep indexes, and referrers of referrers, are followed: deeper than anybody means. */
const MAX_DEPTH = 8;
/** How many manifests are read that the list itself does not name. */
const MAX_NESTED = 10_000;

/**
 * Reads the manifests that a selection means, each once and all together: each host has a bound of its own. What policy
 * does not allow fails here.
 *
 * @throws {PolicyRejectedError} Where an image may not be copied.
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED` where indexes go too deep, and others.
 */
export async function readTree(source: ImageSource, options: ReadOptions): Promise<ReadNode> {
  const { signal, maxRetries } = options;
  const top = await readManifest(source, { signal, maxRetries });
  return await new TreeReader(source, options).readTop(top);
}

/** Where in the tree a manifest is read. */
interface Place {
  /** How many manifests are above it; 1 for what the list itself names. */
  readonly depth: number;
  /**
   * Whether it is there for its own sake, and so judged by policy; because it is about another one; or as a part of
   * such a one. What is about parts is left: it could lead round in a circle.
   */
  readonly role: "instance" | "referrer" | "part";
  /** Ends the reading. */
  readonly signal: AbortSignal | undefined;
}

class TreeReader {
  readonly #source: ImageSource;
  readonly #options: ReadOptions;
  readonly #nodes = new Map<string, Promise<ReadNode>>();
  #nested = 0;

  constructor(source: ImageSource, options: ReadOptions) {
    this.#source = source;
    this.#options = options;
  }

  async readTop(top: VerifiedManifest): Promise<ReadNode> {
    const { selection, signal } = this.#options;
    const place: Place = { depth: 0, role: "instance", signal };
    if (!isIndex(top.manifest)) return await this.#complete(top, undefined, place);
    if (selection === "system") return await this.#readChosen(top.manifest, { ...place, depth: 1 });
    return await this.#complete(top, undefined, place, selectInstances(top.manifest, this.#options));
  }

  /** The image for the platform, which may be in an index within the index. */
  async #readChosen(index: ParsedIndex, place: Place): Promise<ReadNode> {
    const [instance] = selectInstances(index, this.#options);
    const verified = await this.#readManifest(instance!, place);
    if (!isIndex(verified.manifest)) return await this.#complete(verified, instance, place);
    return await this.#readChosen(verified.manifest, { ...place, depth: place.depth + 1 });
  }

  async #readAll(digests: readonly Digest[], place: Place): Promise<ReadNode[]> {
    return await allOrAbort(
      digests.map((digest) => (signal) => this.#read(digest, { ...place, signal })),
      place.signal,
    );
  }

  #read(instance: Digest, place: Place): Promise<ReadNode> {
    return this.#once(instance, place, async () => {
      return await this.#complete(await this.#readManifest(instance, place), instance, place);
    });
  }

  #once(instance: Digest, { role }: Place, read: () => Promise<ReadNode>): Promise<ReadNode> {
    const key = `${role} ${instance}`;
    const reading = this.#nodes.get(key) ?? read();
    this.#nodes.set(key, reading);
    return reading;
  }

  async #readManifest(instance: Digest, { depth, signal }: Place): Promise<VerifiedManifest> {
    if (depth > MAX_DEPTH || depth > 1 && ++this.#nested > MAX_NESTED) {
      const problem = depth > MAX_DEPTH ? `more than ${MAX_DEPTH} levels deep` : `more than ${MAX_NESTED} manifests`;
      throw new ManifestsError("LIMIT_EXCEEDED", `Cannot copy ${instance} as what is below the list is ${problem}`);
    }
    const read = () => readManifest(this.#source, { instance, signal, maxRetries: 0 });
    return await this.#retry(`reading instance ${instance}`, read, signal);
  }

  /** Asks the policy, and reads what is below a manifest and what goes with it. */
  async #complete(
    { digest, manifest }: VerifiedManifest,
    instance: Digest | undefined,
    place: Place,
    chosen?: readonly Digest[],
  ): Promise<ReadNode> {
    const { signal } = place;
    const own = { digest, instance };
    const below = { ...place, depth: place.depth + 1 };
    if (isIndex(manifest)) {
      const named = chosen ?? [...new Set(entriesOf(manifest).map(({ digest }) => digest))];
      const role = place.role === "instance" ? "instance" : "part";
      const members = await this.#readAll(named, { ...below, role });
      const readSignatures = this.#signatureReader(own, signal);
      if (members.length === 0 && this.#mustJudgeIndex(instance, place)) {
        await this.#requireAllowed({ ...own, manifest, readSignatures }, signal);
      }
      return { kind: "index", ...own, manifest, members, ...await this.#companions(digest, readSignatures, below) };
    }
    const readSignatures = this.#signatureReader(own, signal);
    if (place.role === "instance") await this.#requireAllowed({ ...own, manifest, readSignatures }, signal);
    const layers = await this.#source.layersForCopy?.(manifest, { instance, signal });
    const origins = await this.#originsOf(instance, blobsOf(manifest, layers));
    return {
      kind: "image",
      ...own,
      manifest,
      layers,
      origins,
      ...await this.#companions(digest, readSignatures, below),
    };
  }

  /** Of an index without its members nothing else would be judged. Who makes a list believes it already. */
  #mustJudgeIndex(instance: Digest | undefined, { role }: Place): boolean {
    const isOwn = instance === undefined && this.#options.judgesOrigins && this.#source.originOf !== undefined;
    return role === "instance" && !isOwn;
  }

  /** The signatures of a manifest: read once, and not before somebody wants them. */
  #signatureReader({ digest, instance }: Pick<ReadManifest, "digest" | "instance">, signal: AbortSignal | undefined) {
    const manifest = { digest, isInstance: instance !== undefined };
    let reading: Promise<readonly Signature[]> | undefined;
    return () => reading ??= Promise.resolve(this.#source.getSignatures?.(manifest, { signal }) ?? []);
  }

  async #requireAllowed(
    { digest, instance, manifest, readSignatures }: JudgedManifest,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { policy, judgesOrigins } = this.#options;
    const origin = judgesOrigins && instance ? await this.#source.originOf?.(instance) : undefined;
    const reference = origin ?? this.#source.reference;
    const { transport, policyConfigurationIdentity, policyConfigurationNamespaces, dockerReference } = reference;
    await policy.requireAllowed({
      transport,
      identity: policyConfigurationIdentity,
      namespaces: policyConfigurationNamespaces,
      image: String(reference),
      dockerReference,
      isInstance: instance !== undefined,
      manifest: manifest.bytes,
      digest,
      readSignatures,
    }, { signal });
  }

  async #originsOf(
    instance: Digest | undefined,
    blobs: readonly Descriptor[],
  ): Promise<ReadonlyMap<Digest, BlobOrigin>> {
    const origins = new Map<Digest, BlobOrigin>();
    for (const descriptor of blobs) {
      const origin = await this.#source.blobOrigin?.(descriptor, { instance });
      if (origin) origins.set(descriptor.digest, origin);
    }
    return origins;
  }

  /** What goes with a manifest: its signatures, and what is about it. */
  async #companions(
    digest: Digest,
    readSignatures: () => Promise<readonly Signature[]>,
    below: Place,
  ): Promise<Pick<ReadManifest, "signatures" | "referrers">> {
    const { removeSignatures, referrers } = this.#options;
    const signatures = removeSignatures ? [] : await readSignatures();
    if (!referrers || below.role === "part") return { signatures, referrers: [] };
    // What a referrer holds goes along with that.
    const others = signatures.filter((signature) => signature.kind === "simple" || signature.referrer === undefined);
    return { signatures: others, referrers: await this.#readReferrers(digest, below) };
  }

  async #readReferrers(subject: Digest, place: Place): Promise<readonly ReadNode[]> {
    const { signal } = place;
    const list = async () => await this.#source.listReferrers?.(subject, { signal, maxRetries: 0 }) ?? [];
    const listed = await this.#retry(`reading the referrers of ${subject}`, list, signal);
    const wanted = this.#options.removeSignatures ? listed.filter((entry) => !isSignatureReferrer(entry)) : listed;
    const digests = [...new Set(wanted.map(({ digest }) => digest))];
    const nodes = await allOrAbort(
      digests.map((digest) => (signal) => this.#findReferrer(digest, subject, { ...place, role: "referrer", signal })),
      signal,
    );
    return nodes.filter((node) => node !== undefined);
  }

  /** A list of referrers may be older than what it names, or name what is about another manifest, or about none. */
  async #findReferrer(digest: Digest, subject: Digest, place: Place): Promise<ReadNode | undefined> {
    try {
      const verified = await this.#readManifest(digest, place);
      // Before anything else is done with it: so no list of referrers can lead round in a circle.
      if (findReferrer(verified.manifest)?.subject !== subject) return undefined;
      return await this.#once(digest, place, () => this.#complete(verified, digest, place));
    } catch (error) {
      if (isManifestsError(error, "NOT_FOUND")) return undefined;
      throw error;
    }
  }

  #retry<T>(step: string, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { maxRetries, retryDelay, emit } = this.#options;
    return retry(step, work, { maxRetries, retryDelay, emit, signal: signal ?? NEVER });
  }
}

/** What policy judges. */
interface JudgedManifest extends Pick<ReadNode, "digest" | "instance" | "manifest"> {
  /** Reads its signatures. */
  readonly readSignatures: () => Promise<readonly Signature[]>;
}

const NEVER: AbortSignal = new AbortController().signal;
