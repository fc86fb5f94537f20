import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { ImageSource, SystemContext } from "../../src/image/room.ts";
import { toStream } from "../../src/internal/room.ts";
import {
  type Descriptor,
  digestHex,
  digestOf,
  MEDIA_TYPES,
  type ParsedImage,
  parseManifest,
} from "../../src/spec/room.ts";
import { createDockerArchiveTransport } from "../../src/transport/docker_archive/room.ts";
import { createOciArchiveTransport } from "../../src/transport/oci_archive/room.ts";
import { makeArchive, newBlob, readAll, type TestMember, transfer, withFolder } from "../support/archives.ts";
import { buildImages } from "../support/built_images.ts";
import { describe, encode, makeTar } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { makeStore } from "../support/stores.ts";

const { parseReference: parse } = createDockerArchiveTransport();

const LAYERS = [makeTar("a", "base\n"), makeTar("b", "top\n")];
const CONFIG = encode({
  os: "linux",
  created: "2024-01-02T03:04:05Z",
  author: "a <b>",
  architecture: "amd64",
  config: { Cmd: ["/a", "<&>"], Labels: { "2": "b", "10": "a" } },
  rootfs: { type: "layers", diff_ids: LAYERS.map((layer) => digestOf(layer)) },
});

/** Returns an entry of `manifest.json`. */
function item(fields: { Config?: string; RepoTags?: string[] | null; Layers?: string[] }): unknown {
  return { Config: "config.json", RepoTags: ["localhost/app:1"], Layers: ["0.tar", "1.tar"], ...fields };
}

/** Creates the members of an archive with one image; `other` replaces or removes members. */
function makeMembers(other: Record<string, TestMember[1] | undefined> = {}): TestMember[] {
  const members = {
    "0.tar": LAYERS[0],
    "1.tar": LAYERS[1],
    "config.json": CONFIG,
    "manifest.json": JSON.stringify([item({})]),
    ...other,
  };
  return Object.entries(members).flatMap(([name, content]) => content === undefined ? [] : [[name, content]]);
}

async function openMembers(
  members: readonly TestMember[],
  use: (source: ImageSource, image: ParsedImage) => Promise<void>,
  image = "",
): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, makeArchive(members));
    await using source = await parse(`${folder}/a.tar${image}`).openSource();
    const { bytes, mediaType } = await source.getManifest();
    await use(source, parseManifest(bytes, mediaType) as ParsedImage);
  });
}

/** Reads and compares the whole test image. */
async function readImage(source: ImageSource, image: ParsedImage): Promise<void> {
  assert.equal(image.mediaType, MEDIA_TYPES.dockerManifest);
  const expected = LAYERS.map((layer) => describe(MEDIA_TYPES.dockerLayer, layer));
  assert.deepEqual(await source.layersForCopy!(image), expected);
  assert.deepEqual(image.layers, expected.map((layer) => ({ ...layer, mediaType: MEDIA_TYPES.dockerLayerGzip })));
  assert.deepEqual(image.config, describe(MEDIA_TYPES.dockerConfig, CONFIG));
  assert.deepEqual(await readAll(await source.getBlob(image.config!)), CONFIG);
  const blobs = await Promise.all(image.layers.map(async (layer) => readAll(await source.getBlob(layer))));
  assert.deepEqual(blobs, LAYERS);
}

Deno.test("docker-archive: names", () => {
  const table: [text: string, printed: string, reference?: string][] = [
    ["/a.tar", "/a.tar"],
    ["a.tar:busybox", "a.tar:docker.io/library/busybox:latest", "docker.io/library/busybox:latest"],
    ["/a.tar:localhost:5000/app:1", "/a.tar:localhost:5000/app:1", "localhost:5000/app:1"],
    ["/a.tar:@0", "/a.tar:@0"],
    ["/a.tar:@12", "/a.tar:@12"],
  ];
  for (const [text, printed, name] of table) {
    const reference = parse(text);
    assert.equal(String(reference), `docker-archive:${printed}`);
    assert.equal(String(parse(printed)), `docker-archive:${printed}`);
    assert.equal(reference.dockerReference && String(reference.dockerReference), name);
    assert.equal(reference.policyConfigurationIdentity, "");
    assert.deepEqual(reference.policyConfigurationNamespaces, []);
  }
  const digest = digestOf(CONFIG);
  const wrong = [
    "",
    ":busybox",
    "/a:",
    "/a:@",
    "/a:@-1",
    "/a:@x",
    "/a:@1e3",
    "/a:UPPER",
    `/a:b@${digest}`,
    `/a:b:1@${digest}`,
  ];
  for (const text of wrong) assert.throws(() => parse(text), { code: "INVALID_REFERENCE" }, text);
});

