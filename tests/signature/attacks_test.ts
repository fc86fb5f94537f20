/** Signatures that attackers, or broken tools, would make: every one is refused, and says why. */
import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { openMessageWithGpg } from "../../src/signature/gpg/room.ts";
import { openMessage, openPgpKey, verifySimpleSignature } from "../../src/signature/room.ts";
import { parsePayload } from "../../src/signature/payload.ts";
import { digestOf } from "../../src/spec/room.ts";
import { makeGpgHome } from "../support/gpg.ts";
import { encode, makeImage } from "../support/images.ts";
import { exec, peerTest } from "../support/peers.ts";

const { manifest } = makeImage({ architecture: "amd64" });
const DIGEST = digestOf(manifest);
const NAME = "registry.example/team/app:1";
const EXPECTED = { manifestDigest: DIGEST, acceptsReference: (name: string) => name === NAME };
const IMAGE = `"image":{"docker-manifest-digest":"${DIGEST}"}`;
const IDENTITY = `"identity":{"docker-reference":"${NAME}"}`;
const TYPE = '"type":"atomic container signature"';
const critical = (...members: string[]) => `{"critical":{${members.join()}},"optional":{}}`;
const optional = (value: string) => `{"critical":{${TYPE},${IMAGE},${IDENTITY}},"optional":${value}}`;
const digest = (value: string) => critical(TYPE, IDENTITY, `"image":{"docker-manifest-digest":${value}}`);
const name = (value: string) => critical(TYPE, IMAGE, `"identity":{"docker-reference":${value}}`);

const GOOD_PAYLOADS = [
  critical(TYPE, IMAGE, IDENTITY),
  ` \n${critical(IDENTITY, TYPE, IMAGE)}\n`,
  optional('{"creator":"me","timestamp":1e3,"more":[{}]}'),
  optional('{"timestamp":-5}'),
  optional("{}").replace("critical", "\\u0063ritical"),
];

/** Payloads, and whether skopeo takes them where we do not. */
const BAD_PAYLOADS: [payload: string, code?: string | undefined, skopeoTakes?: boolean][] = [
  [""],
  ["null"],
  ["[]"],
  ["{}"],
  [critical(TYPE, IMAGE, IDENTITY) + "{}"],
  [critical(TYPE, IMAGE, IDENTITY) + "\0"],
  ["\ufeff" + critical(TYPE, IMAGE, IDENTITY)],
  [critical(TYPE, IMAGE, IDENTITY, TYPE)],
  [critical(TYPE, IMAGE, IDENTITY, TYPE.replace("type", "t\\u0079pe"))],
  [critical(TYPE, IMAGE, IDENTITY, '"more":1')],
  [critical(TYPE, IMAGE, IDENTITY, '"__proto__":{}')],
  [critical(TYPE, IMAGE)],
  [critical(TYPE.replace("type", "Type"), IMAGE, IDENTITY)],
  [critical(TYPE, IMAGE, IDENTITY).replace("critical", "Critical")],
  [critical(TYPE.replace("atomic container signature", "cosign container image signature"), IMAGE, IDENTITY)],
  [critical('"type":null', IMAGE, IDENTITY)],
  [critical(TYPE, IMAGE, IDENTITY).replace(',"optional":{}', "")],
  [critical(TYPE, IMAGE, IDENTITY).replace('"optional"', '"optional":{},"optional"')],
  [optional("null")],
  [optional("[]")],
  [optional('{"creator":1}')],
  [optional('{"timestamp":1.5}')],
  [optional('{"timestamp":"1"}')],
  [optional('{"timestamp":1e300}')],
  [optional('{"timestamp":9223372036854775807}')],
  // Stricter than c/image, but no real signer writes these.
  [optional('{"creator":null}'), undefined, true],
  [optional('{"timestamp":null}'), undefined, true],
  [optional('{"more":{"a":1,"a":2}}'), undefined, true],
  [optional(`{"more":"${"x".repeat(64 * 1024)}"}`), "LIMIT_EXCEEDED", true],
  [digest("1")],
  [digest("null")],
  [digest('""')],
  [digest('"md5:d41d8cd98f00b204e9800998ecf8427e"')],
  [digest(JSON.stringify(DIGEST.toUpperCase()))],
  [digest(JSON.stringify(DIGEST.slice(0, -1)))],
  [digest(JSON.stringify(`${DIGEST} `))],
  [digest(JSON.stringify(digestOf(encode("other")))), "SIGNATURE_DIGEST_MISMATCH"],
  [digest(JSON.stringify(digestOf(manifest, "sha512"))), "SIGNATURE_DIGEST_MISMATCH"],
  [name("null")],
  [name("1")],
  [name('""'), "SIGNATURE_IDENTITY_MISMATCH"],
  [name('"registry.example/team/app"'), "SIGNATURE_IDENTITY_MISMATCH"],
  [name('"registry.example/team/app:2"'), "SIGNATURE_IDENTITY_MISMATCH"],
  [name('"\\ud800"'), "SIGNATURE_IDENTITY_MISMATCH"],
  [critical(TYPE, IMAGE, IDENTITY, '"more":' + "[".repeat(200) + "]".repeat(200))],
];

