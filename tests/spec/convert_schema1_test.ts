import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  convertFromSchema1,
  convertToSchema1,
  type Digest,
  digestOf,
  EMPTY_GZIP_LAYER,
  manifestDigest,
  MEDIA_TYPES,
  type ParsedImage,
  renameSchema1,
  replaceSchema1Layers,
  schema1EmptyLayers,
} from "../../src/spec/room.ts";
import { decode, encode, layer, makeManifest, parseImage } from "../support/manifests.ts";

const T = MEDIA_TYPES;
const NOW = new Date("2026-11-23T04:42:17.5Z");

/** Returns the signed payload of a schema 1 manifest. */
function payloadOf({ bytes }: ParsedImage): string {
  const text = decode(bytes);
  return `${text.slice(0, text.indexOf(',"signatures":['))}}`;
}

const BASE = "sha256:cb1777d163b42aad4d1ca3be92650595b96b379abca0bfeaeab3f18652783d4d" as Digest;
const TOP = digestOf(encode("top"));
const CREATED = "1970-01-01T00:00:00Z";
const HISTORY = [
  { created: CREATED, created_by: "/bin/sh" },
  { created: CREATED, created_by: "/bin/sh -c #(nop) ENV A=b<&>", comment: "FROM 97e0419b05f7", empty_layer: true },
  { created: CREATED, created_by: "/bin/sh" },
];
const DIFF_IDS = [digestOf(encode("diff 1")), digestOf(encode("diff 2"))];
const CONFIG = encode(
  `{ "os":"linux", "rootfs":{"type":"layers","diff_ids":${JSON.stringify(DIFF_IDS)}}, "history":${
    JSON.stringify(HISTORY)
  },\n "architecture":"amd64", "z<":[1.50, "a b"] }`,
);
const DOCKER = makeManifest("docker", {
  layers: [{ mediaType: T.dockerLayer, digest: BASE, size: 1 }, { mediaType: T.dockerLayer, digest: TOP, size: 1 }],
});

Deno.test("convertToSchema1() computes ids by the layers at the source and names those at the destination", async () => {
  const layers = [layer(T.dockerLayerGzip, "uploaded 1"), layer(T.dockerLayerGzip, "uploaded 2")];
  const image = await convertToSchema1(DOCKER, CONFIG, { name: "t/v1", tag: "x", layers, time: NOW });
  assert.equal(image.mediaType, T.dockerSchema1Signed);
  const empty = EMPTY_GZIP_LAYER.descriptor.digest;
  assert.deepEqual(image.layers.map(({ digest }) => digest), [layers[0]!.digest, empty, layers[1]!.digest]);
  const { name, tag, architecture, history } = JSON.parse(decode(image.bytes));
  assert.deepEqual([name, tag, architecture], ["t/v1", "x", "amd64"]);
  // Ids and JSON that container-libs writes for this image.
  const [parent, baseId] = [
    "53ba21ee3c209d20696e13631cdcd8b58d7eacd861c84bacdb7c2dccaa145592",
    "386bbddda92dd74fa20a07e996a214c1d81d7cc0fce3ee9d139f8aabb58cc4ba",
  ];
  const id = digestOf(encode(`${TOP.slice(7)} ${parent} ${decode(CONFIG)}`)).slice(7);
  assert.deepEqual(history.map((entry: { v1Compatibility: string }) => entry.v1Compatibility), [
    `{"architecture":"amd64","id":"${id}","os":"linux","parent":"${parent}","z\\u003c":[1.50,"a b"]}`,
    `{"id":"${parent}","parent":"${baseId}","comment":"FROM 97e0419b05f7","created":"${CREATED}","container_config":{"Cmd":["/bin/sh -c #(nop) ENV A=b\\u003c\\u0026\\u003e"]},"throwaway":true}`,
    `{"id":"${baseId}","created":"${CREATED}","container_config":{"Cmd":["/bin/sh"]}}`,
  ]);
});

