import type { KeyObject } from "node:crypto";
import { coordinateSize, type KeyEngine, type KeyKind, type PrivateKey, type PublicKey } from "./key.ts";

type NodeCrypto = typeof import("node:crypto");

/** A public key of `node:crypto`. */
export class NodePublicKey implements PublicKey {
  readonly kind: KeyKind;
  readonly spki: Uint8Array<ArrayBuffer>;
  /** The key as an object of `node:crypto`. */
  readonly object: KeyObject;
  readonly #crypto: NodeCrypto;

  /** Imports a public key in DER; throws if it cannot be parsed. */
  constructor(crypto: NodeCrypto, der: Uint8Array, type: "spki" | "pkcs1") {
    this.#crypto = crypto;
    this.object = crypto.createPublicKey({ key: der as Buffer, format: "der", type });
    this.kind = getKind(this.object);
    this.spki = exportSpki(this.object);
  }

  verify(bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const isRaw = this.kind.type === "ec" && signature.length === 2 * coordinateSize(this.kind.curve);
    return Promise.resolve(
      this.#tryVerify(bytes, signature, "der") || (isRaw && this.#tryVerify(bytes, signature, "ieee-p1363")),
    );
  }

  #tryVerify(bytes: Uint8Array, signature: Uint8Array, dsaEncoding: "der" | "ieee-p1363"): boolean {
    try {
      return this.#crypto.verify(getHash(this.kind), bytes, { key: this.object, dsaEncoding }, signature);
    } catch {
      // For a malformed signature, some runtimes throw and others return false.
      return false;
    }
  }
}

/** Creates the crypto engine based on `node:crypto`. */
export function nodeKeys(crypto: NodeCrypto): KeyEngine {
  return {
    generate() {
      const { privateKey, publicKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
      return Promise.resolve({
        pkcs8: new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" })),
        spki: exportSpki(publicKey),
      });
    },
    // deno-lint-ignore require-await -- A parse error must become a rejection.
    async openPrivate(pkcs8): Promise<PrivateKey> {
      const key = crypto.createPrivateKey({ key: pkcs8 as unknown as Buffer, format: "der", type: "pkcs8" });
      const kind = getKind(key);
      const sign = (bytes: Uint8Array) => crypto.sign(getHash(kind), bytes, { key, dsaEncoding: "der" });
      const spki = exportSpki(crypto.createPublicKey(key as unknown as Buffer));
      return { kind, spki, sign: (bytes) => Promise.resolve(new Uint8Array(sign(bytes))) };
    },
    // deno-lint-ignore require-await -- A parse error must become a rejection.
    openPublic: async (der, type) => new NodePublicKey(crypto, der, type),
  };
}

function exportSpki(key: KeyObject): Uint8Array<ArrayBuffer> {
  return new Uint8Array(key.export({ type: "spki", format: "der" }));
}

function getKind({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): KeyKind {
  return { type, curve: details?.namedCurve, bits: details?.modulusLength };
}

/** Returns the hash to use with a kind of key; `null` for Ed25519, which includes its own. */
function getHash({ type }: KeyKind): string | null {
  return type === "ed25519" ? null : "sha256";
}