peerTest("payloads with any deviation are refused, as by skopeo", ["gpg", "skopeo"], async () => {
  await using home = await makeGpgHome();
  const fingerprint = await home.makeKey("one");
  const keyrings = [await home.exportKeys(fingerprint)];
  const key = await openPgpKey(await home.exportSecret(fingerprint));
  await Deno.writeFile(`${home.folder}/manifest.json`, manifest);
  const skopeoTakes = async (bytes: Uint8Array) => {
    await Deno.writeFile(`${home.folder}/signature`, bytes);
    const args = [`${home.folder}/manifest.json`, NAME, fingerprint, `${home.folder}/signature`];
    return (await exec(["skopeo", "standalone-verify", ...args], home.env)).code === 0;
  };
  for (const payload of GOOD_PAYLOADS) {
    const bytes = await key.seal(encode(payload));
    await verifySimpleSignature(bytes, { ...EXPECTED, keyrings });
    assert.ok(await skopeoTakes(bytes), payload);
  }
  for (const [payload, code = "SIGNATURE_PAYLOAD_INVALID", theyTake = false] of BAD_PAYLOADS) {
    const bytes = await key.seal(encode(payload));
    await assert.rejects(verifySimpleSignature(bytes, { ...EXPECTED, keyrings }), { code }, payload);
    assert.equal(await skopeoTakes(bytes), theyTake, payload);
  }
  const invalid = await key.seal(new Uint8Array([...encode(optional('{"a":"')).slice(0, -1), 0xff, ...encode('"}}')]));
  await assert.rejects(verifySimpleSignature(invalid, { ...EXPECTED, keyrings }), {
    code: "SIGNATURE_PAYLOAD_INVALID",
  });
});

Deno.test("payloads of the two kinds are not interchangeable, and only cosign's may lack optional members", () => {
  const cosign = "cosign container image signature" as const;
  const text = (type: string) => encode(critical(`"type":"${type}"`, IMAGE, IDENTITY));
  assert.equal(parsePayload(cosign, text(cosign)).digest, DIGEST);
  assert.throws(() => parsePayload(cosign, text("atomic container signature")), { code: "SIGNATURE_PAYLOAD_INVALID" });
  const silent = optional("null").replace("atomic container signature", cosign);
  assert.equal(parsePayload(cosign, encode(silent)).reference, NAME);
});