Deno.test("docker-archive: an image is read from every form of members", async (t) => {
  const table: [string, TestMember[]][] = [
    ["plain", makeMembers()],
    ["manifest.json first", makeMembers().toReversed()],
    ["gzip layer", makeMembers({ "1.tar": gzipSync(LAYERS[1]!) })],
    ["zstd layer", makeMembers({ "0.tar": zstdCompressSync(LAYERS[0]!) })],
    ["link", makeMembers({ "0.tar": { type: "symlink", linkName: "x/layer" }, "x/layer": LAYERS[0] })],
    ["link upwards", [
      ...makeMembers({ "0.tar": undefined, "manifest.json": undefined }),
      ["base", LAYERS[0]!],
      ["l/layer.tar", { type: "symlink", linkName: "../base" }],
      ["manifest.json", JSON.stringify([item({ Layers: ["l/layer.tar", "1.tar"] })])],
    ]],
    ["names with ./", makeMembers().map(([name, content]) => [`./${name}`, content])],
    ["members twice", [["0.tar", "old"], ["manifest.json", "old"], ...makeMembers()]],
    [
      "paths that are not normalised",
      makeMembers({ "manifest.json": JSON.stringify([item({ Config: ".//config.json" })]) }),
    ],
    [
      "fields in other capitals",
      makeMembers({
        "manifest.json": '[{"config":"config.json","layers":["0.tar","1.tar"],"RepoTags":null,"More":1}]',
      }),
    ],
  ];
  for (const [form, members] of table) await t.step(form, () => openMembers(members, readImage));
});

Deno.test("docker-archive: an image that has a layer twice", async () => {
  const config = encode({ rootfs: { diff_ids: [LAYERS[0], LAYERS[1], LAYERS[0]].map((layer) => digestOf(layer!)) } });
  const layers = JSON.stringify([item({ Layers: ["0.tar", "1.tar", "copy.tar"] })]);
  await openMembers(makeMembers({ "config.json": config, "manifest.json": layers }), (_, image) => {
    assert.deepEqual(image.layers.map(({ digest }) => digest), [0, 1, 0].map((i) => digestOf(LAYERS[i]!)));
    return Promise.resolve();
  });
});

Deno.test("docker-archive: an image without layers", async () => {
  const config = encode({ rootfs: { type: "layers" } });
  const members = makeMembers({ "config.json": config, "manifest.json": JSON.stringify([item({ Layers: [] })]) });
  await openMembers(members, async (source, image) => {
    assert.deepEqual(image.layers, []);
    assert.deepEqual(await source.layersForCopy!(image), []);
  });
});

Deno.test("docker-archive: one of several images is chosen", async (t) => {
  const other = encode({ rootfs: { diff_ids: [digestOf(LAYERS[0]!)] } });
  const items = [
    item({ RepoTags: ["busybox", "quay.io/me/app:2"], Config: "other.json", Layers: ["0.tar"] }),
    item({ RepoTags: ["localhost/app:1", "busybox:latest"] }),
  ];
  const members = makeMembers({ "other.json": other, "manifest.json": JSON.stringify(items) });
  const table: [image: string, config: Uint8Array | string][] = [
    [":@0", other],
    [":@1", CONFIG],
    [":quay.io/me/app:2", other],
    [":localhost/app:1", CONFIG],
    // A name without a tag in manifest.json is not the name with "latest".
    [":busybox", CONFIG],
    ["", "NOT_FOUND"],
    [":@2", "NOT_FOUND"],
    [":quay.io/me/app", "NOT_FOUND"],
  ];
  for (const [image, config] of table) {
    await t.step(image || "none", async () => {
      const read = openMembers(members, (_, { config: found }) => {
        assert.equal(found!.digest, digestOf(config as Uint8Array));
        return Promise.resolve();
      }, image);
      await (typeof config === "string" ? assert.rejects(read, { code: config }) : read);
    });
  }
});

Deno.test("docker-archive: an image is found by its own digest only", async () => {
  await openMembers(makeMembers(), async (source, image) => {
    for (const algorithm of ["sha256", "sha512"] as const) {
      const instance = digestOf(image.bytes, algorithm);
      assert.deepEqual((await source.getManifest({ instance })).bytes, image.bytes);
    }
    await assert.rejects(source.getManifest({ instance: digestOf(CONFIG) }), { code: "NOT_FOUND" });
    await assert.rejects(source.getBlob(describe("x", encode("none"))), { code: "NOT_FOUND" });
  });
});

