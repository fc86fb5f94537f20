import { decodeBase64, encodeBase64 } from "../internal/room.ts";
import { encodeGoJson, type GoJsonValue, isObject, parseJson, sortedMap } from "../json/room.ts";
import { ManifestsSyntaxError } from "../spec/room.ts";

/**
 * Artifacts of a list: their manifests, and the files or bytes of the blobs that these name. Stored with the list as
 * `artifacts.json`, in the format of libimage (`artifactsDetails`).
 */
export class Artifacts {
  /** Manifest text by manifest digest. */
  readonly manifests: Map<string, string> = new Map();
  /** Paths of the files of an artifact, by manifest digest. */
  readonly files: Map<string, string[]> = new Map();
  /** Digest of the configuration, by manifest digest. */
  readonly config: Map<string, string> = new Map();
  /** Digests of the layers, by manifest digest. */
  readonly layers: Map<string, string[]> = new Map();
  /** Path of the file that holds a blob, by blob digest. */
  readonly detached: Map<string, string> = new Map();
  /** Content of a blob, by blob digest. */
  readonly blobs: Map<string, Uint8Array<ArrayBuffer>> = new Map();

  #hasLost = false;

  /** Reads `artifacts.json`. Throws `INVALID_JSON` if a member is missing or has the wrong type. */
  static parse(bytes: Uint8Array): Artifacts {
    const artifacts = new Artifacts();
    const what = "artifacts.json";
    const { value } = parseJson(bytes, what);
    const members = isObject(value) ? value : fail(what);
    const fill = <T>(name: string, into: Map<string, T>, read: (item: unknown) => T | undefined) => {
      const map = members[name] ?? {};
      for (const [key, item] of Object.entries(isObject(map) ? map : fail(`${name} of ${what}`))) {
        into.set(key, read(item) ?? fail(`${name}[${JSON.stringify(key)}] of ${what}`));
      }
    };
    fill("manifests", artifacts.manifests, text);
    fill("files", artifacts.files, texts);
    fill("config", artifacts.config, text);
    fill("layers", artifacts.layers, texts);
    fill("detached", artifacts.detached, text);
    fill("blobs", artifacts.blobs, (item) => typeof item === "string" ? decodeBase64(item) : new Uint8Array());
    return artifacts;
  }

  /** Returns a deep copy, which shares nothing with the original. */
  clone(): Artifacts {
    if (this.#hasLost) this.#dropBlobs();
    const copy = new Artifacts();
    copy.addFrom(this);
    return copy;
  }

  /** Adds copies of all artifacts of `other`. */
  addFrom(other: Artifacts): void {
    for (const key of ["manifests", "files", "config", "layers", "detached", "blobs"] as const) {
      for (const [digest, value] of other[key]) (this[key] as Map<string, unknown>).set(digest, structuredClone(value));
    }
  }

  /** Removes an artifact. A copy does not have the blobs that no other artifact names. */
  remove(digest: string): void {
    for (const map of [this.manifests, this.files, this.config, this.layers]) map.delete(digest);
    // The blobs are dropped once for all removals, as that reads all artifacts.
    this.#hasLost = true;
  }

  /** Drops the blobs that no artifact names. */
  #dropBlobs(): void {
    this.#hasLost = false;
    const named = new Set([...this.config.values(), ...[...this.layers.values()].flat()]);
    for (const map of [this.detached, this.blobs]) {
      for (const blob of map.keys()) if (!named.has(blob)) map.delete(blob);
    }
  }

  /** Returns the bytes of `artifacts.json`; `{}` without artifacts. */
  serialize(): Uint8Array<ArrayBuffer> {
    const blobs = Array.from(this.blobs, ([digest, bytes]) => [digest, encodeBase64(bytes)] as const);
    return encodeGoJson(
      new Map<string, GoJsonValue | undefined>([
        ["manifests", sortedMap(this.manifests)],
        ["files", sortedMap(this.files)],
        ["config", sortedMap(this.config)],
        ["layers", sortedMap(this.layers)],
        ["detached", sortedMap(this.detached)],
        ["blobs", sortedMap(blobs)],
      ]),
    );
  }
}

function text(item: unknown): string | undefined {
  return typeof item === "string" ? item : undefined;
}

function texts(item: unknown): string[] | undefined {
  return Array.isArray(item) && item.every((entry) => typeof entry === "string") ? item : undefined;
}

function fail(place: string): never {
  throw new ManifestsSyntaxError("INVALID_JSON", `Cannot read ${place}: wrong type`);
}
