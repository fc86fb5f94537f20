import type { SignalOptions } from "../../internal/room.ts";
import {
  type Digest,
  digestAlgorithm,
  DigestMismatchError,
  isManifestsError,
  manifestDigest,
  ManifestsError,
} from "../../spec/room.ts";
import type { OpenMessage } from "../openpgp/mod.ts";
import type { Signature } from "../types.ts";
import type { PolicyDecision } from "./decision.ts";
import type { KeyMaterial } from "./types.ts";

/** How {@linkcode evaluatePolicy} reaches what it needs. */
export interface EvaluatePolicyOptions extends SignalOptions {
  /** Reads a file that a policy names; default: none can be read. */
  readonly readFile?: ((path: string, options?: SignalOptions) => Promise<Uint8Array<ArrayBuffer>>) | undefined;
  /** What counts as now; default: now. */
  readonly now?: Date | undefined;
  /** Verifies OpenPGP messages; default: in this process. */
  readonly openMessage?: OpenMessage | undefined;
}

/** What is known of an image while it is judged. Signatures and files are read once, however often they are needed. */
export class Evidence {
  readonly #decision: PolicyDecision;
  readonly #options: EvaluatePolicyOptions;
  readonly #files = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  #signatures: Promise<readonly Signature[]> | undefined;

  /** Checks that the manifest is the one that was asked for. */
  constructor(decision: PolicyDecision, options: EvaluatePolicyOptions) {
    this.#decision = decision;
    this.#options = options;
    const { manifest, digest, dockerReference, isInstance, image = "image" } = decision;
    for (const expected of [digest, isInstance ? undefined : dockerReference?.digest]) {
      if (!manifest || expected === undefined) continue;
      const actual = manifestDigest(manifest, digestAlgorithm(expected));
      if (actual !== expected) throw new DigestMismatchError(`manifest of ${image}`, expected, actual);
    }
  }

  /** Options. */
  get options(): EvaluatePolicyOptions {
    return this.#options;
  }

  /** The image. */
  get decision(): PolicyDecision {
    return this.#decision;
  }

  /**
   * What a signature must be about: the digest by SHA-256, or by the algorithm by which the image is named. Computed of
   * the bytes, whatever anybody says that their digest is.
   */
  get manifestDigest(): readonly Digest[] | undefined {
    const { manifest, digest } = this.#decision;
    if (!manifest) return undefined;
    const byName = digest === undefined ? [] : [manifestDigest(manifest, digestAlgorithm(digest))];
    return [manifestDigest(manifest), ...byName];
  }

  /** The image's signatures. */
  signatures(): Promise<readonly Signature[]> {
    const { signal } = this.#options;
    return this.#signatures ??= Promise.resolve(this.#decision.readSignatures?.({ signal }) ?? []);
  }

  /** Keys or certificates. */
  async material(material: KeyMaterial): Promise<Uint8Array<ArrayBuffer>> {
    if ("data" in material) return material.data;
    const { path } = material;
    const { readFile, signal } = this.#options;
    if (!readFile) {
      throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${path} as no files can be read here`);
    }
    let reading = this.#files.get(path);
    if (!reading) this.#files.set(path, reading = readFile(path, { signal }));
    return await reading;
  }

  /** All of some. */
  async materials(materials: readonly KeyMaterial[]): Promise<Uint8Array<ArrayBuffer>[]> {
    const all: Uint8Array<ArrayBuffer>[] = [];
    for (const material of materials) all.push(await this.material(material));
    return all;
  }
}

/** An error that refuses; what is no error of this module is a defect, and is thrown on. */
export function toRefusal(error: unknown, signal: AbortSignal | undefined): ManifestsError {
  signal?.throwIfAborted();
  if (!isManifestsError(error)) throw error;
  return error as ManifestsError;
}
