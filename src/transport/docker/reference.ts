import type { ImageDestination, ImageReference, ImageSource, SystemContext, Transport } from "../../image/mod.ts";
import type { ClientLease, RegistryPool } from "../../registry/mod.ts";
import {
  type Credentials,
  type Digest,
  ManifestsSyntaxError,
  type NamedReference,
  parseReference,
} from "../../spec/mod.ts";
import { DockerDestination } from "./destination.ts";
import { DockerSignatures, type LookasideFiles, type SignatureStorageLookup } from "./signatures/mod.ts";
import { DockerSource } from "./source.ts";

/** Finds the credentials for a repository, as in `quay.io/me/app`. */
export type CredentialsLookup = (name: string, context: SystemContext) => Promise<Credentials | undefined>;

/** What the docker transport needs. */
export interface DockerTransportOptions {
  /** Clients. */
  pool: RegistryPool;
  /** Finds credentials that the context does not give; default: there are none. */
  findCredentials?: CredentialsLookup | undefined;
  /** Finds where signatures are; default: they are attached to images where the context says so, or nowhere. */
  findSignatureStorage?: SignatureStorageLookup | undefined;
  /** The files of lookaside directories; default: there are none. */
  lookasideFiles?: LookasideFiles | undefined;
}

/** The transport of images in registries. */
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

  /** The repository, its parents, the host, then wildcards of the host's domain, as c/image orders them. */
  get policyConfigurationNamespaces(): readonly string[] {
    const { name, domain } = this.dockerReference;
    const namespaces: string[] = [];
    for (let at = name; at !== domain; at = at.slice(0, at.lastIndexOf("/"))) namespaces.push(at);
    namespaces.push(domain);
    const labels = domain.replace(/:\d+$/, "").split(".");
    for (let i = 1; i < labels.length; i++) namespaces.push(`*.${labels.slice(i).join(".")}`);
    return namespaces;
  }

  /** The tag or digest that requests name. */
  get target(): string {
    return this.dockerReference.digest ?? this.dockerReference.tag!;
  }

  withDigest(digest: Digest): DockerReference {
    return new DockerReference(this.dockerReference.trimmed().withDigest(digest), this.#options);
  }

  async openSource(context: SystemContext = {}): Promise<ImageSource> {
    const lease = await this.#acquire(context);
    return new DockerSource(this, lease, () => this.#openSignatures(lease, context));
  }

  async openDestination(context: SystemContext = {}): Promise<ImageDestination> {
    const schema1 = !context.dockerDisableDestSchema1MimeTypes;
    const lease = await this.#acquire(context);
    try {
      return new DockerDestination(this, lease, { schema1, signatures: await this.#openSignatures(lease, context) });
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
  }

  toString(): string {
    return `docker:${this.stringWithinTransport}`;
  }

  async #openSignatures({ client }: ClientLease, context: SystemContext): Promise<DockerSignatures> {
    const { dockerUseSigstoreAttachments: given } = context;
    const { findSignatureStorage, lookasideFiles: files } = this.#options;
    const storage = await findSignatureStorage?.(this.dockerReference, context) ?? { attachments: false };
    return new DockerSignatures({
      repository: client.repository(this.dockerReference.path),
      storage: given === undefined ? storage : { ...storage, attachments: given },
      fetch: context.fetch ?? ((request) => fetch(request)),
      files,
    });
  }

  async #acquire(context: SystemContext): Promise<ClientLease> {
    const { registryToken, ...credentials } = await this.#credentials(context) ?? {};
    return this.#options.pool.acquire({
      host: this.dockerReference.domain,
      credentials: Object.keys(credentials).length > 0 ? credentials : undefined,
      bearerToken: registryToken ?? context.dockerBearerRegistryToken,
      insecure: context.dockerInsecureSkipTlsVerify,
      userAgent: context.dockerRegistryUserAgent,
      fetch: context.fetch,
    });
  }

  async #credentials(context: SystemContext): Promise<Credentials | undefined> {
    const { name } = this.dockerReference;
    const given = context.credentials ?? {};
    for (let at = name; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
      if (Object.hasOwn(given, at)) return given[at];
    }
    return context.dockerAuthConfig ?? await this.#options.findCredentials?.(name, context);
  }
}
