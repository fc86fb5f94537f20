/** Name of the file that podman, buildah and skopeo use since c/image 5.29. The name contains the version of the schema. */
export const FILE_NAME = "blob-info-cache-v1.sqlite";

/** The table that is created last: if it exists, all tables exist. */
export const LAST_TABLE = "DigestSpecificVariantCompressors";

/** The schema of c/image (pkg/blobinfocache/sqlite). The table of TOCs is not used here, but the other tools require it. */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS DigestUncompressedPairs (
    anyDigest TEXT PRIMARY KEY NOT NULL,
    uncompressedDigest TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS DigestUncompressedPairs_index_uncompressedDigest
    ON DigestUncompressedPairs(uncompressedDigest);
  CREATE TABLE IF NOT EXISTS DigestCompressors (
    digest TEXT PRIMARY KEY NOT NULL,
    compressor TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS KnownLocations (
    transport TEXT NOT NULL,
    scope TEXT NOT NULL,
    digest TEXT NOT NULL,
    location TEXT NOT NULL,
    time TIMESTAMP NOT NULL,
    PRIMARY KEY (transport, scope, digest, location)
  );
  CREATE TABLE IF NOT EXISTS DigestTOCUncompressedPairs (
    tocDigest TEXT PRIMARY KEY NOT NULL,
    uncompressedDigest TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS ${LAST_TABLE} (
    digest TEXT PRIMARY KEY NOT NULL,
    specificVariantCompressor TEXT NOT NULL,
    specificVariantAnnotations BLOB NOT NULL
  );
`;
