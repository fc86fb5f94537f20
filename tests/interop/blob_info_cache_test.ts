/** The file of the blob-info cache, shared with podman and skopeo: its tables, concurrent programs, failures. */
import { dirname } from "@std/path";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { BlobInfoCache } from "../../src/copy/room.ts";
import { encodeUtf8 } from "../../src/internal/room.ts";
import { type Digest, digestOf } from "../../src/spec/room.ts";
import { openBlobInfoCache } from "../../src/system/local/blob_info_cache.ts";
import { exec, ok, peerTest } from "../support/peers.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const QUAY = "docker://quay.io";

function digest(name: string): Digest {
  return digestOf(encodeUtf8(name));
}

/** A folder whose file gets the name that podman and skopeo use. */
async function makeFolder() {
  const folder = await Deno.makeTempDir();
  return {
    folder,
    file: `${folder}/blob-info-cache-v1.sqlite`,
    open: () => openBlobInfoCache({ blobInfoCacheDir: folder }),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Records a gzip layer and its location. */
function recordLayer(cache: BlobInfoCache, name: string): void {
  cache.recordCompression(digest(name), { name: "gzip", annotations: {} });
  cache.recordUncompressed(digest(name), digest(`${name}.tar`));
  cache.recordLocation({ scope: QUAY, location: "me/app" }, digest(name));
}

function knows(cache: BlobInfoCache, name: string): boolean {
  const [candidate] = cache.findCandidates(digest(`${name}.tar`), { scope: QUAY, canSubstitute: true });
  return cache.findUncompressed(digest(name)) === digest(`${name}.tar`) && candidate?.digest === digest(name) &&
    candidate.origin?.location === "me/app" && candidate.compression?.name === "gzip";
}

/** `PRAGMA table_info` of each table: name, type, whether NULL is refused, place in the primary key. */
const TABLES: Record<string, string[]> = {
  DigestUncompressedPairs: ["anyDigest TEXT 1 1", "uncompressedDigest TEXT 1 0"],
  DigestCompressors: ["digest TEXT 1 1", "compressor TEXT 1 0"],
  KnownLocations: [
    "transport TEXT 1 1",
    "scope TEXT 1 2",
    "digest TEXT 1 3",
    "location TEXT 1 4",
    "time TIMESTAMP 1 0",
  ],
  DigestTOCUncompressedPairs: ["tocDigest TEXT 1 1", "uncompressedDigest TEXT 1 0"],
  DigestSpecificVariantCompressors: [
    "digest TEXT 1 1",
    "specificVariantCompressor TEXT 1 0",
    "specificVariantAnnotations BLOB 1 0",
  ],
};

Deno.test("the file has the tables and values that podman and skopeo write", async () => {
  await using at = await makeFolder();
  {
    await using cache = await at.open();
    recordLayer(cache, "a");
    const annotations = { "io.github.containers.zstd-chunked.manifest-checksum": digest("toc") };
    cache.recordCompression(digest("c"), { name: "zstd:chunked", annotations });
    cache.recordCompression(digest("x"), { name: "Xz", annotations: {} });
    cache.recordLocation({ scope: "other://place", location: "x" }, digest("x"));
  }
  using database = new DatabaseSync(at.file, { readOnly: true });
  const rows = (query: string) => database.prepare(query).all().map((row) => Object.values(row));
  const tables = rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid").map(([name]) => name);
  assert.deepEqual(tables, Object.keys(TABLES));
  for (const [table, columns] of Object.entries(TABLES)) {
    const found = rows(`SELECT name, type, "notnull", pk FROM pragma_table_info('${table}')`);
    assert.deepEqual(found.map((column) => column.join(" ")), columns, table);
  }
  assert.deepEqual(rows("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"), [
    ["DigestUncompressedPairs_index_uncompressedDigest"],
  ]);
  assert.deepEqual(rows("SELECT * FROM DigestUncompressedPairs"), [[digest("a"), digest("a.tar")]]);
  assert.deepEqual(rows("SELECT * FROM DigestCompressors ORDER BY rowid"), [
    [digest("a"), "gzip"],
    [digest("c"), "zstd"],
    [digest("x"), "Xz"],
  ]);
  assert.deepEqual(
    rows(
      "SELECT digest, specificVariantCompressor, typeof(specificVariantAnnotations), " +
        "CAST(specificVariantAnnotations AS TEXT) FROM DigestSpecificVariantCompressors",
    ),
    [[
      digest("c"),
      "zstd:chunked",
      "blob",
      `{"io.github.containers.zstd-chunked.manifest-checksum":"${digest("toc")}"}`,
    ]],
  );
  const [place, ...rest] = rows("SELECT transport, scope, digest, location, typeof(time), time FROM KnownLocations");
  assert.deepEqual(rest, []);
  assert.deepEqual(place?.slice(0, 5), ["docker", "quay.io", digest("a"), "quay.io/me/app", "text"]);
  assert.match(String(place?.[5]), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00$/);
});

/** Writes as go-sqlite3 does, with nanoseconds and time zones; and what no tool would write. */
const WRITER = `
import sqlite3, sys
path, gz, zst, tar = sys.argv[1:5]
db = sqlite3.connect(path)
for d in (gz, zst): db.execute("INSERT INTO DigestUncompressedPairs VALUES (?, ?)", (d, tar))
db.execute("INSERT INTO DigestUncompressedPairs VALUES ('sha256:bad', ?)", (tar,))
db.execute("INSERT INTO DigestCompressors VALUES (?, 'gzip')", (gz,))
db.execute("INSERT INTO DigestCompressors VALUES (?, 'zstd')", (zst,))
db.execute("INSERT INTO DigestCompressors VALUES (?, 'lzma9')", (tar,))
db.execute("INSERT INTO DigestSpecificVariantCompressors VALUES (?, 'zstd:chunked', ?)", (zst, b"null"))
for d, location, time in (
    (gz, "quay.io/me/early", "2026-03-01 12:00:00.123456789+02:00"),
    (zst, "quay.io/me/late", "2026-03-01 11:00:00.5+00:00"),
    (gz, "quay.io/me/later", "2026-03-01 11:00:00.500001+00:00"),
    (gz, "quay.io/me/when", "never"),
    (gz, "other.example/me/app", "2026-03-01 12:00:00+00:00"),
    (gz, "quay.io/../escape", "2026-03-01 12:00:00+00:00"),
    (gz, b"quay.io/bytes", 7),
): db.execute("INSERT INTO KnownLocations VALUES ('docker', 'quay.io', ?, ?, ?)", (d, location, time))
db.commit()
`;

peerTest("rows of another program are read if they are valid", ["python3"], async () => {
  await using at = await makeFolder();
  await using cache = await at.open();
  recordLayer(cache, "a");
  await Promise.resolve();
  const [gz, zst, tar] = [digest("gz"), digest("zst"), digest("tar")];
  await ok(["python3", "-c", WRITER, at.file, gz, zst, tar]);
  assert.equal(cache.findUncompressed(zst), tar);
  assert.deepEqual(
    cache.findCandidates(tar, { scope: QUAY, canSubstitute: true }).map(({ digest, compression, origin }) => [
      digest,
      compression?.name,
      origin?.location,
    ]),
    [[gz, "gzip", "me/later"], [zst, "zstd", "me/late"], [gz, "gzip", "me/early"], [gz, "gzip", "me/when"]],
  );
});

Deno.test("two open caches on one file see each other's records", async () => {
  await using at = await makeFolder();
  await using one = await at.open();
  await using two = await at.open();
  assert.ok(!knows(two, "a"));
  recordLayer(one, "a");
  assert.ok(knows(one, "a"));
  await Promise.resolve();
  assert.ok(knows(two, "a"));
  recordLayer(two, "b");
  await Promise.resolve();
  assert.ok(knows(one, "b"));
});

const PROCESS = `
import { digestOf } from "file://${ROOT}src/spec/mod.ts";
import { openBlobInfoCache } from "file://${ROOT}src/system/local/blob_info_cache.ts";
const [folder, name] = Deno.args;
const digest = (name) => digestOf(new TextEncoder().encode(name));
await using cache = await openBlobInfoCache({ blobInfoCacheDir: folder });
for (let i = 0; i < 5; i++) {
  cache.recordCompression(digest(name + i), { name: "gzip", annotations: {} });
  cache.recordUncompressed(digest(name + i), digest(name + i + ".tar"));
  cache.recordLocation({ scope: "${QUAY}", location: "me/app" }, digest(name + i));
  await Promise.resolve();
}
`;

Deno.test("several processes write to one new file concurrently, and nothing is lost", async () => {
  await using at = await makeFolder();
  const script = `${at.folder}/process.ts`;
  await Deno.writeTextFile(script, PROCESS);
  const command = [Deno.execPath(), "run", "--no-check", "--no-prompt", "--config", `${ROOT}deno.json`];
  const permissions = [`--allow-read=${at.folder}`, `--allow-write=${at.folder}`];
  const names = ["p", "q", "r"];
  const run = (name: string) => ok([...command, ...permissions, script, at.folder, name]);
  await Promise.all(names.map(run));
  await using cache = await at.open();
  for (const name of names) {
    for (let i = 0; i < 5; i++) assert.ok(knows(cache, `${name}${i}`), `${name}${i}`);
  }
});

const TROUBLE: Record<string, (file: string) => Promise<void>> = {
  "is not a database": (file) => Deno.writeTextFile(file, "no database ".repeat(1000)),
  "is a folder": (file) => Deno.mkdir(file),
  "has other tables": (file) => {
    using database = new DatabaseSync(file);
    database.exec("CREATE TABLE DigestUncompressedPairs(x); CREATE TABLE DigestSpecificVariantCompressors(y)");
    return Promise.resolve();
  },
  "is cut off": async (file) => {
    {
      await using cache = await openBlobInfoCache({ blobInfoCacheDir: dirname(file) });
      recordLayer(cache, "before");
    }
    await Deno.truncate(file, 5000);
  },
};

for (const [trouble, make] of Object.entries(TROUBLE)) {
  Deno.test(`if the file ${trouble}, the cache is kept in memory`, async () => {
    await using at = await makeFolder();
    await make(at.file);
    await using cache = await at.open();
    recordLayer(cache, "a");
    await Promise.resolve();
    recordLayer(cache, "b");
    assert.ok(knows(cache, "a") && knows(cache, "b"));
  });
}

Deno.test("if another program keeps the file locked, the cache is kept in memory", async () => {
  await using at = await makeFolder();
  {
    await using cache = await at.open();
    recordLayer(cache, "before");
  }
  using database = new DatabaseSync(at.file);
  database.exec("BEGIN EXCLUSIVE");
  await using cache = await at.open();
  recordLayer(cache, "a");
  assert.ok(knows(cache, "a"));
  assert.ok(!knows(cache, "before"));
});

Deno.test("the file is created when something is recorded, for this user alone", async () => {
  await using at = await makeFolder();
  const folder = `${at.folder}/containers/cache`;
  {
    await using cache = await openBlobInfoCache({ blobInfoCacheDir: folder });
    assert.equal(cache.findUncompressed(digest("a")), undefined);
    await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
    recordLayer(cache, "a");
  }
  assert.equal((await Deno.stat(folder)).mode! & 0o777, 0o700);
});

Deno.test("without permission for the folder, nothing is prompted, created or failed", async () => {
  await using at = await makeFolder();
  const script = `${at.folder}/process.ts`;
  await Deno.writeTextFile(script, `${PROCESS}\nconsole.log(cache.findUncompressed(digest(name + 4)) !== undefined);`);
  const command = [Deno.execPath(), "run", "--no-check", "--no-prompt", "--config", `${ROOT}deno.json`];
  for (const permissions of [[], [`--allow-read=${at.folder}`], [`--allow-write=${at.folder}`]]) {
    const { code, stdout, stderr } = await exec([...command, ...permissions, script, at.folder, "p"]);
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "true\n", stderr: "" }, permissions.join());
  }
  await assert.rejects(Deno.stat(at.file), Deno.errors.NotFound);
});

