/** Tests a blob-info cache in memory, in a file, and in a file that was closed and reopened. */
import assert from "node:assert/strict";
import {
  type BlobCandidate,
  type BlobInfoCache,
  createBlobInfoCache,
  type KnownCompression,
} from "../../src/copy/room.ts";
import { encodeUtf8 } from "../../src/internal/room.ts";
import { type Digest, digestOf } from "../../src/spec/room.ts";
import { openBlobInfoCache } from "../../src/system/local/blob_info_cache.ts";

const QUAY = "docker://quay.io";
const CHUNKED = { "io.github.containers.zstd-chunked.manifest-checksum": digest("toc") };

function digest(name: string): Digest {
  return digestOf(encodeUtf8(name));
}

function form(name: KnownCompression["name"], annotations = {}): KnownCompression {
  return { name, annotations };
}

/** Formats candidates as name, compression and location. */
function brief(candidates: readonly BlobCandidate[], names: readonly string[]): string[] {
  return candidates.map(({ digest: found, compression, origin }) =>
    [names.find((name) => digest(name) === found), compression?.name, origin?.location].join(" ")
  );
}

interface Steps {
  record(cache: BlobInfoCache): void;
  look(cache: BlobInfoCache): void;
}

/** Runs the steps in a cache in memory, in one in a file, and in two that share a file. */
function cacheTest(name: string, { record, look }: Steps): void {
  Deno.test(`${name}: in memory`, async () => {
    await using cache = createBlobInfoCache();
    record(cache);
    look(cache);
  });
  Deno.test(`${name}: in a file`, async () => {
    const folder = await Deno.makeTempDir();
    const open = () => openBlobInfoCache({ blobInfoCacheDir: `${folder}/containers/cache` });
    {
      await using cache = await open();
      record(cache);
      look(cache);
    }
    {
      await using cache = await open();
      look(cache);
    }
    await Deno.remove(folder, { recursive: true });
  });
}

cacheTest("what is not known", {
  record: () => {},
  look(cache) {
    assert.equal(cache.findUncompressed(digest("a")), undefined);
    assert.deepEqual(cache.findCandidates(digest("a"), { scope: QUAY, canSubstitute: true }), []);
  },
});

cacheTest("the content without compression", {
  record(cache) {
    cache.recordUncompressed(digest("gz"), digest("tar"));
    cache.recordUncompressed(digest("plain"), digest("plain"));
    cache.recordUncompressed(digest("again"), digest("wrong"));
    cache.recordUncompressed(digest("again"), digest("right"));
  },
  look(cache) {
    const table: [string, string | undefined][] = [
      ["gz", "tar"],
      ["tar", "tar"],
      ["plain", "plain"],
      ["again", "right"],
      ["wrong", undefined],
    ];
    for (const [name, expected] of table) {
      assert.equal(cache.findUncompressed(digest(name)), expected && digest(expected), name);
    }
  },
});

const FORMS = ["tar", "gz", "zst", "unknown"];

cacheTest("candidates, best first", {
  record(cache) {
    for (const name of ["gz", "zst", "unknown"]) cache.recordUncompressed(digest(name), digest("tar"));
    cache.recordCompression(digest("tar"), form("uncompressed"));
    cache.recordCompression(digest("gz"), form("gzip"));
    cache.recordCompression(digest("zst"), form("zstd"));
    for (const location of ["old", "new"]) cache.recordLocation({ scope: QUAY, location }, digest("gz"));
    cache.recordLocation({ scope: QUAY, location: "unknown" }, digest("unknown"));
    cache.recordLocation({ scope: QUAY, location: "me/zst" }, digest("zst"));
    cache.recordLocation({ scope: QUAY, location: "me/tar" }, digest("tar"));
    cache.recordLocation({ scope: "docker://other.example", location: "me/gz" }, digest("gz"));
  },
  look(cache) {
    const at = (name: string, scope: string, canSubstitute: boolean) =>
      brief(cache.findCandidates(digest(name), { scope, canSubstitute }), FORMS);
    assert.deepEqual(at("gz", QUAY, false), ["gz gzip new", "gz gzip old"]);
    assert.deepEqual(at("gz", QUAY, true), [
      "gz gzip new",
      "gz gzip old",
      "zst zstd me/zst",
      "tar uncompressed me/tar",
    ]);
    assert.deepEqual(at("tar", QUAY, true), [
      "tar uncompressed me/tar",
      "zst zstd me/zst",
      "gz gzip new",
      "gz gzip old",
    ]);
    // Without a location: never the blob itself, which the caller has already looked for; the uncompressed blob last.
    assert.deepEqual(at("gz", "docker://nowhere.example", true), ["zst zstd ", "tar uncompressed "]);
    assert.deepEqual(at("zst", "docker://other.example", true), ["gz gzip me/gz", "tar uncompressed "]);
    // The compression must be known for another blob, but not for the requested blob itself.
    assert.deepEqual(at("unknown", QUAY, false), ["unknown  unknown"]);
    const zstdOnly = { scope: QUAY, canSubstitute: true, accepts: ({ name }: KnownCompression) => name === "zstd" };
    assert.deepEqual(brief(cache.findCandidates(digest("tar"), zstdOnly), FORMS), ["zst zstd me/zst"]);
  },
});

const MANY = Array.from({ length: 9 }, (_, i) => `form ${i}`);

cacheTest("the bounds of candidates", {
  record(cache) {
    for (const name of MANY) {
      cache.recordUncompressed(digest(name), digest("tar"));
      cache.recordCompression(digest(name), form("gzip"));
    }
    for (const name of MANY.slice(0, 7)) cache.recordLocation({ scope: QUAY, location: "all" }, digest(name));
    for (const name of MANY.slice(0, 4)) {
      cache.recordLocation({ scope: "docker://four.example", location: "some" }, digest(name));
    }
  },
  look(cache) {
    const count = (scope: string) => {
      const found = cache.findCandidates(digest("tar"), { scope, canSubstitute: true });
      return [found.filter(({ origin }) => origin).length, found.filter(({ origin }) => !origin).length];
    };
    assert.deepEqual(count(QUAY), [5, 0]);
    assert.deepEqual(count("docker://four.example"), [4, 1]);
    assert.deepEqual(count("docker://nowhere.example"), [0, 2]);
    const [first] = cache.findCandidates(digest("tar"), { scope: QUAY, canSubstitute: true });
    assert.equal(first?.digest, digest("form 6"));
  },
});

cacheTest("variants of an algorithm", {
  record(cache) {
    const known: [string, KnownCompression[]][] = [
      ["chunked", [form("zstd"), form("zstd:chunked", { ...CHUNKED, team: "x" })]],
      ["stays", [form("zstd:chunked", CHUNKED), form("zstd")]],
      ["other", [form("zstd:chunked", CHUNKED), form("gzip")]],
      ["bare", [form("zstd:chunked")]],
    ];
    for (const [name, compressions] of known) {
      for (const compression of compressions) cache.recordCompression(digest(name), compression);
      cache.recordLocation({ scope: QUAY, location: "me/app" }, digest(name));
    }
  },
  look(cache) {
    const table: [string, KnownCompression][] = [
      ["chunked", form("zstd:chunked", CHUNKED)],
      ["stays", form("zstd:chunked", CHUNKED)],
      ["other", form("gzip")],
      ["bare", form("zstd")],
    ];
    for (const [name, compression] of table) {
      const [candidate] = cache.findCandidates(digest(name), { scope: QUAY, canSubstitute: false });
      assert.deepEqual(candidate?.compression, compression, name);
    }
  },
});
