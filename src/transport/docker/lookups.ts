import type { SystemContext } from "../../image/room.ts";
import type { TlsIdentity } from "../../registry/room.ts";
import type { Credentials, NamedReference } from "../../spec/room.ts";
import type { SignatureStorage } from "./signatures/mod.ts";

/** A place in which a reference may be. */
export interface RegistryPlace {
  /** The reference in that place. */
  readonly reference: NamedReference;
  /** Whether plain HTTP and certificates that nobody vouches for are fine there. */
  readonly insecure: boolean;
}

/** What configuration says about registries, where the caller's context does not. Portable: nothing is read here. */
export interface RegistryLookups {
  /** The credentials for a repository, as in `quay.io/me/app`; default: there are none. */
  findCredentials?(name: string, context: SystemContext): Promise<Credentials | undefined>;
  /**
   * The places to pull a reference from, in the order in which they are tried; default: where it says. Fails with code
   * `REGISTRY_BLOCKED`.
   */
  findPullPlaces?(reference: NamedReference, context: SystemContext): Promise<readonly RegistryPlace[]>;
  /** The one place where a reference is written, or a mirror is; default: where it says. Fails as above. */
  findPlace?(reference: NamedReference, context: SystemContext): Promise<RegistryPlace>;
  /** Where signatures of a repository's images are; default: attached to them where the context says so, or nowhere. */
  findSignatureStorage?(reference: NamedReference, context: SystemContext): Promise<SignatureStorage>;
  /** The certificates for a registry, as in `localhost:5000`; default: the system's. */
  findCertificates?(host: string, context: SystemContext): Promise<TlsIdentity | undefined>;
}
