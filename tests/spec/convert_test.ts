import assert from "node:assert/strict";
import {
  convertToDockerManifest,
  convertToOciManifest,
  convertToSchema1,
  type Descriptor,
  type Digest,
  digestOf,
  isArtifact,
  isChangeableLayer,
  type LayerCompression,
  layerMediaType,
  MEDIA_TYPES,
  type ParsedImage,
  replaceLayers,
  UNKNOWN_SIZE,
} from "../../src/spec/room.ts";
import { decode, encode, layer, makeManifest, parseImage } from "../support/manifests.ts";

const T = MEDIA_TYPES;

Deno.test("layerMediaType() knows the variants of each kind of layer", () => {
  const rows: [string, LayerCompression, string | undefined][] = [
    [T.ociLayer, "gzip", T.ociLayerGzip],
    [T.ociLayerGzip, "zstd", T.ociLayerZstd],
    [T.ociLayerZstd, "uncompressed", T.ociLayer],
    [T.ociNondistributableLayer, "zstd", T.ociNondistributableLayerZstd],
    [T.ociNondistributableLayerZstd, "gzip", T.ociNondistributableLayerGzip],
    [T.dockerLayerGzip, "uncompressed", T.dockerLayer],
    [T.dockerLayer, "gzip", T.dockerLayerGzip],
    [T.dockerLayerGzip, "gzip", T.dockerLayerGzip],
    [T.dockerForeignLayerGzip, "uncompressed", T.dockerForeignLayer],
    [T.dockerLayer, "zstd", undefined],
    [T.dockerForeignLayer, "zstd", undefined],
    [T.dockerLayerZstd, "gzip", undefined],
    ["application/vnd.in-toto+json", "gzip", undefined],
    ["", "uncompressed", undefined],
    ["anything", "keep", "anything"],
  ];
  for (const [mediaType, compression, expected] of rows) {
    if (expected) assert.equal(layerMediaType(mediaType, compression), expected);
    else assert.throws(() => layerMediaType(mediaType, compression), { code: "COMPRESSION_NOT_SUPPORTED" });
  }
});

Deno.test("isChangeableLayer() takes only layers of images, with media types of their format", () => {
  const artifact = makeManifest("oci", { configType: "application/vnd.example" });
  const rows: [ParsedImage, string, boolean][] = [
    [makeManifest("oci"), T.ociLayerZstd, true],
    [makeManifest("oci"), T.ociNondistributableLayer, true],
    [makeManifest("oci"), T.dockerLayerGzip, false],
    [makeManifest("oci"), "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", false],
    [artifact, T.ociLayerGzip, false],
    [makeManifest("docker"), T.dockerForeignLayerGzip, true],
    [makeManifest("docker"), T.dockerLayerZstd, false],
    [makeManifest("docker"), T.ociLayerGzip, false],
    [parseImage({ schemaVersion: 1, fsLayers: [], history: [] }), T.dockerLayerGzip, true],
  ];
  for (const [image, mediaType, expected] of rows) {
    assert.equal(isChangeableLayer(image, layer(mediaType, "x")), expected, `${image.kind} ${mediaType}`);
  }
  assert.ok(isArtifact(artifact));
  assert.ok(!isArtifact(makeManifest("docker", { configType: "application/vnd.docker.plugin.v1+json" })));
});

/** Manifests that buildah 1.28.2 pushed, before and after a conversion. */
const CHILD =
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:3cc009f747dc76e2c31fb43f7413093bdc6a4cf1a4cd89b112ced1e0eecfacc7","size":306},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:c79b16feee454eb989a1e9850652393a5417ec22c6387bd51ea13cae789dc960","size":2048}],"annotations":{"org.opencontainers.image.base.digest":"","org.opencontainers.image.base.name":""}}';
const PUSHED =
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:3cc009f747dc76e2c31fb43f7413093bdc6a4cf1a4cd89b112ced1e0eecfacc7","size":306},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:107f0c1d47a1df52fcef9b05906c3de488897d3fe4a68ffd7f872a6599885135","size":103}],"annotations":{"org.opencontainers.image.base.digest":"","org.opencontainers.image.base.name":""}}';
const PUSHED_DOCKER =
  '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":306,"digest":"sha256:3cc009f747dc76e2c31fb43f7413093bdc6a4cf1a4cd89b112ced1e0eecfacc7"},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":103,"digest":"sha256:107f0c1d47a1df52fcef9b05906c3de488897d3fe4a68ffd7f872a6599885135"}]}';
const GZIPPED: Descriptor = {
  mediaType: T.ociLayerGzip,
  digest: "sha256:107f0c1d47a1df52fcef9b05906c3de488897d3fe4a68ffd7f872a6599885135" as Digest,
  size: 103,
};

