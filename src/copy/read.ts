import {
  type BlobOrigin,
  createPolicyDecision,
  type ImageSource,
  type InstancePlace,
  readManifest,
  type VerifiedManifest,
} from "../image/room.ts";
import { allOrAbort, type JoinedSignal, joinSignals } from "../internal/room.ts";
import { isSignatureReferrer, type Signature, type SignaturePolicy } from "../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  findReferrer,
  getEntries,
  isIndex,
  isManifestsError,
  ManifestsError,
  type ParsedIndex,
} from "../spec/room.ts";
import { blobsOf, type ReadManifest, type ReadNode } from "./read_types.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { selectInstances, type Selection } from "./select.ts";

/** What {@linkcode readTree} needs. */
export interface ReadOptions extends Selection, Omit<RetryOptions, "signal" | "isTransient"> {
  /** Which images may be copied. */
  readonly policy: SignaturePolicy;
  /** Whether an instance is judged where a list has it from, not by the name of the list. */
  readonly policyPerOrigin: boolean;
  /** Whether to leave out the signatures that the source has. */
  readonly removeSignatures: boolean;
  /** Whether to leave out those of the list itself. */
  readonly removeListSignatures: boolean;
  /** Whether what is about a manifest goes with it. */
  readonly referrers: boolean;
  /** Ends the reading. */
  readonly signal: AbortSignal | undefined;
}

/** How deep indexes, and referrers of referrers, are followed: deeper than anybody means. */
const MAX_DEPTH = 8;
/** How many manifests are read, or judged once more, that the list itself does not name. */
const MAX_NESTED = 10_000;
/** How many bytes of manifests are held, in all. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Reads the manifests that a selection means, each once and all together: each host has a bound of its own. What policy
 * does not allow fails here.
 *
 * @throws {PolicyRejectedError} Where an image may not be copied.
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED` where indexes go too deep, and others.
 */
export async function readTree(source: ImageSource, options: ReadOptions): Promise<ReadNode> {
  const { signal = new AbortController().signal, maxRetries, retryDelay, firstDelay, emit } = options;
  const read = () => readManifest(source, { signal, maxRetries: 0 });
  const top = await retry("reading the manifest", read, { maxRetries, retryDelay, firstDelay, emit, signal });
  using reader = new TreeReader(source, options);
  return await reader.readTop(top);
}

/** Where in the tree a manifest is read. */
interface Position extends Pick<InstancePlace, "ancestor"> {
  /** How many manifests are above it; 1 for what the list itself names. */
  readonly depth: number;
  /**
   * Whether it is there for its own sake, and so judged by policy; because it is about another one; or as a part of
   * such a one. What is about parts is left: it could lead round in a circle.
   */
  readonly role: "instance" | "referrer" | "part";
}

/** A manifest that was found at a place. */
interface Found extends VerifiedManifest {
  /** What the source was asked for. */
  readonly place: InstancePlace;
  /** Reads its signatures, once, and not before somebody wants them. */
  readonly readSignatures: () => Promise<readonly Signature[]>;
}

class TreeReader {
  readonly #source: ImageSource;
  readonly #options: ReadOptions;
  readonly #nodes = new Map<string, Promise<ReadNode>>();
  readonly #judged = new Map<string, Promise<void>>();
  /** What is read belongs to all who name it: it ends with the whole, not with who was the first to want it. */
  readonly #failure = new AbortController();
  readonly #joined: JoinedSignal;
  #nested = 0;
  #bytes = 0;