Deno.test("docker-archive: damaged archives are rejected", async (t) => {
  const json = (value: unknown) => makeMembers({ "manifest.json": JSON.stringify(value) });
  const config = (value: unknown) => makeMembers({ "config.json": encode(value) });
  const loop = { "0.tar": { type: "symlink", linkName: "x" }, x: { type: "symlink", linkName: "0.tar" } } as const;
  const table: [what: string, members: TestMember[], code: string][] = [
    ["no manifest.json", makeMembers({ "manifest.json": undefined }), "ARCHIVE_INVALID"],
    ["large manifest.json", makeMembers({ "manifest.json": " ".repeat(1024 * 1024 + 1) }), "LIMIT_EXCEEDED"],
    ["large config", makeMembers({ "config.json": new Uint8Array(8 * 1024 * 1024 + 1) }), "LIMIT_EXCEEDED"],
    ["manifest.json is not JSON", makeMembers({ "manifest.json": "[" }), "ARCHIVE_INVALID"],
    ["manifest.json is an object", json({}), "ARCHIVE_INVALID"],
    ["manifest.json has no objects", json([1]), "ARCHIVE_INVALID"],
    ["layers are not an array", json([{ Config: "config.json", Layers: "0.tar" }]), "ARCHIVE_INVALID"],
    ["no images", json([]), "NOT_FOUND"],
    ["no config", makeMembers({ "config.json": undefined }), "ARCHIVE_INVALID"],
    ["config is not JSON", makeMembers({ "config.json": "x" }), "ARCHIVE_INVALID"],
    ["no rootfs", config({}), "ARCHIVE_INVALID"],
    ["an invalid diff id", config({ rootfs: { diff_ids: ["x", "../y"] } }), "ARCHIVE_INVALID"],
    ["too few layers", json([item({ Layers: ["0.tar"] })]), "ARCHIVE_INVALID"],
    ["one file for two layers", json([item({ Layers: ["0.tar", "./0.tar"] })]), "ARCHIVE_INVALID"],
    ["a layer that is missing", makeMembers({ "1.tar": undefined }), "ARCHIVE_INVALID"],
    ["a layer that leads out", json([item({ Layers: ["../0.tar", "1.tar"] })]), "ARCHIVE_INVALID"],
    ["an absolute layer", json([item({ Layers: ["/etc/passwd", "1.tar"] })]), "ARCHIVE_INVALID"],
    ["an absolute link", makeMembers({ "0.tar": { type: "symlink", linkName: "/etc/passwd" } }), "ARCHIVE_INVALID"],
    ["a link that leads out", makeMembers({ "0.tar": { type: "symlink", linkName: "../../0" } }), "ARCHIVE_INVALID"],
    ["links in a circle", makeMembers(loop), "ARCHIVE_INVALID"],
    ["a folder as layer", makeMembers({ "0.tar": { type: "dir" } }), "ARCHIVE_INVALID"],
    ["a cut layer", makeMembers({ "0.tar": gzipSync(LAYERS[0]!).subarray(0, -9) }), "ARCHIVE_INVALID"],
    ["a layer in bzip2", makeMembers({ "0.tar": "BZh91AY&SY" }), "COMPRESSION_NOT_SUPPORTED"],
  ];
  for (const [what, members, code] of table) {
    await t.step(what, () => assert.rejects(openMembers(members, readImage), { code }));
  }
  await t.step(
    "a tag that is none",
    () =>
      assert.rejects(openMembers(json([item({ RepoTags: ["UPPER"] })]), readImage, ":app"), {
        code: "ARCHIVE_INVALID",
      }),
  );
});

