import { encodePem } from "../../src/signature/sigstore/pem.ts";
import { sealBox } from "../../src/signature/sigstore/secret_box.ts";
import { encode } from "./images.ts";

/** Any bytes as an encrypted private key of cosign's form. */
export async function encryptedKey(pkcs8: Uint8Array, passphrase: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return encode(encodePem("ENCRYPTED COSIGN PRIVATE KEY", await sealBox(pkcs8, passphrase)));
}
