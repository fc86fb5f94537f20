/** Signatures by WebCrypto, compared with `node:crypto`. */
import assert from "node:assert/strict";
import * as nodeCrypto from "node:crypto";
import fc from "fast-check";
import { decodeEcdsa, encodeEcdsa } from "../../src/signature/sigstore/ecdsa_signature.ts";
import { nodeKeys } from "../../src/signature/sigstore/node_keys.ts";
import { WEB_KEYS } from "../../src/signature/sigstore/web_keys.ts";
import { encode } from "../support/images.ts";

const { generateKeyPairSync } = nodeCrypto;
const NODE_KEYS = nodeKeys(nodeCrypto);
const MESSAGE = encode("message");
/** A byte more, a byte less, another byte, nothing, and DER with two zeros. */
const spoil = (signature: Uint8Array<ArrayBuffer>) => [
  Uint8Array.of(...signature, 0),
  signature.slice(0, -1),
  signature.map((byte, i) => i === 20 ? byte ^ 1 : byte),
  new Uint8Array(),
  Uint8Array.of(0x30, 6, 2, 1, 0, 2, 1, 0),
];

Deno.test("WebCrypto and node:crypto accept each other's signatures, and refuse the same invalid ones", async () => {
  const pairs = [
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
    generateKeyPairSync("ec", { namedCurve: "P-384" }),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ed25519"),
  ];
  for (const { privateKey, publicKey } of pairs) {
    const pkcs8 = new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" }));
    const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    for (const [signs, verifies] of [[NODE_KEYS, WEB_KEYS], [WEB_KEYS, NODE_KEYS]] as const) {
      const key = await verifies.openPublic(spki, "spki");
      const secret = await signs.openPrivate(pkcs8);
      const signature = await secret.sign(MESSAGE);
      assert.deepEqual(key.spki, spki);
      assert.equal(key.kind.type, secret.kind.type);
      assert.equal(key.kind.bits, secret.kind.bits);
      assert.ok(await key.verify(MESSAGE, signature), key.kind.type);
      assert.ok(!await key.verify(encode("another message"), signature), key.kind.type);
      for (const bad of spoil(signature)) assert.ok(!await key.verify(MESSAGE, bad), `${key.kind.type}: ${bad}`);
    }
  }
});

Deno.test("WebCrypto accepts raw ECDSA signatures and PKCS#1 RSA keys, and makes keys for node:crypto", async () => {
  const { pkcs8, spki } = await WEB_KEYS.generate();
  const signature = await (await NODE_KEYS.openPrivate(pkcs8)).sign(MESSAGE);
  const key = await WEB_KEYS.openPublic(spki, "spki");
  assert.ok(await key.verify(MESSAGE, decodeEcdsa(signature, 32)!));
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const bare = await WEB_KEYS.openPublic(new Uint8Array(publicKey.export({ type: "pkcs1", format: "der" })), "pkcs1");
  assert.deepEqual(bare.spki, new Uint8Array(publicKey.export({ type: "spki", format: "der" })));
});

Deno.test("WebCrypto refuses other kinds of keys, and input that is not a key", async () => {
  const others = [generateKeyPairSync("x25519"), generateKeyPairSync("ec", { namedCurve: "secp256k1" })];
  const keys = others.map(({ publicKey }) => new Uint8Array(publicKey.export({ type: "spki", format: "der" })));
  for (const der of [...keys, new Uint8Array(), encode("no key"), keys[0]!.slice(0, -1)]) {
    await assert.rejects(WEB_KEYS.openPublic(der, "spki"));
    await assert.rejects(WEB_KEYS.openPrivate(der));
  }
});

Deno.test("on a page that may not use WebCrypto, the error says so", async () => {
  // As browsers have it for pages that came over plain HTTP.
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  try {
    await assert.rejects(WEB_KEYS.generate(), { code: "KEY_INVALID" });
  } finally {
    Reflect.deleteProperty(crypto, "subtle");
  }
  await WEB_KEYS.generate();
});

Deno.test("an ECDSA signature has one form in DER, and is read back from it", () => {
  const size = 32;
  const number = fc.uint8Array({ minLength: size, maxLength: size });
  // Numbers that begin with zeros are the ones that DER writes shorter.
  const short = fc.tuple(number, fc.nat(size)).map(([bytes, zeros]) => bytes.fill(0, 0, zeros));
  fc.assert(fc.property(short, short, (r, s) => {
    const raw = Uint8Array.of(...r, ...s);
    assert.deepEqual(decodeEcdsa(encodeEcdsa(raw), size), raw);
  }));
  const none: number[][] = [
    [],
    [0x30, 3, 2, 1, 1],
    [0x30, 6, 2, 1, 1, 4, 1, 1],
    [0x30, 6, 2, 1, 0x80, 2, 1, 1],
    [0x30, 7, 2, 2, 0, 1, 2, 1, 1],
    [0x30, 5, 2, 0, 2, 1, 1],
    [0x30, 6, 2, 1, 1, 2, 1, 1, 0],
    [0x30, 0x26, 2, 1, 1, 2, 33, 1, ...new Array(32).fill(0)],
  ];
  for (const der of none) assert.equal(decodeEcdsa(Uint8Array.from(der), size), undefined, `${der}`);
});
