import type {
  ImageDestination,
  ImageReference,
  ImageSource,
  OpenDestinationOptions,
  SystemContext,
  Transport,
} from "../../image/room.ts";
import { type Digest, isDigest, ManifestsSyntaxError, type NamedReference, parseReference } from "../../spec/room.ts";
import { listNamespaces } from "../docker/namespaces.ts";
import type { DaemonEndpoint } from "./endpoint.ts";

/** Options for {@linkcode createDockerDaemonTransport}. */
export interface DockerDaemonOptions {
  /** Returns the address of the daemon for a system context. Called for each source and destination that is opened. */
  findEndpoint(context: SystemContext): Promise<DaemonEndpoint>;
}

/** An image in a daemon: by id, or by name with a tag or a digest. */
type DaemonImage = { readonly id: Digest } | { readonly name: NamedReference };

/** Creates the transport of images in a Docker daemon, `docker-daemon:NAME:TAG`, `NAME@DIGEST` or `sha256:ID`. */
export function createDockerDaemonTransport(options: DockerDaemonOptions): Transport {
  return { name: "docker-daemon", parseReference: (text) => new DockerDaemonReference(parseImage(text), options) };
}

function parseImage(text: string): DaemonImage {
  if (isDigest(text)) {
    if (!text.startsWith("sha256:")) fail(text, "only digest algorithm sha256 accepted");
    return { id: text };
  }
  const name = parseReference(text);
  if (name.familiar().split(/[:@]/)[0] === "sha256") {
    fail(text, "the sha256 repository name is reserved for (non-shortened) digest references");
  }
  if (name.tag === undefined && name.digest === undefined) fail(text, "it has neither a tag nor a digest");
  if (name.tag !== undefined && name.digest !== undefined) {
    fail(text, "references with both a tag and digest are currently not supported");
  }
  return { name };
}

function fail(text: string, problem: string): never {
  throw new ManifestsSyntaxError(
    "INVALID_REFERENCE",
    `Cannot parse docker-daemon reference ${JSON.stringify(text)}: ${problem}`,
  );
}

/** An image in a Docker daemon. */
class DockerDaemonReference implements ImageReference {
  readonly transport = "docker-daemon";
  readonly #image: DaemonImage;
  readonly #options: DockerDaemonOptions;

  constructor(image: DaemonImage, options: DockerDaemonOptions) {
    this.#image = image;
    this.#options = options;
  }

  get dockerReference(): NamedReference | undefined {
    return "name" in this.#image ? this.#image.name : undefined;
  }

  get stringWithinTransport(): string {
    return "name" in this.#image ? this.#image.name.familiar() : this.#image.id;
  }

  get policyConfigurationIdentity(): string {
    // An id has no scope: whoever writes a policy cannot know it beforehand.
    return "name" in this.#image ? String(this.#image.name) : "";
  }

  get policyConfigurationNamespaces(): readonly string[] {
    return "name" in this.#image ? listNamespaces(this.#image.name) : [];
  }

  /** Opens the image. The daemon sends it whole, into a temporary file: the list of its parts is at the end. */
  async openSource(context: SystemContext = {}): Promise<ImageSource> {
    const { openDaemonSource } = await import("./open.ts");
    return await openDaemonSource(this, await this.#options.findEndpoint(context), context);
  }

  /** Opens the daemon for one image. The archive is built in a temporary file, and sent by `commit`. */
  async openDestination(context: SystemContext = {}, options?: OpenDestinationOptions): Promise<ImageDestination> {
    const name = this.dockerReference;
    if (!name?.tag) fail(this.stringWithinTransport, "a destination must be a name:tag");
    const { openDaemonDestination } = await import("./open.ts");
    return await openDaemonDestination(this, name, await this.#options.findEndpoint(context), { context, options });
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }
}