Deno.test("replaced layers and converted manifests are the bytes that buildah pushed", () => {
  const pushed = replaceLayers(parseImage(CHILD), [GZIPPED]);
  assert.equal(decode(pushed.bytes), PUSHED);
  assert.deepEqual(pushed.layers, [GZIPPED]);
  assert.equal(decode(convertToDockerManifest(pushed).bytes), PUSHED_DOCKER);
  const [dockerLayer] = parseImage(PUSHED_DOCKER).layers;
  assert.equal(decode(replaceLayers(parseImage(PUSHED_DOCKER), [dockerLayer!]).bytes), PUSHED_DOCKER);
});

Deno.test("replaceLayers() keeps the members of the specification, but no inline data of layers", () => {
  const config = `{"mediaType":"${T.ociConfig}","digest":"${GZIPPED.digest}","size":2,"data":"e30="}`;
  const subject = `{"mediaType":"${T.ociManifest}","digest":"${GZIPPED.digest}","size":2}`;
  const after = (layers: string) =>
    `{"schemaVersion":2,"artifactType":"a/b","config":${config},"layers":[${layers}],"subject":${subject},"annotations":{"10":"x","9":"\\u003c"}}`;
  const image = parseImage(
    `{"x":1,"annotations":{"9":"<","10":"x"},"subject":${subject},"config":${config},"layers":[{"mediaType":"m","digest":"${GZIPPED.digest}","size":2,"data":"e30="}],"artifactType":"a/b", "schemaVersion":2}`,
  );
  const layers = [{ ...image.layers[0]!, urls: ["https://example.com/l"], annotations: { b: "2", a: "1" } }];
  assert.equal(
    decode(replaceLayers(image, layers).bytes),
    after(
      `{"mediaType":"m","digest":"${GZIPPED.digest}","size":2,"urls":["https://example.com/l"],"annotations":{"a":"1","b":"2"}}`,
    ),
  );
  assert.throws(() => replaceLayers(image, []), TypeError);
  assert.throws(() => replaceLayers(image, [{ ...GZIPPED, size: UNKNOWN_SIZE }]), RangeError);
  const schema1 = parseImage({ schemaVersion: 1, fsLayers: [{ blobSum: GZIPPED.digest }], history: [] });
  assert.throws(() => replaceLayers(schema1, [GZIPPED]), TypeError);
});

Deno.test("layers keep their kind in conversions, or are rejected", () => {
  const rows: [string, string | undefined, string | undefined][] = [
    [T.ociLayer, T.dockerLayer, undefined],
    [T.ociLayerGzip, T.dockerLayerGzip, undefined],
    [T.ociNondistributableLayer, T.dockerForeignLayer, undefined],
    [T.ociNondistributableLayerGzip, T.dockerForeignLayerGzip, undefined],
    [T.ociLayerZstd, undefined, "zstd"],
    [T.ociNondistributableLayerZstd, undefined, "zstd"],
    [`${T.ociLayerGzip}+encrypted`, undefined, "encrypted"],
    ["application/vnd.in-toto+json", undefined, "leave them out with --no-attestations"],
    ["application/vnd.example", undefined, "corresponding layer type"],
  ];
  const urls = ["https://example.com/layer"];
  for (const [oci, docker, reason = ""] of rows) {
    const image = makeManifest("oci", { layers: [{ ...layer(oci, "x"), urls, annotations: { k: "v" } }] });
    const failure = { code: "CONVERSION_NOT_SUPPORTED", message: new RegExp(reason) };
    if (!docker) {
      assert.throws(() => convertToDockerManifest(image), failure);
      continue;
    }
    const converted = convertToDockerManifest(image);
    assert.deepEqual(converted.layers, [{ ...layer(docker, "x"), urls }]);
    const back = convertToOciManifest(converted, encode("{}"));
    assert.deepEqual(back.image.layers, [{ ...layer(oci, "x"), urls }]);
  }
  const zstd = convertToOciManifest(makeManifest("docker", { layers: [layer(T.dockerLayerZstd, "x")] }), encode("{}"));
  assert.equal(zstd.image.layers[0]?.mediaType, T.ociLayerZstd);
  const unknown = makeManifest("docker", { layers: [layer("text/plain", "x")] });
  assert.throws(() => convertToOciManifest(unknown, encode("{}")), { code: "CONVERSION_NOT_SUPPORTED" });
});

Deno.test("manifests that mix the types of OCI and Docker are converted", () => {
  for (const configType of [T.ociConfig, T.dockerConfig]) {
    const layers = [layer(T.dockerLayerGzip, "a"), layer(T.ociLayer, "b"), layer(T.dockerForeignLayer, "c")];
    const { config, layers: [gzip, plain, foreign] } = convertToDockerManifest(
      makeManifest("oci", { configType, layers }),
    );
    assert.deepEqual(
      [config!.mediaType, gzip!.mediaType, plain!.mediaType, foreign!.mediaType],
      [T.dockerConfig, T.dockerLayerGzip, T.dockerLayer, T.dockerForeignLayer],
    );
    const docker = makeManifest("docker", { configType, layers: [...layers, layer(T.ociLayerZstd, "d")] });
    const { image } = convertToOciManifest(docker, encode("{}"));
    assert.deepEqual(
      [image.config, ...image.layers].map((blob) => blob!.mediaType),
      [T.ociConfig, T.ociLayerGzip, T.ociLayer, T.ociNondistributableLayer, T.ociLayerZstd],
    );
  }
  const zstd = makeManifest("oci", { layers: [layer(T.dockerLayerZstd, "a")] });
  assert.throws(() => convertToDockerManifest(zstd), { code: "CONVERSION_NOT_SUPPORTED", message: /zstd/ });
});

