/** Errors of signatures that GnuPG made. */
import { encodePayload } from "../../src/signature/payload.ts";
import { verifySimpleSignature } from "../../src/signature/mod.ts";
import { encode } from "../support/images.ts";
import { type ErrorRows, type ErrorWorld, IMAGE, NAME } from "./world.ts";

const PAYLOAD = encodePayload("atomic container signature", { digest: IMAGE.digest, reference: NAME });
/** Two days after all keys and signatures were made. */
const LATER = new Date(Date.now() + 2 * 24 * 3600 * 1000);

/** Verifies a signature of the image `app:amd64` by keys. */
async function check(bytes: Uint8Array<ArrayBuffer>, keyring: Uint8Array<ArrayBuffer>, now?: Date): Promise<void> {
  const acceptsReference = (name: string) => name === NAME;
  await verifySimpleSignature(bytes, { manifestDigest: IMAGE.digest, acceptsReference, keyrings: [keyring], now });
}

/** Signs with a key of this fingerprint. */
function sign({ gpg }: ErrorWorld, fingerprint: string, ...args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  return gpg.pipe(PAYLOAD, ...args, "-u", fingerprint, "--sign");
}

export const GPG_ROWS: ErrorRows = {
  SIGNATURE_EXPIRED: async (world) => {
    const key = await world.gpg.makeKey("lasting");
    await check(await sign(world, key, "--default-sig-expire", "1d"), await world.gpg.exportKeys(key), LATER);
  },
  SIGNATURE_KEY_EXPIRED: async (world) => {
    const key = await world.gpg.makeKey("ending", { expires: "1d" });
    await check(await sign(world, key), await world.gpg.exportKeys(key), LATER);
  },
  SIGNATURE_KEY_REVOKED: async (world) => {
    const key = await world.gpg.makeKey("revoked");
    const signature = await sign(world, key);
    await world.gpg.revoke(key);
    await check(signature, await world.gpg.exportKeys(key));
  },
  SIGNATURE_KEY_UNKNOWN: async (world) => {
    const [trusted, other] = [await world.gpg.makeKey("trusted"), await world.gpg.makeKey("unknown")];
    await check(await sign(world, other), await world.gpg.exportKeys(trusted));
  },
  SIGNATURE_MESSAGE_INVALID: async (world) => {
    const key = await world.gpg.makeKey("armored");
    await check(encode("This is not a signature."), await world.gpg.exportKeys(key));
  },
  SIGNATURE_WEAK: async (world) => {
    const key = await world.gpg.makeKey("small", { algorithm: "rsa1024" });
    await check(await sign(world, key), await world.gpg.exportKeys(key));
  },
};