Deno.test("the folder is that of podman and skopeo, or the one that an option names", async () => {
  const user = { _CONTAINERS_ROOTLESS_UID: "1000" };
  const table: [Record<string, string>, string | undefined][] = [
    [{ ...user, HOME: "/h", XDG_DATA_HOME: "/x" }, "/x/containers/cache"],
    [{ ...user, HOME: "/h" }, "/h/.local/share/containers/cache"],
    [{ ...user, HOME: "/h", XDG_DATA_HOME: "" }, "/h/.local/share/containers/cache"],
    [user, undefined],
    [{ ...user, HOME: "/h", MANIFESTS_BLOB_INFO_CACHE_DIR: "/m" }, "/m"],
    [{ ...user, HOME: "/h", MANIFESTS_BLOB_INFO_CACHE_DIR: "" }, undefined],
  ];
  const face = `${ROOT}src/config/files/room.ts`;
  const code = `import { findCacheFolder } from "file://${face}"; console.log(findCacheFolder());`;
  for (const [variables, expected] of table) {
    // Deno's own files would be below a home that is not there.
    const env = { DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`, ...variables };
    const args = ["eval", "--no-check", "--config", `${ROOT}deno.json`, code];
    const { stdout } = await new Deno.Command(Deno.execPath(), { args, env, clearEnv: true, stdin: "null" }).output();
    assert.equal(new TextDecoder().decode(stdout).trim(), String(expected), JSON.stringify(variables));
  }
});
