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

/** Options of {@linkcode evaluatePolicy}. */
export interface EvaluatePolicyOptions extends SignalOptions {
  /** Reads a key or certificate file that a policy names. Default: such files cannot be read, which is an error. */
  readonly readFile?: ((path: string, options?: SignalOptions) => Promise<Uint8Array<ArrayBuffer>>) | undefined;
  /** Time at which keys and certificates must be valid. Default: the current time. */
  readonly now?: Date | undefined;
  /** Function that verifies OpenPGP messages. Default: verification in this process. */
  readonly openMessage?: OpenMessage | undefined;
}

/** Everything that is known about an image during its evaluation. Signatures and files are read at most once. */
export class Evidence {
  readonly #decision: PolicyDecision;
  readonly #options: EvaluatePolicyOptions;
  readonly #files = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  #signatures: Promise<readonly Signature[]> | undefined;

  /** Asserts that the manifest has the requested digest. */
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

  /** The options of the evaluation. */
  get options(): EvaluatePolicyOptions {
    return this.#options;
  }

  /** The image that is evaluated. */
  get decision(): PolicyDecision {
    return this.#decision;
  }

  /**
   * Digests that a signature may claim: by SHA-256, and by the algorithm of the image's own digest. They are computed
   * from the bytes, so that a wrong declared digest has no effect. `undefined` if the manifest is not known.
   */
  get manifestDigest(): readonly Digest[] | undefined {
    const { manifest, digest } = this.#decision;
    if (!manifest) return undefined;
    const byName = digest === undefined ? [] : [manifestDigest(manifest, digestAlgorithm(digest))];
    return [manifestDigest(manifest), ...byName];
  }

  /** Reads the image's signatures, at most once. */
  signatures(): Promise<readonly Signature[]> {
    const { signal } = this.#options;
    return this.#signatures ??= Promise.resolve(this.#decision.readSignatures?.({ signal }) ?? []);
  }

  /** Reads one file of keys or certificates, or returns its inline data. */
  async material(material: KeyMaterial): Promise<Uint8Array<ArrayBuffer>> {
    if ("data" in material) return material.data;
    const { path } = material;
    const { readFile, signal } = this.#options;
    if (!readFile) {
      throw new ManifestsError(
        "CONFIG_FILE_UNREADABLE",
        `Cannot read ${JSON.stringify(path)}: pass the readFile option`,
      );
    }
    let reading = this.#files.get(path);
    if (!reading) this.#files.set(path, reading = readFile(path, { signal }));
    return await reading;
  }

  /** Reads several files of keys or certificates, in their order. */
  async materials(materials: readonly KeyMaterial[]): Promise<Uint8Array<ArrayBuffer>[]> {
    const all: Uint8Array<ArrayBuffer>[] = [];
    for (const material of materials) all.push(await this.material(material));
    return all;
  }
}

/** Returns a domain error as the reason of a refusal. Other errors are defects and are rethrown. */
export function toRefusal(error: unknown, signal: AbortSignal | undefined): ManifestsError {
  signal?.throwIfAborted();
  if (!isManifestsError(error)) throw error;
  return error as ManifestsError;
}