Deno.test("docker-archive: measuring compressed layers can be aborted", async () => {
  await withFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.tar`, makeArchive(makeMembers({ "0.tar": gzipSync(LAYERS[0]!) })));
    await using source = await parse(`${folder}/a.tar`).openSource();
    const reason = new Error("enough");
    await assert.rejects(source.getManifest({ signal: AbortSignal.abort(reason) }), reason);
    const abort = new AbortController();
    const read = source.getManifest({ signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(read, reason);
    await source.getManifest();
  });
});

/** Writes the test image. */
async function write(path: string, late = false, context?: SystemContext): Promise<void> {
  await openMembers(makeMembers(), async (source) => {
    await using destination = await parse(path).openDestination(context);
    await transfer(source, destination, late);
    await destination.commit();
  });
}

Deno.test("docker-archive: a written archive is reproducible", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    await write(`${path}:app:1`);
    await write(`${folder}/late.tar:app:1`, true);
    const bytes = await Deno.readFile(path);
    assert.deepEqual(await Deno.readFile(`${folder}/late.tar`), bytes);
    await using source = await parse(`${path}:app:1`).openSource();
    await readImage(source, parseManifest((await source.getManifest()).bytes) as ParsedImage);
  });
});

Deno.test("docker-archive: abilities of a destination, and rejected images", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    {
      await using destination = await parse(path).openDestination();
      assert.deepEqual(destination.abilities, {
        manifestTypes: [MEDIA_TYPES.dockerManifest],
        layerCompression: "decompress",
        parallelBlobs: false,
      });
      const rejected = { code: "MANIFEST_REJECTED" };
      await assert.rejects(destination.putManifest(encode("{}"), MEDIA_TYPES.ociManifest), rejected);
      const { dockerManifest } = MEDIA_TYPES;
      await assert.rejects(
        destination.putManifest(encode("{}"), dockerManifest, { instance: digestOf(CONFIG) }),
        rejected,
      );
      const [config, layer] = [
        describe(MEDIA_TYPES.dockerConfig, CONFIG),
        describe(MEDIA_TYPES.dockerLayer, LAYERS[0]!),
      ];
      const manifest = encode({ schemaVersion: 2, mediaType: dockerManifest, config, layers: [layer] });
      await assert.rejects(destination.putManifest(manifest, dockerManifest), { code: "NOT_FOUND" });
      await destination.putBlob(newBlob(layer, "layer"), toStream(LAYERS[0]!));
      await assert.rejects(destination.putManifest(manifest, dockerManifest), { code: "NOT_FOUND" });
      const large = new Uint8Array(8 * 1024 * 1024 + 1);
      const put = destination.putBlob(newBlob(describe("x", large), "config"), toStream(large));
      await assert.rejects(put, { code: "LIMIT_EXCEEDED" });
      await assert.rejects(destination.commit(), TypeError);
    }
    await assert.rejects(parse(`${path}:@0`).openDestination(), { code: "INVALID_REFERENCE" });
    const badTag = { dockerArchiveAdditionalTags: ["UPPER"] };
    await assert.rejects(parse(path).openDestination(badTag), { code: "INVALID_REFERENCE" });
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  });
});

Deno.test("docker-archive: an existing archive is not changed; an empty file is replaced", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    await Deno.writeTextFile(path, "important");
    await assert.rejects(write(path), { code: "DESTINATION_IN_USE" });
    assert.equal(await Deno.readTextFile(path), "important");
    await Deno.writeTextFile(path, "");
    await openMembers(makeMembers(), async (source) => {
      await using first = await parse(path).openDestination();
      await transfer(source, first);
      await write(path);
      const second = await Deno.readFile(path);
      await assert.rejects(first.commit(), { code: "DESTINATION_IN_USE" });
      assert.deepEqual(await Deno.readFile(path), second);
    });
    assert.equal((await Array.fromAsync(Deno.readDir(folder))).length, 1);
  });
});

peerTest(
  "docker-archive: archives are byte for byte the same as skopeo's",
  ["skopeo", "buildah", "podman"],
  async (t) => {
    await using at = await makeStore();
    await withFolder(async (folder) => {
      const lines = ["COPY one /one", "COPY two /two", 'LABEL html="<a&b>" 2=x 10=y', "ENV X=ü", "CMD /one"];
      const names = await buildImages(at, "app", { format: "docker", lines });
      const store = `containers-storage:[${at.driver}@${at.root}+${at.runRoot}]`;
      const from = `docker-archive:${folder}/skopeo.tar:quay.io/me/app:1`;
      const further = ["localhost/app:2", "localhost/app:10", "docker.io/library/app:latest"];
      const tags = further.map((tag) => `--additional-tag=${tag}`);
      await ok(["skopeo", "copy", "-q", ...tags, store + names[0], from]);

      await t.step("the archive", async () => {
        await using source = await parse(`${folder}/skopeo.tar:quay.io/me/app:1`).openSource();
        const raw = await ok(["skopeo", "inspect", "--raw", from]);
        assert.equal(new TextDecoder().decode((await source.getManifest()).bytes), raw);
        await using destination = await parse(`${folder}/ours.tar:quay.io/me/app:1`).openDestination({
          dockerArchiveAdditionalTags: [...further, further[0]!],
        });
        await transfer(source, destination);
        await destination.commit();
        assert.deepEqual(await Deno.readFile(`${folder}/ours.tar`), await Deno.readFile(`${folder}/skopeo.tar`));
      });

      await t.step("without a name", async () => {
        await ok(["skopeo", "copy", "-q", store + names[0], `docker-archive:${folder}/unnamed.tar`]);
        await using source = await parse(`${folder}/unnamed.tar`).openSource();
        await using destination = await parse(`${folder}/ours2.tar`).openDestination();
        await transfer(source, destination);
        await destination.commit();
        assert.deepEqual(await Deno.readFile(`${folder}/ours2.tar`), await Deno.readFile(`${folder}/unnamed.tar`));
      });

      await t.step("several images of podman", async () => {
        const path = `${folder}/podman.tar`;
        await ok(["podman", ...at.flags, "save", "-q", "-m", "--format=docker-archive", "-o", path, ...names]);
        for (const image of [":@0", ":@1", ...names.map((name) => `:${name}`)]) {
          await using source = await parse(path + image).openSource();
          const { bytes } = await source.getManifest();
          const raw = await ok(["skopeo", "inspect", "--raw", `docker-archive:${path}${image}`]);
          assert.equal(new TextDecoder().decode(bytes), raw);
          for (const layer of (await source.layersForCopy!(parseManifest(bytes) as ParsedImage))!) {
            assert.equal(digestOf(await readAll(await source.getBlob(layer))), layer.digest);
          }
        }
      });

      await t.step("compressed as a whole", async () => {
        for (const [name, compress] of [["gz", gzipSync], ["zst", zstdCompressSync]] as const) {
          await Deno.writeFile(`${folder}/${name}`, compress(await Deno.readFile(`${folder}/skopeo.tar`)));
          await using source = await parse(`${folder}/${name}`).openSource();
          const raw = await ok(["skopeo", "inspect", "--raw", from]);
          assert.equal(new TextDecoder().decode((await source.getManifest()).bytes), raw);
        }
      });
    });
  },
);

peerTest("docker-archive: skopeo and podman read written archives", ["skopeo", "podman"], async () => {
  await using at = await makeStore();
  await withFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    await write(`${path}:localhost/app:1`, false, { dockerArchiveAdditionalTags: ["localhost/other"] });
    await ok(["skopeo", "copy", "-q", `docker-archive:${path}`, `dir:${folder}/dir`]);
    for (const layer of LAYERS) {
      assert.deepEqual(await Deno.readFile(`${folder}/dir/${digestHex(digestOf(layer))}`), layer);
    }
    const loaded = await ok(["podman", ...at.flags, "load", "-i", path]);
    assert.match(loaded, /localhost\/app:1/);
    const images = await ok([
      "podman",
      ...at.flags,
      "images",
      "--format",
      "{{.Repository}}:{{.Tag}} {{.ID}}",
      "--no-trunc",
    ]);
    const id = digestOf(CONFIG);
    assert.deepEqual(images.split("\n").sort(), [`localhost/app:1 ${id}`, `localhost/other:latest ${id}`]);
  });
});

peerTest("docker-archive: layers that skopeo compressed are read uncompressed", ["skopeo", "buildah"], async () => {
  await using at = await makeStore();
  await withFolder(async (folder) => {
    const [name] = await buildImages(at, "app", { format: "docker" });
    const store = `containers-storage:[${at.driver}@${at.root}+${at.runRoot}]`;
    await ok(["skopeo", "copy", "-q", store + name, `docker-archive:${folder}/plain.tar:app:1`]);
    await ok(["skopeo", "copy", "-q", store + name, `oci-archive:${folder}/gzip.tar`]);
    await using plain = await parse(`${folder}/plain.tar`).openSource();
    await using gzip = await createOciArchiveTransport().parseReference(`${folder}/gzip.tar`).openSource();
    const { layers } = parseManifest((await gzip.getManifest()).bytes) as ParsedImage;
    const members: TestMember[] = [];
    for (const [i, layer] of layers.entries()) members.push([`${i}`, await readAll(await gzip.getBlob(layer))]);
    const { bytes } = await plain.getManifest();
    const config: Descriptor = (parseManifest(bytes) as ParsedImage).config!;
    members.push(["config.json", await readAll(await plain.getBlob(config))]);
    members.push(["manifest.json", JSON.stringify([item({ Layers: layers.map((_, i) => `${i}`) })])]);
    await Deno.writeFile(`${folder}/mixed.tar`, makeArchive(members));
    await using mixed = await parse(`${folder}/mixed.tar`).openSource();
    assert.deepEqual((await mixed.getManifest()).bytes, bytes);
    const raw = await ok(["skopeo", "inspect", "--raw", `docker-archive:${folder}/mixed.tar`]);
    assert.equal(new TextDecoder().decode(bytes), raw);
  });
});