  constructor(source: ImageSource, options: ReadOptions) {
    this.#source = source;
    this.#options = options;
    this.#joined = joinSignals(options.signal, this.#failure.signal);
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
    if (this.#options.selection === "system") return await this.#readChosen(top.manifest, below(position, {}));
    return await this.#complete(found, position, selectInstances(top.manifest, this.#options));
  }

  /** The image for the platform, which may be in an index within the index. */
  async #readChosen(index: ParsedIndex, position: Position): Promise<ReadNode> {
    const [instance] = selectInstances(index, this.#options);
    const found = await this.#find(instance!, position);
    if (!isIndex(found.manifest)) return await this.#complete(found, position);
    return await this.#readChosen(found.manifest, below(position, found.place));
  }

  async #readAll(digests: readonly Digest[], position: Position): Promise<ReadNode[]> {
    return await allOrAbort(digests.map((digest) => () => this.#read(digest, position)), this.#signal);
  }

  async #read(instance: Digest, position: Position): Promise<ReadNode> {
    try {
      const node = await this.#once(instance, position, async () => {
        return await this.#complete(await this.#find(instance, position), position);
      });
      if (position.role === "instance") await this.#judgeBelow(node, position);
      return node;
    } catch (error) {
      this.#failure.abort(error);
      throw error;
    }
  }

  #once(instance: Digest, { role }: Position, read: () => Promise<ReadNode>): Promise<ReadNode> {
    const key = `${role} ${instance}`;
    const reading = this.#nodes.get(key) ?? read();
    this.#nodes.set(key, reading);
    return reading;
  }

  async #find(instance: Digest, { depth, ancestor }: Position): Promise<Found> {
    this.#count(instance, depth);
    const place = { instance, ancestor };
    const read = () => readManifest(this.#source, { ...place, signal: this.#signal, maxRetries: 0 });
    const verified = await this.#retry(`reading instance ${instance}`, read);
    this.#bytes += verified.manifest.bytes.length;
    if (this.#bytes > MAX_BYTES) throw tooMuch(instance, `more than ${MAX_BYTES} bytes of manifests`);
    return this.#found(verified, place);
  }

  #count(instance: Digest, depth: number): void {
    if (depth > MAX_DEPTH) throw tooMuch(instance, `more than ${MAX_DEPTH} levels deep`);
    if (depth > 1 && ++this.#nested > MAX_NESTED) throw tooMuch(instance, `more than ${MAX_NESTED} manifests`);
  }

  #found({ digest, manifest }: VerifiedManifest, place: InstancePlace): Found {
    const signed = { digest, isInstance: place.instance !== undefined, ancestor: place.ancestor };
    let reading: Promise<readonly Signature[]> | undefined;
    const call = { signal: this.#signal, maxRetries: 0 };
    const read = async () => await this.#source.getSignatures?.(signed, call) ?? [];
    const readSignatures = () => reading ??= this.#retry(`reading signatures of ${digest}`, read);
    return { digest, manifest, place, readSignatures };
  }

  /** Asks the policy, and reads what is below a manifest and what goes with it. */
  async #complete(found: Found, position: Position, chosen?: readonly Digest[]): Promise<ReadNode> {
    const { digest, manifest, place } = found;
    const own = { digest, place };
    const next = below(position, place);
    if (isIndex(manifest)) {
      const named = chosen ?? [...new Set(getEntries(manifest).map(({ digest }) => digest))];
      const role = position.role === "instance" ? "instance" : "part";
      const members = await this.#readAll(named, { ...next, role });
      if (members.length === 0 && this.#mustJudgeIndex(place, position)) await this.#judge(found, position);
      return { kind: "index", ...own, manifest, members, ...await this.#companions(found, next) };
    }
    if (position.role === "instance") await this.#judge(found, position);
    const layers = await this.#source.layersForCopy?.(manifest, { ...place, signal: this.#signal });
    const origins = await this.#originsOf(place, blobsOf(manifest, layers));
    return { kind: "image", ...own, manifest, layers, origins, ...await this.#companions(found, next) };
  }

  /** Of an index without its members nothing else would be judged. Who makes a list believes it already. */
  #mustJudgeIndex({ instance }: InstancePlace, { role }: Position): boolean {
    return role === "instance" && !(instance === undefined && this.#hasOrigins);
  }

  /** Whether instances are judged by where they come from, which may be several places. */
  get #hasOrigins(): boolean {
    return this.#options.policyPerOrigin && this.#source.findOrigin !== undefined;
  }

  /** What several places name must be allowed at each of them, whichever it was read from. */
  async #judgeBelow(node: ReadNode, position: Position): Promise<void> {
    const { digest, manifest } = node;
    const key = `tree ${this.#placeKey(digest, position)}`;
    if (!this.#hasOrigins || this.#judged.has(key)) return await this.#judged.get(key);
    this.#count(digest, position.depth);
    const place = { instance: digest, ancestor: position.ancestor };
    const judging = node.kind === "image" || node.members.length === 0
      ? this.#judge(this.#found({ digest, manifest }, place), position)
      : allOrAbort(
        node.members.map((member) => () => this.#judgeBelow(member, below(position, place))),
        this.#signal,
      ).then(() => {});
    this.#judged.set(key, judging);
    await judging;
  }

  /** Judges a manifest, once at each place that it is said to have. */
  #judge(found: Found, position: Position): Promise<void> {
    const key = this.#placeKey(found.digest, position);
    const judging = this.#judged.get(key) ?? this.#assertAllowed(found);
    this.#judged.set(key, judging);
    return judging;
  }

  /** Below one instance of a list, everything is where that is. */
  #placeKey(digest: Digest, { ancestor }: Position): string {
    return this.#hasOrigins ? `${ancestor ?? digest} ${digest}` : digest;
  }

  async #assertAllowed(found: Found): Promise<void> {
    const { place, readSignatures } = found;
    const origin = this.#hasOrigins && place.instance ? await this.#source.findOrigin!(place) : undefined;
    const isInstance = place.instance !== undefined;
    const decision = createPolicyDecision(origin ?? this.#source.reference, found, { isInstance, readSignatures });
    await this.#options.policy.assertAllowed(decision, { signal: this.#signal });
  }

  async #originsOf(
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

  /** What goes with a manifest: its signatures, and what is about it. */
  async #companions(
    { digest, manifest, place, readSignatures }: Found,
    position: Position,
  ): Promise<Pick<ReadManifest, "signatures" | "referrers">> {
    const { removeSignatures, removeListSignatures, referrers } = this.#options;
    const isList = place.instance === undefined && isIndex(manifest);
    const signatures = removeSignatures || isList && removeListSignatures ? [] : await readSignatures();
    if (!referrers || position.role === "part") return { signatures, referrers: [] };
    // What a referrer holds goes along with that.
    const others = signatures.filter((signature) => signature.kind === "simple" || signature.referrer === undefined);
    return { signatures: others, referrers: await this.#readReferrers(digest, position) };
  }

  async #readReferrers(subject: Digest, position: Position): Promise<readonly ReadNode[]> {
    const options = { ancestor: position.ancestor, signal: this.#signal, maxRetries: 0 };
    const list = async () => await this.#source.listReferrers?.(subject, options) ?? [];
    const listed = await this.#retry(`reading the referrers of ${subject}`, list);
    const wanted = this.#options.removeSignatures ? listed.filter((entry) => !isSignatureReferrer(entry)) : listed;
    const digests = [...new Set(wanted.map(({ digest }) => digest))];
    const nodes = await allOrAbort(
      digests.map((digest) => () => this.#readReferrer(digest, subject, { ...position, role: "referrer" })),
      this.#signal,
    );
    return nodes.filter((node) => node !== undefined);
  }

  async #readReferrer(digest: Digest, subject: Digest, position: Position): Promise<ReadNode | undefined> {
    const found = await this.#findListed(digest, position);
    // Before anything else is done with it: so no list of referrers can lead round in a circle.
    if (!found || findReferrer(found.manifest)?.subject !== subject) return undefined;
    return await this.#once(digest, position, () => this.#complete(found, position));
  }

  /** A list of referrers may be older than what it names. */
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

/** The position of what a manifest at a position names: below an instance of the list, it is where that instance is. */
function below({ depth, role, ancestor }: Position, { instance }: InstancePlace): Position {
  return { depth: depth + 1, role, ancestor: ancestor ?? instance };
}

function tooMuch(instance: Digest, problem: string): ManifestsError {
  return new ManifestsError("LIMIT_EXCEEDED", `Cannot copy ${instance} as what is below the list is ${problem}`);
}
