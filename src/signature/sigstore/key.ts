/** Algorithm and size of a key. */
export interface KeyKind {
  /** Algorithm: `ec`, `rsa` or `ed25519`. Others are not supported. */
  readonly type: string | undefined;
  /** Curve of an `ec` key, such as `P-256`. */
  readonly curve?: string | undefined;
  /** Size of an `rsa` key, in bits. */
  readonly bits?: number | undefined;
}

/** A public key of any crypto engine. */
export interface PublicKey {
  /** Algorithm and size of the key. */
  readonly kind: KeyKind;
  /** SubjectPublicKeyInfo in DER, by which keys are compared. */
  readonly spki: Uint8Array<ArrayBuffer>;
  /**
   * Whether a signature over the bytes was made with this key. ECDSA signatures may be DER, or two numbers of the
   * curve's size, which other tools accept too.
   */
  verify(bytes: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

/** A private key of any crypto engine. */
export interface PrivateKey {
  /** Algorithm and size of the key. */
  readonly kind: KeyKind;
  /** SubjectPublicKeyInfo of the corresponding public key, in DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
  /** Signs bytes: with ECDSA (in DER) or RSA (PKCS #1 v1.5), both with SHA-256, or with Ed25519. */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

/** A crypto implementation. Its methods throw an error of any type for a key that cannot be parsed. */
export interface KeyEngine {
  /** Generates an ECDSA key pair on P-256. */
  generate(): Promise<{ pkcs8: Uint8Array<ArrayBuffer>; spki: Uint8Array<ArrayBuffer> }>;
  /** Imports a private key in PKCS #8. */
  openPrivate(pkcs8: Uint8Array<ArrayBuffer>): Promise<PrivateKey>;
  /** Imports a public key in SubjectPublicKeyInfo or PKCS #1 DER. */
  openPublic(der: Uint8Array<ArrayBuffer>, type: "spki" | "pkcs1"): Promise<PublicKey>;
}

/** Finds the first key that verifies a signature over bytes; `undefined` if none does. */
export async function findVerifying(
  keys: readonly PublicKey[],
  bytes: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<PublicKey | undefined> {
  for (const key of keys) if (await key.verify(bytes, signature)) return key;
  return undefined;
}

/** Returns the size of each of the two numbers of a signature by a key on this curve, in bytes. */
export function coordinateSize(curve: string | undefined): number {
  return Math.ceil(Number(/\d{3}/.exec(curve ?? "")?.[0] ?? 256) / 8);
}