Deno.test("artifacts are not converted", async () => {
  const rows = [
    [makeManifest("oci", { configType: "a/b" }), /artifact of type "a\/b"/],
    [parseImage({ schemaVersion: 2, mediaType: T.ociManifest, layers: [] }), /without a configuration/],
    [parseImage({ schemaVersion: 2, mediaType: T.dockerManifest, layers: [] }), /without a configuration/],
  ] as const;
  for (const [artifact, message] of rows) {
    const convert = () =>
      artifact.kind === "oci-image" ? convertToDockerManifest(artifact) : convertToOciManifest(artifact, encode("{}"));
    assert.throws(convert, { code: "CONVERSION_NOT_SUPPORTED", message });
    const promise = convertToSchema1(artifact, encode("{}"), { name: "", tag: "" });
    await assert.rejects(promise, { code: "CONVERSION_NOT_SUPPORTED", message });
  }
  assert.throws(() => convertToDockerManifest(makeManifest("docker")), TypeError);
  assert.throws(() => convertToOciManifest(makeManifest("oci"), encode("{}")), TypeError);
});

Deno.test("convertToOciManifest() writes the configuration as skopeo does", () => {
  const image = makeManifest("docker");
  const docker =
    '{"created":"1970-01-01T00:00:00Z","container":"c","container_config":{"Hostname":"","Labels":{"io.buildah.version":"1.28.2"}},"config":{"Hostname":"","Env":[],"OnBuild":[],"Healthcheck":{},"Labels":{"io.buildah.version":"1.28.2"}},"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:c79b16feee454eb989a1e9850652393a5417ec22c6387bd51ea13cae789dc960"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"/bin/sh"}]}';
  const { image: oci, config } = convertToOciManifest(image, encode(docker));
  // The bytes that skopeo writes.
  assert.deepEqual(oci.config, {
    mediaType: T.ociConfig,
    digest: "sha256:3cc009f747dc76e2c31fb43f7413093bdc6a4cf1a4cd89b112ced1e0eecfacc7",
    size: 306,
  });
  assert.equal(oci.config.digest, digestOf(config));
  const everything =
    '{"created":"2020-01-02T03:04:05.12Z","author":"a","architecture":"arm64","os":"linux","os.version":"1","os.features":["f"],"variant":"v8","config":{"User":"u","ExposedPorts":{"53/udp":{},"80/tcp":{}},"Env":["A=\\u003c"],"Entrypoint":["e"],"Cmd":["c"],"Volumes":{"/v":{}},"WorkingDir":"/","Labels":{"10":"x","9":""},"StopSignal":"S","ArgsEscaped":true},"rootfs":{"type":"layers","diff_ids":null},"history":[{"created":"0001-01-01T00:00:00Z","created_by":"b","author":"a","comment":"c","empty_layer":true},{}]}';
  assert.equal(decode(convertToOciManifest(image, encode(everything)).config), everything);
  const nothing = '{"architecture":"","os":"","config":{},"rootfs":{"type":"","diff_ids":null}}';
  assert.equal(decode(convertToOciManifest(image, encode("{}")).config), nothing);
});

Deno.test("times are written as Go writes them, and rejected if Go rejects them", () => {
  const rows: [string, string | undefined][] = [
    ["2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"],
    ["2020-01-02T03:04:05.120Z", "2020-01-02T03:04:05.12Z"],
    ["2020-01-02T03:04:05.000+02:00", "2020-01-02T03:04:05+02:00"],
    ["2020-02-29T23:59:59.1234567899-07:30", "2020-02-29T23:59:59.123456789-07:30"],
    ["2020-01-02T03:04:05.5+00:00", "2020-01-02T03:04:05.5Z"],
    ["2020-01-02T03:04:05,5Z", "2020-01-02T03:04:05.5Z"],
    ["2021-02-29T00:00:00Z", undefined],
    ["2020-01-02T24:00:00Z", undefined],
    ["2020-01-02T03:04:60Z", undefined],
    ["2020-01-02 03:04:05Z", undefined],
    ["", undefined],
  ];
  for (const [created, expected] of rows) {
    const convert = () => convertToOciManifest(makeManifest("docker"), encode({ created })).config;
    if (expected) assert.equal(JSON.parse(decode(convert())).created, expected);
    else assert.throws(convert, { code: "INVALID_JSON", message: /created/ }, created);
  }
});