Deno.test("schema 1 is signed so that its signature verifies", async () => {
  const image = await convertToSchema1(DOCKER, CONFIG, { name: "", tag: "", time: NOW });
  const [{ header, signature, protected: protectedHeader }] = JSON.parse(decode(image.bytes)).signatures;
  const payload = payloadOf(image);
  assert.deepEqual(JSON.parse(atob(protectedHeader)), {
    formatLength: encode(payload).length - 1,
    formatTail: "fQ",
    time: "2026-11-23T04:42:17Z",
  });
  assert.equal(manifestDigest(image.bytes), digestOf(encode(payload)));
  assert.equal(header.alg, "ES256");
  assert.match(header.jwk.kid, /^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
  const { crv, kty, x, y } = header.jwk;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", { crv, kty, x, y }, algorithm, true, ["verify"]);
  const signed = encode(`${protectedHeader}.${Buffer.from(payload).toString("base64url")}`);
  const isGood = await crypto.subtle.verify(algorithm, key, Buffer.from(signature, "base64url"), signed);
  assert.ok(isGood);
});

Deno.test("Docker schema 2 survives a conversion to schema 1 and back", async () => {
  const converted = await convertToSchema1(DOCKER, CONFIG, { name: "", tag: "" });
  assert.deepEqual(schema1EmptyLayers(converted), [false, true, false]);
  const [first, second] = DOCKER.layers;
  const layers = [first!, EMPTY_GZIP_LAYER.descriptor, second!];
  const back = convertFromSchema1(converted, [DIFF_IDS[0], undefined, DIFF_IDS[1]], { layers });
  assert.deepEqual(back.image.layers, DOCKER.layers);
  assert.equal(
    decode(back.config),
    `{"architecture":"amd64","history":[{"created":"${CREATED}","created_by":"/bin/sh"},{"created":"${CREATED}","created_by":"/bin/sh -c #(nop) ENV A=b\\u003c\\u0026\\u003e","comment":"FROM 97e0419b05f7","empty_layer":true},{"created":"0001-01-01T00:00:00Z"}],"os":"linux","rootfs":{"type":"layers","diff_ids":["${
      DIFF_IDS[0]
    }","${DIFF_IDS[1]}"]},"z\\u003c":[1.50,"a b"]}`,
  );
  assert.deepEqual(back.image.config, {
    mediaType: T.dockerConfig,
    digest: digestOf(back.config),
    size: back.config.length,
  });
  assert.throws(() => convertFromSchema1(converted, [DIFF_IDS[0], undefined, undefined], { layers }), TypeError);
  assert.throws(() => convertFromSchema1(converted, DIFF_IDS, { layers }), TypeError);
});

Deno.test("convertToSchema1() accepts OCI images, whose layers may be recompressed with gzip", async () => {
  const zstd = makeManifest("oci", { layers: [layer(T.ociLayerZstd, "a"), layer(T.ociLayerGzip, "b")] });
  const options = { name: "", tag: "" };
  await assert.rejects(convertToSchema1(zstd, CONFIG, options), { code: "CONVERSION_NOT_SUPPORTED", message: /zstd/ });
  const layers = [layer(T.ociLayerGzip, "c"), zstd.layers[1]!];
  const image = await convertToSchema1(zstd, CONFIG, { ...options, layers });
  assert.deepEqual(image.layers[0]!.digest, layers[0]!.digest);
});

Deno.test("convertToSchema1() rejects images that schema 1 cannot represent", async () => {
  const config = (history: unknown) => encode({ history });
  const rows: [Uint8Array<ArrayBuffer>, string][] = [
    [encode("{}"), "CONVERSION_NOT_SUPPORTED"],
    [config([]), "CONVERSION_NOT_SUPPORTED"],
    [config([{}, {}, {}]), "INVALID_MANIFEST"],
    [config([{}]), "INVALID_MANIFEST"],
    [config([{ created: "yesterday" }, {}]), "INVALID_JSON"],
    [encode({ created: "yesterday", history: [{}, {}] }), "INVALID_JSON"],
    [encode("[]"), "INVALID_JSON"],
  ];
  for (const [bytes, code] of rows) {
    await assert.rejects(convertToSchema1(DOCKER, bytes, { name: "", tag: "" }), { code });
  }
  await assert.rejects(convertToSchema1(DOCKER, CONFIG, { name: "", tag: "", layers: [] }), TypeError);
  await assert.rejects(convertToSchema1(parseImage(schema1([ENTRY])), CONFIG, { name: "", tag: "" }), TypeError);
});

const ID = { a: "a".repeat(64), b: "b".repeat(64), c: "c".repeat(64) };
const ENTRY = { id: ID.a, created: CREATED };

/** An unsigned schema 1 manifest; the entries are newest first. */
function schema1(entries: readonly unknown[], layers: readonly Digest[] = entries.map(() => BASE)): unknown {
  return {
    schemaVersion: 1,
    name: "old",
    tag: "t",
    architecture: "amd64",
    fsLayers: layers.map((blobSum) => ({ blobSum })),
    history: entries.map((entry) => ({ v1Compatibility: JSON.stringify(entry) })),
  };
}

Deno.test("a schema 1 history must be a chain of ids", () => {
  const older = { id: ID.b, created: CREATED };
  const rows: [unknown, RegExp][] = [
    [schema1([]), /no layers/],
    [schema1([ENTRY], [BASE, TOP]), /2 layers but a history of 1/],
    [schema1([{ ...ENTRY, id: "A".repeat(64) }]), /id ".*" of history\[0\] is not valid/],
    [schema1([{ ...ENTRY, id: undefined }]), /id "" of history\[0\]/],
    [schema1([{ ...ENTRY, parent: ID.b }]), /parent of history\[0\] must be ""/],
    [schema1([{ ...ENTRY, parent: ID.c }, older]), /parent of history\[0\] must be "b+": current value is "c+"/],
    [schema1([ENTRY, older]), /parent of history\[0\]/],
    [schema1([{ ...ENTRY, parent: ID.b }, { ...older, parent: ID.a }, ENTRY]), /id a+ occurs several times/],
  ];
  for (const [manifest, message] of rows) {
    assert.throws(() => schema1EmptyLayers(parseImage(manifest)), { code: "INVALID_MANIFEST", message });
  }
  const broken = { ...schema1([ENTRY]) as object, history: [{ v1Compatibility: "{" }] };
  assert.throws(() => schema1EmptyLayers(parseImage(broken)), { code: "INVALID_JSON", message: /history\[0\]/ });
  assert.throws(() => schema1EmptyLayers(DOCKER), TypeError);
});

Deno.test("of schema 1 entries with the same id, only the oldest is kept", () => {
  const entries = [{ ...ENTRY, parent: ID.b, newest: true }, { ...ENTRY, parent: ID.b }, {
    id: ID.b,
    created: CREATED,
  }];
  const image = parseImage(schema1(entries, [TOP, BASE, DIFF_IDS[0]!]));
  assert.deepEqual(schema1EmptyLayers(image), [false, false, true]);
  const layers = image.layers.map((descriptor) => ({ ...descriptor, size: 7 }));
  const { image: docker, config } = convertFromSchema1(image, [...DIFF_IDS, undefined], { layers });
  assert.deepEqual(docker.layers, layers.slice(0, 2));
  assert.ok(!("newest" in JSON.parse(decode(config))));
});

Deno.test("configurations of Docker before 1.8.3 are completed", () => {
  const layers = [layer(T.dockerLayerGzip, "x")];
  const convert = (entry: object) =>
    decode(convertFromSchema1(parseImage(schema1([{ ...ENTRY, ...entry }])), [DIFF_IDS[0]], { layers }).config);
  const rest = `"history":[{"created":"${CREATED}"}],"rootfs":{"type":"layers","diff_ids":["${DIFF_IDS[0]}"]}`;
  const members = JSON.parse('{"Size":5,"parent_id":"p","layer_id":"l","throwaway":false,"x":1}');
  for (const version of ["1.8.3", "1.10", "2", "1.8.3.1"]) {
    const expected = `{"created":"${CREATED}","docker_version":"${version}",${rest},"x":1}`;
    assert.equal(convert({ ...members, docker_version: version }), expected);
  }
  const empty =
    '"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null';
  for (const version of ["1.8.2", "1.8.2-fc22", "0.9", "x"]) {
    const expected = `{"container_config":{${empty}},"created":"${CREATED}","docker_version":"${version}",${rest}}`;
    assert.equal(convert({ ...members, docker_version: version }), expected);
  }
  const config = {
    Shell: ["sh"],
    Cmd: "one",
    Entrypoint: [],
    Volumes: {},
    Labels: { b: "<", a: "" },
    StopTimeout: 0,
    Healthcheck: { Test: ["NONE"], Retries: 0, Interval: 5 },
    ExposedPorts: { "80/tcp": {} },
  };
  const written = convert({ docker_version: "1.7", config });
  assert.ok(written.includes(
    '"config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"ExposedPorts":{"80/tcp":{}},"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":["one"],"Healthcheck":{"Test":["NONE"],"Interval":5},"Image":"","Volumes":{},"WorkingDir":"","Entrypoint":[],"OnBuild":null,"Labels":{"a":"","b":"\\u003c"},"StopTimeout":0,"Shell":["sh"]}',
  ));
});

Deno.test("schema 1 can be renamed and get other layers, and is signed again", async () => {
  const old = parseImage(schema1([{ ...ENTRY, parent: ID.b }, { id: ID.b }], [TOP, BASE]));
  assert.equal(await renameSchema1(old, { name: "old", tag: "t" }), old);
  const named = await renameSchema1(old, { name: "new/name", tag: "", time: NOW });
  const payload = JSON.parse(payloadOf(named));
  assert.deepEqual([payload.name, payload.tag], ["new/name", ""]);
  assert.deepEqual(Object.keys(payload), ["name", "tag", "architecture", "fsLayers", "history", "schemaVersion"]);
  assert.deepEqual(named.layers, old.layers);
  const layers = [layer(T.dockerLayerGzip, "1"), layer(T.dockerLayer, "2")];
  const replaced = await replaceSchema1Layers(named, layers, { time: NOW });
  assert.deepEqual(replaced.layers.map(({ digest }) => digest), layers.map(({ digest }) => digest));
  assert.deepEqual(JSON.parse(payloadOf(replaced)).history, payload.history);
  const zstd = [layer(T.ociLayerZstd, "1"), layers[1]!];
  await assert.rejects(replaceSchema1Layers(named, zstd), { code: "CONVERSION_NOT_SUPPORTED" });
  await assert.rejects(replaceSchema1Layers(named, []), TypeError);
});

Deno.test("the empty layer has the bytes that all tools use", () => {
  const { bytes, descriptor } = EMPTY_GZIP_LAYER;
  assert.equal(descriptor.digest, "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4");
  assert.equal(digestOf(bytes), descriptor.digest);
  assert.equal(descriptor.size, 32);
});
