/** The file that the real tools use since c/image 5.29. Its name is its version: other tables would have another one. */
export const FILE_NAME = "blob-info-cache-v1.sqlite";

/** Made last, so that where it is, everything is. */
export const LAST_TABLE = "DigestSpecificVariantCompressors";

/** The tables of the real tools (c/image pkg/blobinfocache/sqlite); that of TOCs is theirs alone, but must be there. */
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
