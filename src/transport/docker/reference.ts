import type { ImageDestination, ImageReference, ImageSource, SystemContext, Transport } from "../../image/room.ts";
import type { Repository } from "../../registry/room.ts";
import { type Digest, ManifestsSyntaxError, type NamedReference, parseReference } from "../../spec/room.ts";
import { acquireClient, type DockerTransportOptions, openSignatures } from "./acquire.ts";
import { listNamespaces } from "./namespaces.ts";
import { PullPlaces } from "./pull_places.ts";
import { DockerSource } from "./source.ts";

/** Creates the transport of images in registries, `docker://NAME[:TAG|@DIGEST]`. */
export function createDockerTransport(options: DockerTransportOptions): Transport {
  return {
    name: "docker",
    parseReference(text) {
      if (!text.startsWith("//")) fail(`image reference ${JSON.stringify(text)} does not start with //`);
      const named = parseReference(text.slice(2)).withDefaultTag();
      if (named.tag !== undefined && named.digest !== undefined) {
        fail(`references with both a tag and digest are currently not supported: ${JSON.stringify(text)}`);
      }
      return new DockerReference(named, options);
    },
  };
}

function fail(problem: string): never {
  throw new ManifestsSyntaxError("INVALID_REFERENCE", `Cannot parse docker reference: ${problem}`);
}

/** An image in a registry. */
export class DockerReference implements ImageReference {
  readonly transport = "docker";
  readonly dockerReference: NamedReference;
  readonly opensEarly = true;
  readonly #options: DockerTransportOptions;

  constructor(named: NamedReference, options: DockerTransportOptions) {
    this.dockerReference = named;
    this.#options = options;
  }

  get stringWithinTransport(): string {
    return `//${this.dockerReference.familiar()}`;
  }

  get policyConfigurationIdentity(): string {
    return String(this.dockerReference);
  }

  get policyConfigurationNamespaces(): readonly string[] {
    return listNamespaces(this.dockerReference);
  }

  /** Tag or digest to use in requests. */
  get target(): string {
    return this.dockerReference.digest ?? this.dockerReference.tag!;
  }

  withDigest(digest: Digest): DockerReference {
    return new DockerReference(this.dockerReference.trimmed().withDigest(digest), this.#options);
  }

  async openSource(context: SystemContext = {}): Promise<ImageSource> {
    const named = this.dockerReference;
    const places = await this.#options.findPullPlaces?.(named, context) ?? [{ reference: named, insecure: false }];
    return new DockerSource(
      this,
      new PullPlaces(named, places, async (place) => {
        // A mirror may be blocked by its own entry in registries.conf; `insecure` comes from the entry of the registry.
        if (place.reference !== named) await this.#options.findPlace?.(place.reference, context);
        return await acquireClient(place, named, context, this.#options);
      }),
      (repository, place) => openSignatures(repository, place, context, this.#options),
    );
  }

  /** Opens the repository, for requests that are not for a single image. Disposing releases the client. */
  async openRepository(context: SystemContext = {}): Promise<Disposable & { repository: Repository }> {
    const { lease, repository } = await this.#open(context);
    return { repository, [Symbol.dispose]: () => lease[Symbol.dispose]() };
  }

  async openDestination(context: SystemContext = {}): Promise<ImageDestination> {
    const schema1 = !context.dockerDisableDestSchema1MimeTypes;
    const { lease, repository, place } = await this.#open(context);
    try {
      const signatures = await openSignatures(repository, place, context, this.#options);
      const { DockerDestination } = await import("./destination.ts");
      return new DockerDestination(this, lease, { schema1, signatures });
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
  }

  async #open(context: SystemContext) {
    const named = this.dockerReference;
    const place = await this.#options.findPlace?.(named, context) ?? { reference: named, insecure: false };
    const lease = await acquireClient(place, named, context, this.#options);
    return { lease, place, repository: lease.client.repository(named.path) };
  }

  toString(): string {
    return `docker:${this.stringWithinTransport}`;
  }
}