peerTest("messages of any other form are refused by both verifiers", ["gpg"], async () => {
  await using home = await makeGpgHome();
  const [one, two] = [await home.makeKey("one"), await home.makeKey("two", { algorithm: "rsa2048" })];
  const keyrings = [await home.exportKeys()];
  const body = encode(critical(TYPE, IMAGE, IDENTITY));
  const pipe = (...args: string[]) => home.pipe(body, ...args);
  const signed = await pipe("--compress-algo", "none", "-u", one, "--sign");
  const compressed = await pipe("--compress-algo", "zip", "-u", one, "--sign");
  const good = [
    signed,
    compressed,
    await pipe("--compress-algo", "zlib", "-u", two, "--sign"),
    await pipe("--set-filename", "odd\nname", "-u", one, "--sign"),
    await home.pipe(body, "-u", two, "--digest-algo", "SHA512", "--sign"),
  ];
  for (const bytes of good) {
    for (const open of [openMessage, openMessageWithGpg]) {
      assert.deepEqual(new Uint8Array((await open(bytes, keyrings)).body), body);
    }
  }
  // Long content comes in pieces, each with a length of its own.
  const long = crypto.getRandomValues(new Uint8Array(60_000));
  for (const algorithm of ["none", "zip"]) {
    const bytes = await home.pipe(long, "--compress-algo", algorithm, "-u", one, "--sign");
    assert.deepEqual(new Uint8Array((await openMessage(bytes, keyrings)).body), long);
  }
  const join = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));
  const zip = (bytes: Uint8Array) => join(new Uint8Array([0xa3, 1]), deflateRawSync(bytes));
  const literal = await home.pipe(body, "--compress-algo", "none", "--store");
  const rows: [what: string, bytes: Uint8Array<ArrayBuffer>, gpgTakes?: boolean][] = [
    ["nothing", new Uint8Array()],
    ["armour", await pipe("--armor", "-u", one, "--sign")],
    ["clear text", await pipe("-u", one, "--clear-sign")],
    ["detached", await pipe("-u", one, "--detach-sign")],
    ["two signers", await pipe("-u", one, "-u", two, "--sign")],
    ["two messages", join(signed, signed)],
    ["two messages, compressed", zip(join(signed, signed))],
    ["trailing bytes", join(signed, encode("junk"))],
    ["trailing marker packet", join(signed, new Uint8Array([0xca, 3, 0x50, 0x47, 0x50])), true],
    ["leading marker packet", join(new Uint8Array([0xca, 3, 0x50, 0x47, 0x50]), signed)],
    ["bytes after what is compressed", join(zip(signed), encode("junk")), true],
    ["compressed twice", zip(zip(signed)), true],
    ["content that nobody signed", literal],
    ["content that nobody signed, compressed", zip(literal)],
    ["text", await pipe("--textmode", "-u", one, "--sign")],
    ["encrypted", await pipe("--passphrase", "x", "--symmetric", "-u", one, "--sign")],
    ["thousands of packets", new Uint8Array(100_000).fill(0xc4).map((byte, i) => i % 2 ? 0 : byte)],
    ["cut", signed.slice(0, -1)],
    ["cut, compressed", compressed.slice(0, -8)],
  ];
  for (const [what, bytes, gpgTakes] of rows) {
    await assert.rejects(openMessage(bytes, keyrings), { code: "SIGNATURE_MESSAGE_INVALID" }, what);
    if (gpgTakes) {
      assert.deepEqual(new Uint8Array((await openMessageWithGpg(bytes, keyrings)).body), body, what);
      continue;
    }
    await assert.rejects(openMessageWithGpg(bytes, keyrings), (error: { code?: string }) => {
      assert.match(error.code ?? String(error), /^SIGNATURE_(MESSAGE_)?INVALID$/, what);
      return true;
    }, what);
  }
  const bomb = zip(new Uint8Array(50_000_000));
  await assert.rejects(openMessage(bomb, keyrings), { code: "LIMIT_EXCEEDED" });
  await assert.rejects(openMessageWithGpg(bomb, keyrings), { code: "SIGNATURE_MESSAGE_INVALID" });
  const weak = await pipe("--digest-algo", "SHA1", "-u", two, "--sign");
  await assert.rejects(openMessage(weak, keyrings), { code: "SIGNATURE_WEAK" });
  const small = await home.makeKey("small", { algorithm: "rsa1024" });
  const byIt = await pipe("-u", small, "--sign");
  await assert.rejects(openMessage(byIt, [await home.exportKeys(small)]), { code: "SIGNATURE_WEAK" });
});

