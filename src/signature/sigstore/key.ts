/** What kind of key one is. */
export interface KeyKind {
  /** `ec`, `rsa`, `ed25519`; others are not supported. */
  readonly type: string | undefined;
  /** The curve of an `ec` key, as in `P-256`. */
  readonly curve?: string | undefined;
  /** The size of an `rsa` key, in bits. */
  readonly bits?: number | undefined;
}

/** A public key, whoever calculates with it. */
export interface PublicKey {
  /** What kind of key it is. */
  readonly kind: KeyKind;
  /** Its DER form, by which keys are compared. */
  readonly spki: Uint8Array<ArrayBuffer>;
  /**
   * Whether a signature over bytes is this key's. ECDSA may also be two numbers of the curve's size, as other tools take
   * them.
   */
  verify(bytes: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

/** A private key, whoever calculates with it. */
export interface PrivateKey {
  /** What kind of key it is. */
  readonly kind: KeyKind;
  /** DER form of the public key that belongs to it. */
  readonly spki: Uint8Array<ArrayBuffer>;
  /** Signs bytes: ECDSA in DER, RSA with PKCS #1 v1.5, both over SHA-256, or Ed25519. */
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

/** Who calculates with keys. What cannot be parsed is an error of any kind. */
export interface KeyEngine {
  /** Makes a key pair: ECDSA over P-256. */
  generate(): Promise<{ pkcs8: Uint8Array<ArrayBuffer>; spki: Uint8Array<ArrayBuffer> }>;
  /** Takes a private key. */
  openPrivate(pkcs8: Uint8Array<ArrayBuffer>): Promise<PrivateKey>;
  /** Takes a public key of either DER form. */
  openPublic(der: Uint8Array<ArrayBuffer>, type: "spki" | "pkcs1"): Promise<PublicKey>;
}

/** The first of some keys whose signature over bytes it is. */
export async function findVerifying(
  keys: readonly PublicKey[],
  bytes: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<PublicKey | undefined> {
  for (const key of keys) if (await key.verify(bytes, signature)) return key;
  return undefined;
}

/** How many bytes each of the two numbers of a signature by a key on this curve has. */
export function coordinateSize(curve: string | undefined): number {
  return Math.ceil(Number(/\d{3}/.exec(curve ?? "")?.[0] ?? 256) / 8);
}
