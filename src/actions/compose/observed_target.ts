import type {
  DestinationAbilities,
  ImageDestination,
  ImageReference,
  ImageSource,
  OpenDestinationOptions,
  SystemContext,
  WriteManifestOptions,
} from "../../image/room.ts";
import { type Digest, manifestDigest } from "../../spec/room.ts";

/** The manifest that a push wrote, or would have written, under its name. */
export interface TopManifest {
  /** Exact bytes of the manifest. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Media type under which it is written. */
  readonly mediaType: string;
  /** Digest under which it is written. */
  readonly digest: Digest;
}

/** Options for {@linkcode ObservedTarget}. */
export interface ObservedTargetOptions {
  /** Digest that the name has; `null`: it does not exist; `undefined`: that is not known. */
  readonly current: Digest | null | undefined;
  /** Write the top manifest under its digest only, and leave the name as it is. */
  readonly byDigest: boolean;
  /** Digests that the repository certainly has. */
  readonly existing: ReadonlySet<Digest>;
  /** It is not a conflict if the name already has the top manifest. */
  readonly acceptsResult: boolean;
  /** Called with the top manifest before it is written. An exception ends the push. */
  readonly onTop: (manifest: TopManifest) => void;
}

/**
 * A reference that a push can write to, which passes on everything but the manifest of the name itself: that is reported,
 * not written again if the name already has it, and, if requested, written under its digest only.
 */
export class ObservedTarget implements ImageReference {
  readonly transport: string;
  readonly stringWithinTransport: string;
  readonly dockerReference: ImageReference["dockerReference"];
  readonly policyConfigurationIdentity: string;
  readonly policyConfigurationNamespaces: readonly string[];
  readonly opensEarly: ImageReference["opensEarly"];
  readonly #inner: ImageReference;
  readonly #options: ObservedTargetOptions;

  constructor(inner: ImageReference, options: ObservedTargetOptions) {
    this.transport = inner.transport;
    this.stringWithinTransport = inner.stringWithinTransport;
    this.dockerReference = inner.dockerReference;
    this.policyConfigurationIdentity = inner.policyConfigurationIdentity;
    this.policyConfigurationNamespaces = inner.policyConfigurationNamespaces;
    this.opensEarly = inner.opensEarly;
    this.#inner = inner;
    this.#options = options;
  }

  openSource(context?: SystemContext): Promise<ImageSource> {
    return this.#inner.openSource(context);
  }

  async openDestination(context?: SystemContext, options?: OpenDestinationOptions): Promise<ImageDestination> {
    return observe(await this.#inner.openDestination(context, options), this.#options);
  }

  toString(): string {
    return String(this.#inner);
  }
}

function observe(inner: ImageDestination, options: ObservedTargetOptions): ImageDestination {
  const abilities: DestinationAbilities = inner.abilities;
  return {
    reference: inner.reference,
    abilities,
    ...(inner.connect ? { connect: inner.connect.bind(inner) } : {}),
    findBlob: inner.findBlob.bind(inner),
    ...(inner.mountBlob ? { mountBlob: inner.mountBlob.bind(inner) } : {}),
    ...(inner.prepareBlob ? { prepareBlob: inner.prepareBlob.bind(inner) } : {}),
    putBlob: inner.putBlob.bind(inner),
    // The name itself is not looked up: its state is known, and its manifest must reach `putManifest`.
    findManifest: async (call = {}) => call.instance === undefined ? undefined : await inner.findManifest?.(call),
    putManifest: async (bytes, mediaType, call = {}) => {
      if (call.instance !== undefined) return await inner.putManifest(bytes, mediaType, call);
      return await putTop(inner, { bytes, mediaType, digest: call.digest ?? manifestDigest(bytes) }, call, options);
    },
    ...(inner.supportsSignatures ? { supportsSignatures: inner.supportsSignatures.bind(inner) } : {}),
    ...(inner.putSignatures ? { putSignatures: inner.putSignatures.bind(inner) } : {}),
    commit: inner.commit.bind(inner),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

async function putTop(
  inner: ImageDestination,
  top: TopManifest,
  call: WriteManifestOptions,
  { current, byDigest, existing, acceptsResult, onTop }: ObservedTargetOptions,
): Promise<{ readonly unchanged: boolean } | void> {
  const { bytes, mediaType, digest } = top;
  onTop(top);
  if (byDigest) {
    if (existing.has(digest)) return { unchanged: true };
    return await inner.putManifest(bytes, mediaType, { ...call, ifMatch: undefined, instance: digest });
  }
  if (current === digest) return { unchanged: true };
  return await inner.putManifest(bytes, mediaType, { ...call, repeated: acceptsResult || call.repeated });
}
