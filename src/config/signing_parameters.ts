import { findUrl } from "../internal/room.ts";
import { type ConfTable, parseYaml, type YamlParser } from "./document/mod.ts";

/** Parameters for creating sigstore signatures (containers-sigstore-signing-params.yaml.5). */
export interface SigningParameters {
  /** Path of the private key. `undefined`: the file requires a certificate issued by Fulcio. */
  readonly privateKeyFile: string | undefined;
  /** Path of the file whose first line is the passphrase. `undefined`: ask for the passphrase. */
  readonly privateKeyPassphraseFile: string | undefined;
  /** URL of the transparency log that records the signatures. `undefined`: no log. */
  readonly rekorUrl: string | undefined;
}

const KEYS: readonly string[] = ["privateKeyFile", "privateKeyPassphraseFile", "rekorURL", "fulcio"];
const FULCIO_KEYS: readonly string[] = [
  ...["fulcioURL", "oidcMode", "oidcIDToken", "oidcIssuerURL", "oidcClientID", "oidcClientSecret"],
];

/**
 * Parses a file of signing parameters. Go: `params.ParseFile`.
 *
 * @throws {ConfigFileError} If the file is invalid, has an unknown key, or does not specify exactly one kind of key.
 */
export function parseSigningParameters(text: string, yaml: YamlParser, path: string): SigningParameters {
  const root = parseYaml(text, yaml, path);
  const fulcio = root.table("fulcio");
  assertKnownKeys(root, KEYS);
  assertKnownKeys(fulcio, FULCIO_KEYS);
  const privateKeyFile = root.nonEmptyText("privateKeyFile");
  const usesFulcio = root.isTable("fulcio");
  if (privateKeyFile !== undefined && usesFulcio) root.fail("fulcio", "cannot be combined with privateKeyFile");
  if (privateKeyFile === undefined && !usesFulcio) root.fail(undefined, "it sets neither privateKeyFile nor fulcio");
  return {
    privateKeyFile,
    privateKeyPassphraseFile: root.nonEmptyText("privateKeyPassphraseFile"),
    rekorUrl: readUrl(root),
  };
}

function assertKnownKeys(table: ConfTable, known: readonly string[]): void {
  const unknown = table.keys.find((key) => !known.includes(key));
  if (unknown !== undefined) table.fail(unknown, "is not a known key");
}

function readUrl(table: ConfTable): string | undefined {
  const text = table.nonEmptyText("rekorURL");
  if (text === undefined) return undefined;
  const url = findUrl(text);
  // The URL is not quoted, because it may contain a password.
  if (!url || !/^https?:$/.test(url.protocol)) table.fail("rekorURL", "must be an http or https URL");
  if (url.username || url.password || url.search || url.hash) {
    table.fail("rekorURL", "must be a URL without user, password, query or fragment");
  }
  return text;
}