peerTest("expired keys and signatures and revoked keys are refused", ["gpg"], async () => {
  await using home = await makeGpgHome();
  const body = encode(critical(TYPE, IMAGE, IDENTITY));
  const key = await home.makeKey("ends", { expires: "1d" });
  const lasting = await home.makeKey("lasts");
  const later = new Date(Date.now() + 3 * 24 * 3600 * 1000);
  const sign = (user: string, ...args: string[]) => home.pipe(body, ...args, "-u", user, "--sign");
  const [byEnding, ending] = [await sign(key), await sign(lasting, "--default-sig-expire", "1d")];
  const keyrings = [await home.exportKeys()];
  await openMessage(byEnding, keyrings);
  await openMessage(ending, keyrings);
  await assert.rejects(openMessage(byEnding, keyrings, { now: later }), { code: "SIGNATURE_KEY_EXPIRED" });
  await assert.rejects(openMessage(ending, keyrings, { now: later }), { code: "SIGNATURE_EXPIRED" });
  // The gpg binary has a clock of its own, so these were made long ago.
  const past = ["--faked-system-time", "20240101T000000", "--passphrase", ""];
  await home.gpg(...past, "--quick-gen-key", "old@example.com", "ed25519", "sign", "1d");
  await home.gpg(...past, "--quick-gen-key", "older@example.com", "ed25519", "sign", "never");
  const byEnded = await sign("old@example.com", ...past);
  const ended = await sign("older@example.com", ...past, "--default-sig-expire", "1d");
  const rings = [await home.exportKeys()];
  for (const open of [openMessage, openMessageWithGpg]) {
    await assert.rejects(open(byEnded, rings), { code: "SIGNATURE_KEY_EXPIRED" });
    await assert.rejects(open(ended, rings), { code: "SIGNATURE_EXPIRED" });
  }
  const before = await home.exportKeys(lasting);
  const valid = await sign(lasting);
  await home.revoke(lasting);
  const revoked = await home.exportKeys(lasting);
  // An old copy of the key in another keyring does not outlive its revocation.
  for (const rings of [[revoked], [before, revoked], [revoked, before]]) {
    for (const open of [openMessage, openMessageWithGpg]) {
      await assert.rejects(open(valid, rings), { code: "SIGNATURE_KEY_REVOKED" });
    }
  }
  await openMessage(valid, [before]);

  const certifying = await home.makeKey("certifies", { usage: "cert", subkey: true });
  const bySubkey = await sign(certifying);
  await openMessage(bySubkey, [await home.exportKeys(certifying)]);
  await home.revokeSubkey(certifying);
  const revokedSubkey = [await home.exportKeys(certifying)];
  for (const open of [openMessage, openMessageWithGpg]) {
    await assert.rejects(open(bySubkey, revokedSubkey), { code: "SIGNATURE_KEY_REVOKED" });
  }
});

peerTest("a subkey that two keys share, or the id of another key, proves nothing", ["gpg"], async () => {
  await using home = await makeGpgHome();
  const body = encode(critical(TYPE, IMAGE, IDENTITY));
  const at = "20240101T000000";
  const [one, two] = [
    await home.makeKey("one", { usage: "cert", subkey: true, at }),
    await home.makeKey("two", { usage: "cert", at }),
  ];
  const bySubkey = await home.pipe(body, "-u", one, "--sign");
  const rings = [await home.exportKeys(one), await home.exportKeys(two)];
  await openMessage(bySubkey, rings);
  // Of one time and the same key material, it has the same fingerprint under both.
  const grip =
    [...(await home.gpg("--with-colons", "--with-keygrip", "--list-keys", one)).matchAll(/^grp:+(\w+):/gm)][1]![1];
  const flags = ["--no-batch", "--no-tty", "--expert", "--faked-system-time", `${at}!`, "--command-fd", "0"];
  await home.pipe(encode(`addkey\n13\n${grip}\nq\n0\nsave\n`), ...flags, "--passphrase", "", "--edit-key", two);
  const shared = [rings[0]!, await home.exportKeys(two)];
  await assert.rejects(openMessage(bySubkey, shared), { code: "SIGNATURE_KEY_UNKNOWN" });

  // The key id in the message is a hint: the signature must verify with its own key.
  const [me, other] = [await home.makeKey("me"), await home.makeKey("other")];
  const mine = await home.pipe(body, "--compress-algo", "none", "-u", me, "--sign");
  const keyrings = [await home.exportKeys(me), await home.exportKeys(other)];
  assert.equal((await openMessage(mine, keyrings)).primaryFingerprint, me);
  const forged = mine.toHex().toUpperCase().replaceAll(me.slice(-16), other.slice(-16));
  await assert.rejects(openMessage(Uint8Array.fromHex(forged), keyrings), { code: "SIGNATURE_INVALID" });
});

Deno.test("the message reader refuses any invalid input with a code", async () => {
  const first = fc.constantFrom(0xa3, 0x90, 0xc4, 0xc8, 0x88);
  await fc.assert(fc.asyncProperty(first, fc.uint8Array({ maxLength: 200 }), async (head, tail) => {
    const bytes = new Uint8Array([head, ...tail]);
    await assert.rejects(openMessage(bytes, []), { code: "SIGNATURE_MESSAGE_INVALID" });
  }));
});
