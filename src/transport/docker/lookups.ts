import type { SystemContext } from "../../image/room.ts";
import type { TlsIdentity } from "../../registry/room.ts";
import type { Credentials, NamedReference } from "../../spec/room.ts";
import type { SignatureStorage } from "./signatures/mod.ts";

/** A place from which the image of a reference can be read: its registry or a mirror. */
export interface RegistryPlace {
  /** Reference of the image in that place. */
  readonly reference: NamedReference;
  /** True if plain HTTP and untrusted certificates are allowed there. */
  readonly insecure: boolean;
}

/** Look-ups in the configuration of registries, for settings that the caller's context does not give. */
export interface RegistryLookups {
  /** Finds the credentials for a repository, such as `quay.io/me/app`. Default: none, requests are anonymous. */
  findCredentials?(name: string, context: SystemContext): Promise<Credentials | undefined>;
  /**
   * Returns the places to pull a reference from, in the order in which they are tried. Default: only its own registry.
   * Fails with code `REGISTRY_BLOCKED`.
   */
  findPullPlaces?(reference: NamedReference, context: SystemContext): Promise<readonly RegistryPlace[]>;
  /**
   * Returns the place to write a reference to, or the place of a mirror. Default: its own registry. Fails with code
   * `REGISTRY_BLOCKED`.
   */
  findPlace?(reference: NamedReference, context: SystemContext): Promise<RegistryPlace>;
  /**
   * Finds the locations of the signatures of a repository. Default: no lookaside, and attached only if the context
   * says so.
   */
  findSignatureStorage?(reference: NamedReference, context: SystemContext): Promise<SignatureStorage>;
  /** Finds the certificates for a registry, such as `localhost:5000`. Default: those of the system. */
  findCertificates?(host: string, context: SystemContext): Promise<TlsIdentity | undefined>;
}
